"""Whether a schema of a contract may take the place of a published one: it only gains optional fields.

Two must get along with it. What stands in logs has to load for ever: nothing is removed, required anew or narrowed. And
a listener of the older version is still running while the newer one already speaks: it parks what it cannot read, so
what is said is not widened either, an enum gains no value. What is only told to a service (``published`` False: ``to.``
and ``outside.``) may be widened: nobody reads it but the service that declares it."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
WORDS = ("title", "description", "default", "examples")
"""What may be said differently at any time."""

PARTS = ("properties", "required", "additionalProperties", "items")
"""What is compared part by part."""


def compatible(old: Schema, new: Schema, *, published: bool = True) -> list[str]:
    """What stands against it, each as 'field: problem'; nothing when it may take the place."""
    return list(_fields(_Side(old, old), _Side(new, new), "", published))


class _Side:
    """A schema within the document that its references are of."""

    def __init__(self, schema: Schema, document: Schema):
        while "$ref" in schema:
            schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
        self.schema, self._document = schema, document

    def __getitem__(self, name: str) -> "_Side":
        return self.of(self.fields[name])

    def of(self, schema: Schema) -> "_Side":
        return _Side(schema, self._document)

    @property
    def fields(self) -> Schema:
        found: Schema = self.schema.get("properties", {})
        return found

    @property
    def required(self) -> set[str]:
        return set(self.schema.get("required", ()))

    @property
    def closed(self) -> bool:
        return self.schema.get("additionalProperties") is False

    def choices(self) -> Iterator["_Side"]:
        """Every shape that a value may have; each value of an enum is one."""
        if "anyOf" in self.schema:
            for choice in self.schema["anyOf"]:
                yield from self.of(choice).choices()
        elif "enum" in self.schema:
            rest = {k: v for k, v in self.schema.items() if k != "enum"}
            yield from (self.of({**rest, "const": value}) for value in self.schema["enum"])
        else:
            yield self

    def limits(self, *without: str) -> dict[str, Any]:
        """What a value has to be: the fewer, the wider."""
        return {k: v for k, v in self.schema.items() if k not in (*WORDS, *without)}


def _fields(old: _Side, new: _Side, at: str, published: bool) -> Iterator[str]:
    for name in old.fields:
        if name not in new.fields:
            yield f"{at}{name}: removed"
            continue
        yield from _values(old[name], new[name], f"{at}{name}", published)
        if name in new.required - old.required:
            yield f"{at}{name}: became required"
        if published and name in old.required - new.required:
            yield f"{at}{name}: is required no longer"
    for name in new.fields:
        if name not in old.fields:
            if name in new.required:
                yield f"{at}{name}: new and required"
            elif old.closed and published:
                yield f"{at}{name}: new, where a listener lets no new field pass"
    if new.closed and not old.closed:
        yield f"{at.rstrip('.') or 'the event'}: lets other fields pass no longer"


def _values(old: _Side, new: _Side, at: str, published: bool) -> Iterator[str]:
    before, after = list(old.choices()), list(new.choices())
    for kind, inner in (("object", _fields), ("array", _items)):
        olds, news = ([c for c in choices if c.schema.get("type") == kind] for choices in (before, after))
        if len(olds) == len(news) == 1:
            before.remove(olds[0])
            after.remove(news[0])
            yield from inner(olds[0], news[0], f"{at}." if kind == "object" else at, published)
            if kind == "object":
                yield from _mapped(olds[0], news[0], at, published)
            if olds[0].limits(*PARTS) != news[0].limits(*PARTS):
                yield f"{at}: has other limits"
    for choice in before:
        if not any(_takes(other, choice) for other in after):
            yield f"{at}: takes no longer {_words(choice)}"
    for choice in after:
        if published and not any(_takes(other, choice) for other in before):
            yield f"{at}: may be {_words(choice)}, which a listener does not know"


def _items(old: _Side, new: _Side, at: str, published: bool) -> Iterator[str]:
    yield from _values(old.of(old.schema.get("items", {})), new.of(new.schema.get("items", {})), f"{at}[]", published)


def _mapped(old: _Side, new: _Side, at: str, published: bool) -> Iterator[str]:
    """Values of an object whose names are free."""
    before, after = (side.schema.get("additionalProperties", True) for side in (old, new))
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _values(old.of(before), new.of(after), f"{at}.*", published)
    elif isinstance(after, Mapping):
        yield f"{at}: takes no longer any value"
    elif isinstance(before, Mapping) and published:
        yield f"{at}: may hold any value, which a listener does not know"


def _takes(wide: _Side, narrow: _Side) -> bool:
    """Whether every value of the one is a value of the other."""
    limits, given = wide.limits(), narrow.limits()
    if limits.get("type") == "number" and given.get("type") == "integer":
        given = {**given, "type": "number"}
    return limits.items() <= given.items()


def _words(choice: _Side) -> str:
    return repr(choice.schema["const"]) if "const" in choice.schema else str(choice.limits() or "anything")
