"""``policy check`` names values that can never match or that nothing knows, each with its place and the nearest
known one."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.vefa.services import app_of, names

from .conftest import run

pytestmark = pytest.mark.long

SHIPPED = [
    (service, name, app_of(service).folder / file)
    for service in names()
    for policies in app_of(service).policies.values()
    for name, file in policies.shipped.items()
]


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.delenv("VEFA_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def checked(capsys: pytest.CaptureFixture[str], service: str, name: str, content: Any) -> tuple[int, str]:
    """(status, warnings in lines or the complaint)"""
    Path("own.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    capsys.readouterr()
    status = run("policy", "check", service, "own.yaml", "--name", name, "--json")
    printed = capsys.readouterr()
    return status, "\n".join(json.loads(printed.out)["warnings"]) if status == 0 else printed.err


def changed(name: str, *path: str | int, to: Any) -> tuple[str, str, Any]:
    """A shipped document with another value at one place."""
    service, _, file = next(found for found in SHIPPED if found[1] == name)
    content = yaml.safe_load(file.read_text("utf-8"))
    at = content
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = to
    return service, name, content


@pytest.mark.parametrize(("service", "name", "file"), SHIPPED, ids=[name for _, name, _ in SHIPPED])
def test_of_what_ships_nothing_is_doubted(
    service: str, name: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(capsys, service, name, yaml.safe_load(file.read_text("utf-8"))) == (0, "")


ROW = {"name": "mine", "then": {"calendar": "tr", "first_response": "1h", "next_response": "1h", "resolution": "8h"}}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (
            changed("targets", "targets", "rules", 1, "when", to={"priority": "urgnt"}),
            "targets, row 2 (urgent), priority: unknown priority 'urgnt'; did you mean 'urgent'?",
        ),
        (
            changed("targets", "targets", "rules", 1, "when", to={"priority": ["urgent", "hihg"]}),
            "targets, row 2 (urgent), priority: unknown priority 'hihg'; did you mean 'high'?",
        ),
        (
            changed("targets", "targets", "rules", 1, "when", to={"channel": "e-mail"}),
            "unknown channel 'e-mail'; did you mean 'email'?",
        ),
        (
            changed("targets", "targets", "rules", 1, "when", to={"language": "de"}),
            "unknown language 'de'; known are en, other, tr",
        ),
        (
            changed("routing", "routing", "rules", 0, "when", to={"kind": "complain"}),
            "routing, row 1 (recovery), kind: unknown kind 'complain'; did you mean 'complaint'?",
        ),
        (
            changed("routing", "routing", "rules", 0, "when", to={"sentiment": "angry"}),
            "unknown sentiment 'angry'; known are negative, neutral, positive",
        ),
        (
            changed("surveys", "triggers", 0, "when", to={"kind": ["complaint", "requst"]}),
            "triggers, row 1 (",
        ),
        (
            changed("targets", "targets", "rules", 1, "then", "first_response", to="soon"),
            "targets, row 2 (urgent), first_response: 'soon' is not a duration",
        ),
        (
            changed("targets", "targets", "rules", 1, "then", "calender", to="tr"),
            "targets, row 2 (urgent), calender: Extra inputs are not permitted",
        ),
    ],
)
def test_what_can_never_match_is_refused(
    document: tuple[str, str, Any], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = checked(capsys, *document)
    assert (status, complaint in said) == (2, True), said


@pytest.mark.parametrize(
    ("document", "warning"),
    [
        (
            changed("targets", "targets", "rules", 1, "then", "calendar", to="de"),
            "targets, row 2 (urgent), calendar: unknown calendar 'de'; known are always, eu, tr",
        ),
        (
            changed("targets", "targets", "rules", 1, "when", to={"topic": "billng"}),
            "targets, row 2 (urgent), topic: unknown topic 'billng'; did you mean 'billing'?",
        ),
        (
            changed("targets", "targets", "rules", 1, "when", to={"tier": "platinium"}),
            "targets, row 2 (urgent), tier: unknown tier 'platinium'; did you mean 'platinum'?",
        ),
        (
            changed("routing", "routing", "rules", 0, "when", to={"topic": ["stafff", "billing"]}),
            "routing, row 1 (recovery), topic: unknown topic 'stafff'; did you mean 'staff'?",
        ),
        (
            changed("routing", "routing", "rules", 0, "when", to={"tags": "saftey"}),
            "routing, row 1 (recovery), tags: unknown tag 'saftey'; did you mean 'safety'?",
        ),
        (
            changed("routing", "queues", "money", "skills", to={"refnd": ["refund"]}),
            "queues, money, skills: unknown topic 'refnd'; did you mean 'refund'?",
        ),
        (
            changed("surveys", "definitions", "csat", "template", to="survy"),
            "definitions, csat, template: unknown template 'survy'; did you mean 'survey'?",
        ),
        (
            changed("templates", "staff", "calendar", to="trr"),
            "staff, calendar: unknown calendar 'trr'; did you mean 'tr'?",
        ),
        (
            changed("intake", "forms", "complaint", "topic", to="delivry"),
            "forms, complaint, topic: unknown topic 'delivry'; did you mean 'delivery'?",
        ),
        (
            changed("classification", "modifiers", "tags", to={"safty": 4}),
            "modifiers, tags: unknown tag 'safty'; did you mean 'safety'?",
        ),
        (
            changed("classification", "rules", 0, "words", to=["yangın*", "a*"]),
            "words: 'a*' stands for every word that begins with 'a', which most texts hold; write a longer one",
        ),
        (changed("classification", "rules", 0, "words", to=["iç*"]), "'iç*' stands for every word that begins with"),
        (changed("classification", "rules", 0, "words", to=["e"]), "'e' stands for every 'e'"),
    ],
)
def test_what_nothing_knows_is_doubted_with_the_nearest(
    document: tuple[str, str, Any], warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = checked(capsys, *document)
    assert (status, warning in said) == (0, True), said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize(
    "document",
    [
        changed("targets", "targets", "rules", 1, "when", to={"urgency": ">= 2", "recovery": True}),
        changed("targets", "targets", "rules", 1, "when", to={"priority": ["high", "urgent"], "language": "other"}),
        changed("routing", "routing", "rules", 0, "when", to={"organisation": "acme", "business": True}),
        changed("classification", "rules", 0, "words", to=["faturamı*", "dava", "iade talebi*", "su kaçırıyor", "kar"]),
        changed("classification", "rules", 0, "then", to={"urgency": 2, "tags": ["safety", "our-own"]}),
        changed("templates", "rules", 0, "when", to={"has_by": True}),
    ],
)
def test_what_is_right_is_not_doubted(document: tuple[str, str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys, *document) == (0, "")
