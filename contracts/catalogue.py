"""Every event of every contract, and what is generated from them: JSON Schemas, one AsyncAPI 3 document, stored
samples.

``python -m contracts.catalogue`` writes them again; samples of published versions are never rewritten, only added."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.core import facts
from shared.core.event import Event
from shared.core.personal import Personal

FOLDER = Path(__file__).parent
EXAMPLES = ("example", "TRY", "2026", "2026-10", "2026-10-26")
"""Texts for fields: the first that fits the field's pattern."""
SEALED = {"k": "00000000-0000-4000-8000-000000000000", "c": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}


def events() -> dict[str, type[Event]]:
    """Topic -> class, of every contract, in whatever folder below this one."""
    found: dict[str, type[Event]] = {}
    names = sorted(found.name for found in walk_packages([str(FOLDER)], f"{FOLDER.name}."))
    for module in (*map(import_module, names), facts):
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Event)
                and value.TOPIC
                and value.__module__ == module.__name__
            ):
                found[value.TOPIC] = value
    return dict(sorted(found.items()))


def asyncapi() -> dict[str, Any]:
    """One AsyncAPI 3 document: what each service says, on which subject."""
    channels, operations, messages = {}, {}, {}
    for topic, cls in events().items():
        if topic.startswith("to."):
            continue
        name = topic.replace(".", "_")
        messages[name] = {
            "name": topic, "contentType": "application/cloudevents+json", "summary": (cls.__doc__ or "").strip(),
            "payload": {"$ref": f"./schemas/{topic}.json"},
        }  # fmt: skip
        service = topic.partition(".")[0]
        address = {
            "outside": "vefa.hear.{service}", "kernel": f"vefa.event.{{service}}.{topic.partition('.')[2]}",
        }.get(service, f"vefa.event.{topic}")  # fmt: skip
        channels[name] = {"address": address, "messages": {name: {"$ref": f"#/components/messages/{name}"}}}
        if "{service}" in address:
            channels[name]["parameters"] = {"service": {"description": "name of a service"}}
        action = "receive" if service == "outside" else "send"
        operations[f"{action}_{name}"] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
    return {
        "asyncapi": "3.0.0", "info": {"title": "Vefa", "version": "1"}, "defaultContentType": "application/json",
        "channels": channels, "operations": operations, "components": {"messages": messages},
    }  # fmt: skip


def sample(cls: type[BaseModel]) -> dict[str, Any]:
    """An example of every field as it stands in a log: personal text sealed."""
    return {name: _example(info.annotation, name, info.metadata) for name, info in cls.model_fields.items()}


def _example(kind: Any, name: str, metadata: Any = ()) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _example(args[0], name, args[1:])
    if origin in (Union, UnionType):
        return _example(next(a for a in args if a is not NoneType), name, metadata)
    if origin is Literal:
        return args[0]
    if origin is tuple:
        return [_example(args[0], name)]
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {"example": _example(args[1], name)}
    if kind is Personal:
        return SEALED
    if kind is datetime:
        return "2026-10-26T06:00:00Z"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return sample(kind)
    constraints = [c for m in metadata for c in (m.metadata if isinstance(m, FieldInfo) else [m])]
    patterns = [c.pattern for c in constraints if getattr(c, "pattern", None)]
    text = next(e for e in EXAMPLES if all(re.search(p, e) for p in patterns))
    return {bool: True, int: 1, float: 0.5, str: text}[kind]


def generated() -> dict[str, str]:
    """Path below ``contracts/`` -> content, of everything that is generated."""
    files = {"asyncapi.json": _text(asyncapi())}
    for topic, cls in events().items():
        schema = cls.model_json_schema()
        files[f"schemas/{topic}.json"] = _text({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    return files


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write what is generated, drop what no contract asks for, add samples of new versions."""
    (FOLDER / "schemas").mkdir(exist_ok=True)
    (FOLDER / "samples").mkdir(exist_ok=True)
    files = generated()
    for path in (FOLDER / "schemas").glob("*.json"):
        if f"schemas/{path.name}" not in files:
            path.unlink()
    for name, content in files.items():
        (FOLDER / name).write_text(content, "utf-8")
    for topic, cls in events().items():
        path = FOLDER / "samples" / f"{topic}.json"
        if not path.exists():
            path.write_text(_text(sample(cls)), "utf-8")


if __name__ == "__main__":
    main()
