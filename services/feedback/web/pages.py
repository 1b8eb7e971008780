"""The survey as a web page in Turkish or English that works without JavaScript. Every text is escaped."""

from collections.abc import Mapping
from html import escape

from fastapi.responses import HTMLResponse

from contracts.feedback import SurveyKind
from shared.edge.html import PageLanguage, page, warning

from ..answers import LONGEST
from ..policy import SCALES, Texts

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


def form(
    language: PageLanguage, texts: Texts, kind: SurveyKind, *, chosen: int | None = None, comment: str = "",
    problem: str = "", status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The question with the score preselected; it posts to its own address."""
    lowest, highest = SCALES[kind]
    scores = "".join(_choice(score, score == chosen) for score in range(lowest, highest + 1))
    wrong = warning(_problem(problem, language)) if problem else ""
    return page(
        language, texts.title,
        f'{wrong}<form method="post"><fieldset><legend>{escape(texts.question)}</legend>'
        f'<div class="scale">{scores}</div>'
        f'<div class="ends"><span>{lowest}: {escape(texts.lowest)}</span>'
        f"<span>{highest}: {escape(texts.highest)}</span></div></fieldset>"
        f'<label for="comment">{escape(texts.comment)}</label>'
        f'<textarea id="comment" name="comment" maxlength="{LONGEST}">{escape(comment)}</textarea>'
        f"<button>{escape(texts.send)}</button></form>", status,
    )  # fmt: skip


def thanks(language: PageLanguage, texts: Texts) -> HTMLResponse:
    return page(language, texts.title, f"<p>{escape(texts.thanks)}</p>")


def refusal(language: PageLanguage, problem: str, status: int) -> HTMLResponse:
    """What went wrong, by the code of the refusal."""
    return page(language, TITLES[language], warning(_problem(problem, language)), status)


def _choice(score: int, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return f'<label><input type="radio" name="score" value="{score}" required{checked}> {score}</label>'


def _problem(code: str, language: PageLanguage) -> str:
    return PROBLEMS.get(code, PROBLEMS["other"])[language]
