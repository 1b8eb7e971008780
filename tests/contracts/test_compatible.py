"""A published version of a contract only gains optional fields."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.catalogue import FOLDER, events
from shared.store.codec import EventMapper

from .compatible import Schema, compatible

ROOT = FOLDER.parent
PUBLISHED = "contracts/schemas"


def of(required: tuple[str, ...] = (), /, **fields: Schema) -> dict[str, Any]:
    """The schema of an event with these fields."""
    return {"type": "object", "title": "CasePraised", "properties": fields, "required": list(required)}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def or_nothing(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


def list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
NAMED_TEXTS = {"type": "object", "additionalProperties": TEXT}
CODE = {"type": "string", "pattern": "^[a-z]+$"}
PART = of(("of",), of=TEXT)
CLOSED = {**PART, "additionalProperties": False}
WIDER = of(("of",), of=TEXT, more=TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (of(("a",), a=TEXT), of(("a",), a=TEXT, b=TEXT)),
        (of(a={**TEXT, "description": "A name."}), of(a={**TEXT, "description": "The name.", "default": ""})),
        (of(a=or_nothing(TEXT)), of(a={"anyOf": [{"type": "null"}, TEXT]})),
        (of(a=one_of("x", "y")), of(a=one_of("y", "x"))),
        (of(a=list_of(PART)), of(a=list_of(WIDER))),
        ({**of(a={"$ref": "#/$defs/One"}), "$defs": {"One": PART}}, of(a=PART)),
        (
            of(a={"type": "object", "additionalProperties": TEXT}),
            of(a={"type": "object", "additionalProperties": TEXT}),
        ),
    ],
    ids=["new-optional-field", "other-words", "order", "order-of-enum", "new-field-of-a-part", "reference", "mapping"],
)
def test_what_only_gains_optional_fields_may_take_the_place(old: Schema, new: Schema) -> None:
    assert compatible(old, new) == []


NARROWED: list[tuple[Schema, Schema, str]] = [
    (of(a=TEXT), of(), "a: removed"),
    (of(), of(("a",), a=TEXT), "a: new and required"),
    (of(a=TEXT), of(("a",), a=TEXT), "a: became required"),
    (of(a=NUMBER), of(a=WHOLE), "a: takes no longer {'type': 'number'}"),
    (of(a=TEXT), of(a=CODE), "a: takes no longer {'type': 'string'}"),
    (of(a=or_nothing(TEXT)), of(a=TEXT), "a: takes no longer {'type': 'null'}"),
    (of(a=one_of("x", "y")), of(a=one_of("x")), "a: takes no longer 'y'"),
    (of(a=TEXT), of(a=one_of("x")), "a: takes no longer {'type': 'string'}"),
    (of(a={}), of(a=TEXT), "a: takes no longer anything"),
    (of(a=list_of(PART)), of(a=list_of(of())), "a[].of: removed"),
    (of(a=or_nothing(PART)), of(a=or_nothing(of(("of", "by"), of=TEXT, by=TEXT))), "a.by: new and required"),
    (of(a={"type": "object"}), of(a=NAMED_TEXTS), "a: takes no longer any value"),
    (of(a=list_of(TEXT)), of(a={**list_of(TEXT), "maxItems": 2}), "a: has other limits"),
    (of(a=PART), of(a=CLOSED), "a: lets other fields pass no longer"),
]


@pytest.mark.parametrize(("old", "new", "problem"), NARROWED)
def test_what_stands_in_logs_loads_for_ever(old: Schema, new: Schema, problem: str) -> None:
    assert problem in compatible(old, new)
    assert problem in compatible(old, new, published=False)


WIDENED: list[tuple[Schema, Schema, str]] = [
    (of(a=one_of("x")), of(a=one_of("x", "y")), "a: may be 'y', which a listener does not know"),
    (of(a=WHOLE), of(a=NUMBER), "a: may be {'type': 'number'}, which a listener does not know"),
    (of(a=CODE), of(a=TEXT), "a: may be {'type': 'string'}, which a listener does not know"),
    (of(a=TEXT), of(a=or_nothing(TEXT)), "a: may be {'type': 'null'}, which a listener does not know"),
    (of(("a",), a=TEXT), of(a=TEXT), "a: is required no longer"),
    (of(a=CLOSED), of(a=WIDER), "a.more: new, where a listener lets no new field pass"),
]


@pytest.mark.parametrize(("old", "new", "problem"), WIDENED)
def test_only_what_is_told_to_a_service_may_be_widened(old: Schema, new: Schema, problem: str) -> None:
    assert compatible(old, new) == [problem]
    assert compatible(old, new, published=False) == []


@pytest.mark.parametrize("topic", events())
def test_every_schema_may_take_its_own_place(topic: str) -> None:
    schema = json.loads((FOLDER / "schemas" / f"{topic}.json").read_text("utf-8"))
    assert compatible(schema, schema) == []


def test_a_listener_of_the_older_version_lets_new_fields_pass_at_any_depth() -> None:
    assert [topic for topic in events() if not lets_pass(topic)] == []


def lets_pass(topic: str) -> bool:
    """Whether the stored sample of a topic loads as before with one more field in every object."""
    stored = json.loads((FOLDER / "samples" / f"{topic}.json").read_text("utf-8"))
    plain, newer = (json.dumps(fields).encode() for fields in (stored, with_more(stored)))
    try:
        return EventMapper().decode(topic, UUID(int=1), newer) == EventMapper().decode(topic, UUID(int=1), plain)
    except ValidationError:
        return False


def with_more(value: Any) -> Any:
    """The same with one more field in every object; sealed texts and free names stay as they are."""
    if isinstance(value, list):
        return [with_more(item) for item in value]
    if not isinstance(value, dict) or {"k", "c"} <= value.keys() or value.keys() == {"example"}:
        return value
    return {**{name: with_more(inner) for name, inner in value.items()}, "newer": "x"}


def git(folder: Path, *words: str, **environment: str) -> bytes:
    """What git prints of the repository of a folder, not of one that a hook names in the environment."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | environment
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True, env=ours).stdout


def published(folder: Path) -> dict[str, Schema]:
    """Topic -> schema at the newest tag; skips where that cannot be known, or nothing was published."""
    newest = "for-each-ref", "--sort=-creatordate", "--count=1", "--format=%(refname)", "refs/tags"
    try:
        tag = git(folder, *newest).decode().strip()
    except FileNotFoundError:
        pytest.skip("there is no git here: what was published cannot be looked up")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"git cannot tell what was published: {error.stderr.decode().strip()}")
    if not tag:
        pytest.skip("no version was published yet: the repository has no tag")
    with tarfile.open(fileobj=io.BytesIO(git(folder, "archive", tag, PUBLISHED))) as archive:
        files = {Path(m.name): archive.extractfile(m) for m in archive if m.name.endswith(".json")}
        return {path.stem: json.loads(file.read()) for path, file in files.items() if file}


def problems(folder: Path) -> list[str]:
    """Of every schema of a folder, against the newest tag of its repository."""
    found = list[str]()
    for topic, old in published(folder).items():
        path = folder / PUBLISHED / f"{topic}.json"
        if not path.exists():
            found.append(f"{topic}: removed")
            continue
        told = topic.startswith(("to.", "outside."))
        new = json.loads(path.read_text("utf-8"))
        found += [f"{topic}: {problem}" for problem in compatible(old, new, published=not told)]
    return found


def test_contracts_only_gain_optional_fields_since_the_newest_tag() -> None:
    assert problems(ROOT) == [], "say what changed under a new version of its topic, .v2"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two contracts in its newest tag, of which one is changed and one is gone since."""
    schemas = tmp_path / PUBLISHED
    schemas.mkdir(parents=True)
    names = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def publishes(day: int, **contracts: Schema) -> None:
        for topic, schema in contracts.items():
            (schemas / f"{topic}.json").write_text(json.dumps(schema))
        git(tmp_path, "add", ".")
        commit = "commit", "-q", "--no-verify", "--no-gpg-sign", "-m", "x"
        git(tmp_path, *commit, **names, GIT_COMMITTER_DATE=f"2026-10-{day:02}T09:00:00Z")
        git(tmp_path, "tag", f"v{day}")

    git(tmp_path, "init", "-q")
    publishes(9, praised=of(a=one_of("old")))
    publishes(10, praised=of(a=one_of("x")), thanked=of())
    (schemas / "praised.json").write_text(json.dumps(of(a=one_of("x", "y"))))
    (schemas / "thanked.json").unlink()
    return tmp_path


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_newest_tag_is_what_was_published(repository: Path) -> None:
    assert set(problems(repository)) == {
        "praised: a: may be 'y', which a listener does not know", "thanked: removed",
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_nothing_is_compared_without_a_tag_or_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="git cannot tell"):
        published(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(pytest.skip.Exception, match="no tag"):
        published(tmp_path)
