"""The page behind the link of a resolved case: was it solved? A GET asks, a POST records."""

from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from contracts.intake import Confirm
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.forms import fields, plain, posted
from shared.edge.http import SIGNED, Api, Call
from shared.edge.i18n import language_of
from shared.edge.templates import Pages

api = Api()
PAGES: Final = Pages("intake", Path(__file__).parent)
LINK = "confirm"
"""Purpose of the signed links: the id is ``<case>~<contact>``."""
ANSWERS = ("yes", "no")
LONGEST = 4000
"""Characters of what the customer adds."""
TAKEN = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object", "required": ["solved"],
                    "properties": {"solved": {"enum": list(ANSWERS)}, "text": {"type": "string"}},
                }
            }
        },
    }
}  # fmt: skip


@api.get("/v1/cases/confirm/{token}", access=SIGNED, also=(410,), response_class=HTMLResponse)
async def ask(token: str, request: Request, call: Call) -> HTMLResponse:
    """The question with two buttons. Records nothing: mail scanners open links too."""
    row, _ = await _asked(token, call)
    if row is None:
        return _refusal("expired", 410, request)
    return _question(row, request)


@api.post("/v1/cases/confirm/{token}", access=SIGNED, also=(410,), response_class=HTMLResponse, openapi_extra=TAKEN)
async def answer(token: str, request: Request, call: Call) -> HTMLResponse:
    """The yes closes the case, the no opens it again; form fields ``solved`` (yes or no) and ``text``."""
    row, contact = await _asked(token, call)
    if row is None:
        return _refusal("expired", 410, request)
    try:
        given = fields(await posted(request))
        text = plain(given.get("text", ""))[:LONGEST]
        if given.get("solved") not in ANSWERS:
            return _question(row, request, text, again=True)
        solved = given["solved"] == "yes"
        await call.send(Confirm(case=row["key"], contact=contact, solved=solved, text=Personal(text) if text else None))
    except ValueError:
        return _refusal("other", 422, request, row["language"])
    except Refused as refused:
        return _refusal(refused.code, refused.status, request, row["language"])
    language = language_of(row["language"], request)
    title = PAGES.texts.say(language, "title", number=row["number"])
    return PAGES.page(language, "done", title=title, text=PAGES.texts.say(language, "closed" if solved else "reopened"))


def _question(row: dict[str, Any], request: Request, text: str = "", again: bool = False) -> HTMLResponse:
    """The question; ``again`` when what was posted was no answer to it, with the text that came along."""
    language = language_of(row["language"], request)
    return PAGES.page(
        language, "solved", 422 if again else 200, title=PAGES.texts.say(language, "title", number=row["number"]),
        text=text, longest=LONGEST, problem=PAGES.texts.say(language, "problem-choose") if again else "",
    )  # fmt: skip


async def _asked(token: str, call: Call) -> tuple[dict[str, Any] | None, str]:
    """The row of the case and the contact point that is asked; None when the link is not ours or out of date."""
    case, _, contact = (call.links.check(LINK, token, call.now) or "").partition("~")
    return await call.row("select key, number, language from {views}.cases where key = %s", case), contact


def _refusal(code: str, status: int, request: Request, known: str | None = None) -> HTMLResponse:
    language = language_of(known, request)
    problem = PAGES.texts.say(language, f"problem-{code}", "problem-other")
    title = PAGES.texts.say(language, "title-refused")
    return PAGES.page(language, "refused", status, title=title, problem=problem)
