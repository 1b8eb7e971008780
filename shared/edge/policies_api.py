"""The policies of every service over HTTP: what is in force, in which version, and putting a new version in force."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shared.core.event import Code, Value
from shared.core.facts import PolicyPublished, PublishPolicy
from shared.core.world import Refused

from .http import Api, Call, roles


class NewPolicy(BaseModel):
    """A document to put in force, and why."""

    document: Annotated[dict[str, Any], Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class PolicyOut(Value):
    """A version of a policy."""

    name: str
    version: int
    published_at: datetime


class PolicyDocument(PolicyOut):
    """A version of a policy with its document."""

    document: dict[str, Any]


def policies_api(service: str) -> Api:
    """The routes of a service's policies; names such as ``calendar/tr`` are part of the path as they are."""
    api = Api()
    readers = roles("agent", "supervisor", "admin", "ops", "service")

    @api.get(f"/{service}/policies", access=readers)
    async def policies(call: Call) -> list[PolicyOut]:
        """Every policy in force."""
        rows = await call.rows("select name, version, published_at from {views}.policies where key = name order by key")
        return [PolicyOut(**row) for row in rows]

    @api.get(f"/{service}/policies/{{name:path}}", access=readers)
    async def policy(
        name: Code, call: Call, version: Annotated[int, Field(ge=1, le=10**9)] | None = None
    ) -> PolicyDocument:
        """The policy in force, or one version of it."""
        key = f"{name}@{version}" if version else name
        row = await call.row("select name, version, published_at, document from {views}.policies where key = %s", key)
        if row is None:
            remedy = f"GET /{service}/policies lists those in force"
            raise Refused("unknown-policy", "name", f"{service} has no policy {key!r}", remedy, 404)
        return PolicyDocument(**{**row, "document": json.loads(row["document"])})

    @api.put(f"/{service}/policies/{{name:path}}", access=roles("supervisor", "admin"))
    async def publish(name: Code, body: NewPolicy, call: Call) -> PolicyOut:
        """Put a document in force as the next version; refused with the field when it does not pass its model."""
        document = json.dumps(body.document, ensure_ascii=False)
        command = PublishPolicy(service=service, name=name, document=document, by=call.actor.name, reason=body.reason)
        said = (await call.send(command)).first(PolicyPublished)
        assert said is not None
        return PolicyOut(name=name, version=said.version, published_at=call.now)

    return api
