"""Pages for people: every text stands in both catalogues, no template holds one, and what a page loads is ours."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from shared.edge.i18n import LANGUAGES, catalogue
from shared.edge.templates import HEADERS, SHARED

ROOT = Path(__file__).parents[2]
FOLDERS = [SHARED, *sorted(path for path in (ROOT / "services").glob("*/web") if (path / "templates").is_dir())]
TEMPLATES = [path for folder in FOLDERS for path in sorted((folder / "templates").glob("*.html"))]
READ_TO_PEOPLE = {"alt", "aria-description", "aria-label", "placeholder", "title"}
"""Attributes whose text people see or hear."""
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parent.name)
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parents[2].name}-{path.stem}")


class Bare(HTMLParser):
    """What of a page is text of its own, and what it loads or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if re.search(r"[^\W\d_]", data) else []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [text for name, text in attrs if name in READ_TO_PEOPLE and re.search(r"[^\W\d_]", text or "")]
        self.inside += [tag] if tag in ("script", "style") else []
        self.inside += [name for name, _ in attrs if name == "style" or name.startswith("on")]


def bare(source: str) -> Bare:
    """What is left when everything that is filled in is taken out."""
    found = Bare()
    found.feed(re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", source, flags=re.DOTALL))
    return found


def asked(source: str) -> set[str]:
    """The keys of the texts that a template says."""
    calls = Environment(autoescape=True).parse(source).find_all(nodes.Call)
    return {c.args[0].value for c in calls if isinstance(c.node, nodes.Name) and c.node.name == "t"}  # type: ignore[attr-defined]


def fields_of(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@each_folder
def test_both_languages_have_the_same_texts_with_the_same_fields(folder: Path) -> None:
    texts = {language: catalogue(folder, language) for language in LANGUAGES}
    first, *others = ({key: fields_of(text) for key, text in each.items()} for each in texts.values())
    assert first
    assert all(other == first for other in others)


@each_template
def test_a_template_holds_no_text_and_nothing_that_the_policy_forbids(template: Path) -> None:
    found = bare(template.read_text("utf-8"))
    assert found.texts == []
    assert found.inside == []


def test_the_look_at_templates_finds_what_it_looks_for() -> None:
    found = bare(
        '<p title="Merhaba" onclick="x()">{{ t("a") }}: <b style="color:red">Gönder</b> 1</p><script></script>'
    )
    assert found.texts == ["Merhaba", "Gönder"]
    assert found.inside == ["onclick", "style", "script"]


@each_template
def test_every_text_that_a_template_says_is_there(template: Path) -> None:
    folder = template.parents[1]
    assert asked(template.read_text("utf-8")) <= {*catalogue(SHARED, "tr"), *catalogue(folder, "tr")}


@each_folder
def test_every_text_of_a_catalogue_is_said(folder: Path) -> None:
    said = "\n".join(path.read_text("utf-8") for path in (*folder.rglob("*.html"), *folder.rglob("*.py")))
    unsaid = {key for key in catalogue(folder, "tr") if f'"{key}"' not in said and not key.startswith("problem-")}
    assert not unsaid


def test_the_policy_of_pages_lets_no_script_run_and_nothing_be_loaded_from_elsewhere() -> None:
    policy: dict[str, Any] = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert {policy[part] for part in ("style-src", "img-src", "form-action")} == {"'self'"}


@each_folder
def test_styles_load_nothing(folder: Path) -> None:
    for path in (folder / "static").glob("*.css"):
        assert not re.search(r"url\(|@import", path.read_text("utf-8"))
