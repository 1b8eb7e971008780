"""The page behind the link of a resolved case: was it solved? A GET asks, a POST records."""

from html import escape
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from contracts.intake import Confirm
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.edge import Edge
from shared.edge.html import PageLanguage, fields, language_of, page, plain, posted, warning
from shared.edge.http import SIGNED, Api, Call

api = Api()
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
TEXTS: dict[PageLanguage, dict[str, str]] = {
    "tr": {
        "title": "Başvuru {number}", "question": "Sorununuz çözüldü mü?",
        "yes": "Evet, çözüldü", "no": "Hayır, çözülmedi",
        "comment": "Eklemek istediğiniz bir şey var mı? (isteğe bağlı)",
        "choose": "Lütfen iki yanıttan birini seçin.",
        "closed": "Teşekkür ederiz. Başvurunuz kapatıldı.",
        "reopened": "Başvurunuz yeniden açıldı; ekibimiz konuyu tekrar ele alıyor.",
        "expired": "Bu bağlantı geçersiz veya süresi dolmuş. Bize yazmak isterseniz son iletimizi yanıtlayın.",
        "not-resolved": "Başvurunuz üzerinde hâlâ çalışıyoruz; sonuçlandığında size yazacağız.",
        "too-late": "Bu başvuru artık yeniden açılamaz. Yeni bir başvuru için bize yazabilirsiniz.",
        "other": "Yanıtınız kaydedilemedi. Lütfen son iletimizi yanıtlayın.",
    },
    "en": {
        "title": "Request {number}", "question": "Has it been solved?",
        "yes": "Yes, it is solved", "no": "No, it is not",
        "comment": "Anything you would like to add? (optional)",
        "choose": "Please choose one of the two answers.",
        "closed": "Thank you. Your request is closed.",
        "reopened": "Your request is open again; our team is working on it.",
        "expired": "This link is not valid or has expired. To reach us, answer our last message.",
        "not-resolved": "We are still working on your request and will write to you when it is done.",
        "too-late": "This request cannot be opened again. Write to us for a new one.",
        "other": "Your answer could not be recorded. Please reply to our last message.",
    },
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
    texts = TEXTS[language := language_of(row["language"], request)]
    done = texts["closed"] if solved else texts["reopened"]
    return page(language, texts["title"].format(number=row["number"]), f"<p>{escape(done)}</p>")


def _question(row: dict[str, Any], request: Request, text: str = "", again: bool = False) -> HTMLResponse:
    """The question; ``again`` when what was posted was no answer to it, with the text that came along."""
    texts = TEXTS[language := language_of(row["language"], request)]
    return page(
        language, texts["title"].format(number=row["number"]),
        f'{warning(texts["choose"]) if again else ""}<form method="post"><p>{escape(texts["question"])}</p>'
        f'<label for="text">{escape(texts["comment"])}</label>'
        f'<textarea id="text" name="text" maxlength="{LONGEST}">{escape(text)}</textarea>'
        f'<button name="solved" value="yes">{escape(texts["yes"])}</button> '
        f'<button name="solved" value="no">{escape(texts["no"])}</button></form>', 422 if again else 200,
    )  # fmt: skip


async def _asked(token: str, call: Edge) -> tuple[dict[str, Any] | None, str]:
    """The row of the case and the contact point that is asked; None when the link is not ours or out of date."""
    case, _, contact = (call.links.check(LINK, token, call.now) or "").partition("~")
    return await call.row("select key, number, language from {views}.cases where key = %s", case), contact


def _refusal(code: str, status: int, request: Request, known: str | None = None) -> HTMLResponse:
    texts = TEXTS[language := language_of(known, request)]
    return page(language, "Vefa", warning(texts.get(code, texts["other"])), status)
