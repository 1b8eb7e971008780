"""The page behind the link of a commercial mail: a GET asks, a POST unsubscribes."""

from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from contracts.notification import Unsubscribe
from shared.core.world import Refused
from shared.edge.http import SIGNED, Api, Call
from shared.edge.i18n import PageLanguage, language_of
from shared.edge.templates import Pages

api = Api()
PAGES: Final = Pages("notification", Path(__file__).parent)


@api.get("/v1/preferences/unsubscribe/{token}", access=SIGNED, also=(404,), response_class=HTMLResponse)
async def ask_unsubscribe(token: str, request: Request, call: Call) -> HTMLResponse:
    """A page that asks: mail scanners follow links, so a GET changes nothing."""
    contact, _ = _subscriber(call, token)
    language = await _language(contact, request, call)
    return PAGES.page(language, "unsubscribe", title=PAGES.texts.say(language, "title"))


@api.post("/v1/preferences/unsubscribe/{token}", access=SIGNED, also=(404,), response_class=HTMLResponse)
async def unsubscribe(token: str, request: Request, call: Call) -> HTMLResponse:
    """One click (RFC 8058): this template is not wanted any more."""
    contact, template = _subscriber(call, token)
    await call.send(Unsubscribe(contact=contact, template=template))
    language = await _language(contact, request, call)
    text = PAGES.texts.say(language, "unsubscribed")
    return PAGES.page(language, "done", title=PAGES.texts.say(language, "title"), text=text)


def _subscriber(call: Call, token: str) -> tuple[str, str]:
    """(contact point, template) of a link; Refused when it is not ours or out of date."""
    signed = call.links.check("unsubscribe", token, call.now)
    if signed is None:
        raise Refused("invalid-link", "token", "the link is not ours or out of date", "use the newest mail", 404)
    contact, _, template = signed.partition("~")
    return contact, template


async def _language(contact: str, request: Request, call: Call) -> PageLanguage:
    row = await call.row("select language from {views}.preferences where key = %s", contact)
    return language_of(row["language"] if row else None, request)
