"""Text about or from a person, and what a contract says of it: whose it is, and why a text may stand in plain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

PLAIN = (str, int, float, datetime)
"""Values that hold nothing else."""

FROM_LOG = {"from": "a log"}
"""The context of reading an event that was recorded: its texts come with their sealed forms, opened already. From
outside a sealed form is none: it would be somebody else's ciphertext, to be opened for who sent it."""


class Personal(str):
    """Text about or from a person. In memory it reads as plain text; in a log, a view or on the bus only ``sealed``
    exists:
    ``{"k": key id, "c": base64 of the ciphertext, "a": what the ciphertext is bound to}``. After an erasure it reads
    as ''."""

    __slots__ = ("sealed",)
    sealed: Mapping[str, str] | None

    def __new__(cls, plain: str = "", sealed: Mapping[str, str] | None = None) -> Self:
        self = super().__new__(cls, plain)
        self.sealed = sealed
        return self

    def __repr__(self) -> str:
        return "Personal(...)"

    @property
    def erased(self) -> bool:
        """True when the key is destroyed or was not asked for: the text cannot be read here."""
        return self.sealed is not None and not self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def accept(value: Any, info: ValidationInfo) -> "Personal":
            if isinstance(value, Personal):
                if info.context is FROM_LOG:
                    return value
                return cls(value, None if value else value.sealed)  # a copy: a ciphertext belongs to one field
            if isinstance(value, str):
                return cls(value)
            raise ValueError("must be a text")

        return core_schema.with_info_plain_validator_function(
            accept, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        sealed = {"type": "string", "description": "ciphertext, base64"}
        return {
            "type": "object",
            "description": "personal: AES-GCM under the key k of its data subject; read in plain by HTTP with a role",
            "properties": {"k": {"type": "string", "description": "key id"}, "c": sealed},
            "required": ["k", "c"],
        }


def _plain(value: Personal) -> Any:
    return str(value) if value or value.sealed is None else dict(value.sealed)


@dataclass(frozen=True)
class Of:
    """Names the field that holds the data subject of a Personal field, where it is not the event's own ``subject``."""

    field: str


@dataclass(frozen=True)
class Open:
    """Allows a plain ``str`` in a contract, with the reason why it can never hold personal data."""

    why: str


def holds_personal(annotation: Any) -> bool:
    if annotation is Personal:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(holds_personal(f.annotation) for f in annotation.model_fields.values())
    return get_origin(annotation) is not None and any(holds_personal(a) for a in get_args(annotation))


@lru_cache(maxsize=1024)
def personal_fields(part: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that can hold personal text, however deep."""
    return tuple(name for name, info in part.model_fields.items() if holds_personal(info.annotation))


def personal_values(value: Any, path: str = "") -> Iterator[tuple[str, Personal]]:
    """Every Personal below a field's value, with its path; the path is part of what its ciphertext is bound to."""
    if isinstance(value, Personal):
        yield path, value
    elif value is None or isinstance(value, PLAIN):
        return
    elif isinstance(value, BaseModel):
        for name in personal_fields(type(value)):
            yield from personal_values(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from personal_values(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from personal_values(item, f"{path}.{index}")
