"""The survey as a web page in Turkish or English."""

from pathlib import Path
from typing import Final

from fastapi.responses import HTMLResponse

from contracts.feedback import SurveyKind
from shared.edge.i18n import PageLanguage
from shared.edge.templates import Pages

from ..answers import LONGEST
from ..policy import SCALES, Texts

PAGES: Final = Pages("feedback", Path(__file__).parent)
GONE: Final = frozenset({"expired", "erased", "not-asked"})
"""Refusals of which a person learns only that the link is no longer good."""


def form(
    language: PageLanguage, texts: Texts, kind: SurveyKind, *, chosen: int | None = None, comment: str = "",
    problem: str = "", status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The question with the score preselected; it posts to its own address. ``problem`` is the code of a refusal."""
    lowest, highest = SCALES[kind]
    return PAGES.page(
        language, "survey", status, title=texts.title, texts=texts, scores=range(lowest, highest + 1), chosen=chosen,
        comment=comment, longest=LONGEST, problem=_problem(problem, language) if problem else "",
    )  # fmt: skip


def thanks(language: PageLanguage, texts: Texts) -> HTMLResponse:
    return PAGES.page(language, "done", title=texts.title, text=texts.thanks)


def refusal(language: PageLanguage, problem: str, status: int) -> HTMLResponse:
    """What went wrong, by the code of the refusal."""
    title = PAGES.texts.say(language, "title")
    return PAGES.page(language, "refused", status, title=title, problem=_problem(problem, language))


def _problem(code: str, language: PageLanguage) -> str:
    code = "gone" if code in GONE else code
    return PAGES.texts.say(language, f"problem-{code}", "problem-other", longest=LONGEST)
