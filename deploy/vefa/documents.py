"""Policy documents in files: read, named, and checked against the model of their service."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import yaml
from pydantic import ValidationError

from shared.runtime.naming import impossible, place_in_words

if TYPE_CHECKING:
    from shared.host.app import App


@dataclass(frozen=True)
class Document:
    """A policy document that passed its model."""

    name: str
    text: str
    """JSON."""
    document: Any
    """As the rules read it."""


def read(app: "App", file: Path, name: str = "", given: str = "FILE") -> Document:
    """The document in a YAML or JSON file. Raises typer.BadParameter naming the argument ``given``, the file, the field
    and the remedy."""
    name = named(app, name)
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except OSError as e:
        raise typer.BadParameter(
            f"{file} cannot be read: {e.strerror}; give a YAML or JSON file", param_hint=given
        ) from None
    except UnicodeDecodeError as e:
        raise typer.BadParameter(f"{file} is not UTF-8 (byte {e.start}); save it as such", param_hint=given) from None
    except yaml.YAMLError as e:
        at = getattr(e, "problem_mark", None)
        where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
        raise typer.BadParameter(f"{file}{where}: not YAML; correct it there", param_hint=given) from None
    except RecursionError:
        raise typer.BadParameter(f"{file} is nested too deeply; flatten it", param_hint=given) from None
    try:
        text = json.dumps(_as_json(content), ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        raise typer.BadParameter(f"{file} contains itself (&name, *name); write it out", param_hint=given) from None
    try:
        found = Document(name, text, app.document_parsers()[name.partition("/")[0]](text))
    except ValidationError as e:
        raw = json.loads(text)
        problems = [
            f"{place_in_words(raw, p['loc'])}: {p['msg'].removeprefix('Value error, ')}"
            for p in e.errors(include_url=False, include_input=False)
        ]
    else:
        problems = [f"{where}: {what}" for where, what in impossible(found.document)]
    if problems:
        raise typer.BadParameter(f"{file} is no {name} of {app.name}: {'; '.join(problems)}", param_hint=given)
    return found


def _as_json(content: Any) -> Any:
    """YAML reads ``2026-10-28:`` as a date and ``1:`` as a number, which JSON has no keys of."""
    if isinstance(content, dict):
        return {str(key): _as_json(value) for key, value in content.items()}
    return [_as_json(value) for value in content] if isinstance(content, list) else content


def named(app: "App", name: str) -> str:
    """The name itself when its kind is one of the service's; the service's only shipped name when none is given."""
    kinds, shipped = sorted(app.policies), sorted(app.shipped())
    if not name and len(shipped) == 1:
        return shipped[0]
    if name.partition("/")[0] in kinds:
        return name
    known = ", ".join(shipped or kinds) or "none"
    what = f"{app.name} has no policy {name!r}" if name else f"{app.name} has not exactly one policy; name one"
    raise typer.BadParameter(f"{what}; there are {known}", param_hint="--name")
