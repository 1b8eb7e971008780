"""Pages for people: filled from templates, in two languages, with files whose names change with their content."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from jinja2.exceptions import UndefinedError

from shared.edge.i18n import catalogue
from shared.edge.static import KEPT, Static
from shared.edge.templates import HEADERS, Pages

TEXTS = {"tr": 'title: "Sayı {number}"\n', "en": 'title: "Number {number}"\nerror: Mistake\n'}


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A web folder with one page and one file."""
    for name in ("templates", "texts", "static"):
        (tmp_path / name).mkdir()
    (tmp_path / "templates" / "one.html").write_text(
        '{% extends "base.html" %}{% block main %}<p>{{ t("title", number=number) }}</p>{% endblock %}'
    )
    for language, texts in TEXTS.items():
        (tmp_path / "texts" / f"{language}.yaml").write_text(texts)
    (tmp_path / "static" / "own.css").write_text("p { color: red }")
    (tmp_path / "static" / "notes.txt").write_text("not for others")
    return tmp_path


async def get(static: Static, path: str) -> httpx.Response:
    app = FastAPI()
    static.serve(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web") as client:
        return await client.get(path)


def test_a_page_is_filled_in_its_language_and_every_value_is_escaped(web: Path) -> None:
    page = Pages("shop", web).page("en", "one", 422, title="<i>", number="<b>")
    text = bytes(page.body).decode()
    assert (page.status_code, page.headers["content-security-policy"]) == (422, HEADERS["Content-Security-Policy"])
    assert '<html lang="en">' in text
    assert "Number &lt;b&gt;" in text
    assert '<h1><span class="word">&lt;i&gt;</span></h1>' in text
    assert "<i>" not in text


def test_what_went_wrong_is_said_first_and_an_own_text_goes_before_a_shared_one(web: Path) -> None:
    text = bytes(Pages("shop", web).page("en", "one", title="T", number=1, problem="a & b").body).decode()
    assert "<title>Mistake: T</title>" in text
    assert 'role="alert"' in text
    assert "a &amp; b" in text
    assert 'role="alert"' not in bytes(Pages("shop", web).page("tr", "one", title="T", number=1).body).decode()


def test_a_value_or_a_text_that_is_missing_is_a_mistake(web: Path) -> None:
    pages = Pages("shop", web)
    with pytest.raises(UndefinedError):
        pages.page("tr", "one", title="T")
    with pytest.raises(KeyError):
        pages.texts.say("tr", "nothing")
    assert pages.texts.say("tr", "nothing", "title", number=7) == "Sayı 7"


def test_a_catalogue_with_what_is_no_text_is_refused(web: Path) -> None:
    (web / "texts" / "tr.yaml").write_text("yes: Evet\n")
    with pytest.raises(ValueError, match="put them in quotes"):
        catalogue(web, "tr")


async def test_a_file_is_kept_for_ever_under_a_name_that_changes_with_its_content(web: Path) -> None:
    before = Static("shop", web / "static")
    answer = await get(before, before.url("own.css"))
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "p { color: red }", KEPT)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    (web / "static" / "own.css").write_text("p { color: blue }")
    after = Static("shop", web / "static")
    assert after.url("own.css") != before.url("own.css")
    late = await get(after, before.url("own.css"))
    assert (late.status_code, late.text, late.headers["cache-control"]) == (200, "p { color: blue }", "no-store")


@pytest.mark.parametrize("name", ["notes.txt", "own.css", "none.0123456789ab.css", "..%2ftexts%2ftr.yaml", "own"])
async def test_nothing_else_is_served(web: Path, name: str) -> None:
    static = Static("shop", web / "static")
    answer = await get(static, f"/shop/static/{name}")
    assert answer.status_code == 404
    assert answer.headers.get("cache-control") != KEPT


def test_a_file_that_is_not_there_cannot_be_named(web: Path) -> None:
    with pytest.raises(KeyError):
        Static("shop", web / "static").url("notes.txt")
