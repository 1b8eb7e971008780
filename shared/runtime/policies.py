"""A policy document is asked to be in force: what it is taken as, or why it is refused."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import ValidationError

from shared.core.facts import PolicyPublished, PublishPolicy
from shared.core.world import Check, Refused

from .memory import Memory, Parsers
from .naming import impossible


def next_version(
    asked: PublishPolicy, service: str, memory: Memory, parsers: Parsers, checks: Mapping[str, Check], at: datetime
) -> PolicyPublished:
    """The document in its next version. Raises Refused for one that is unknown or invalid."""
    kind = asked.name.partition("/")[0]
    parser, check = parsers.get(kind), checks.get(kind)
    if asked.service != service or parser is None:
        known = f"known are {', '.join(sorted(parsers))}"
        raise Refused("unknown-policy", "name", f"{service} has no policy {asked.name!r}", known, 404)
    try:
        document = parser(asked.document)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise Refused("invalid-policy", where, first["msg"], "correct the document and publish it again", 422) from e
    if wrong := next(impossible(document), None):
        raise Refused("invalid-policy", *wrong, "correct the document and publish it again", 422)
    if check:
        check(memory, document, at)
    version = memory.policy(asked.name).version if memory.has_policy(asked.name) else 0
    return PolicyPublished(version=version + 1, **asked.model_dump(exclude={"reason"}), reason=asked.reason)
