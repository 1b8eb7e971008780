"""The survey as a web page in Turkish or English that works without JavaScript. Every text is escaped."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Literal

from contracts.feedback import SurveyKind

from .answers import LONGEST
from .policy import SCALES, Texts

PageLanguage = Literal["tr", "en"]

STYLE = """
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
fieldset{border:0;padding:0;margin:0 0 1.5rem}legend{font-weight:600;margin-bottom:.75rem}
.scale{display:flex;flex-wrap:wrap;gap:.5rem}
.scale label{border:1px solid #767676;border-radius:.4rem;padding:.5rem .8rem}
.ends{display:flex;justify-content:space-between;font-size:.9rem;color:#4a4a4a;margin-top:.4rem}
textarea{width:100%;box-sizing:border-box;min-height:6rem;font:inherit;margin:.4rem 0 1rem}
button{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.4rem;background:#0b57a4;color:#fff}
.error{border-left:.3rem solid #b00020;padding:.2rem .8rem}
"""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'sha256-" + b64encode(sha256(STYLE.encode()).digest()).decode() + "'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
TITLES: Mapping[PageLanguage, str] = {"tr": "Anket", "en": "Survey"}
GONE: Mapping[PageLanguage, str] = {
    "tr": "Bu anket bağlantısı geçersiz veya süresi dolmuş. Bize yazmak isterseniz son iletimizi yanıtlayın.",
    "en": "This survey link is not valid or has expired. To reach us, answer our last message.",
}
PROBLEMS: Mapping[str, Mapping[PageLanguage, str]] = {
    "expired": GONE,
    "erased": GONE,
    "not-asked": GONE,
    "already-answered": {
        "tr": "Yanıtınız alınmıştı ve artık değiştirilemez. Bize yazmak isterseniz son iletimizi yanıtlayın.",
        "en": "Your answer was recorded and can no longer be changed. To reach us, answer our last message.",
    },
    "off-scale": {"tr": "Lütfen bir puan seçin.", "en": "Please choose a score."},
    "too-long": {
        "tr": f"Yorumunuz çok uzun; en fazla {LONGEST} karakter yazın.",
        "en": f"Your comment is too long; write at most {LONGEST} characters.",
    },
    "other": {
        "tr": "Yanıtınız kaydedilemedi. Lütfen daha sonra yeniden deneyin.",
        "en": "Your answer could not be recorded. Please try again later.",
    },
}


def language_of(known: str | None, accepted: str) -> PageLanguage:
    """The person's language where it is known, otherwise the browser's first of the two, otherwise Turkish."""
    wanted = [known or "", *(part.partition(";")[0].strip()[:2].lower() for part in accepted.split(","))]
    for code in wanted:
        if code == "tr":
            return "tr"
        if code == "en":
            return "en"
    return "tr"


def form(
    language: PageLanguage, texts: Texts, kind: SurveyKind, *, chosen: int | None = None, comment: str = "",
    problem: str = "",
) -> str:  # fmt: skip
    """The question with the score preselected; it posts to its own address."""
    lowest, highest = SCALES[kind]
    scores = "".join(_choice(score, score == chosen) for score in range(lowest, highest + 1))
    warning = f'<p class="error" role="alert">{escape(_problem(problem, language))}</p>' if problem else ""
    return page(
        language, texts.title,
        f'{warning}<form method="post"><fieldset><legend>{escape(texts.question)}</legend>'
        f'<div class="scale">{scores}</div>'
        f'<div class="ends"><span>{lowest}: {escape(texts.lowest)}</span>'
        f"<span>{highest}: {escape(texts.highest)}</span></div></fieldset>"
        f'<label for="comment">{escape(texts.comment)}</label>'
        f'<textarea id="comment" name="comment" maxlength="{LONGEST}">{escape(comment)}</textarea>'
        f"<button>{escape(texts.send)}</button></form>",
    )  # fmt: skip


def thanks(language: PageLanguage, texts: Texts) -> str:
    return page(language, texts.title, f"<p>{escape(texts.thanks)}</p>")


def refusal(language: PageLanguage, problem: str) -> str:
    """What went wrong, by the code of the refusal."""
    return page(language, TITLES[language], f'<p class="error" role="alert">{escape(_problem(problem, language))}</p>')


def page(language: PageLanguage, title: str, body: str) -> str:
    """A whole page around a body that is HTML already."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def _choice(score: int, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return f'<label><input type="radio" name="score" value="{score}" required{checked}> {score}</label>'


def _problem(code: str, language: PageLanguage) -> str:
    return PROBLEMS.get(code, PROBLEMS["other"])[language]
