"""Reading intake over HTTP: cases, their timelines, customers, forms, how much came in."""

from typing import Annotated, Any

from fastapi import Query

from shared.core.event import Code, Id
from shared.core.vocabulary import Category, Channel, Kind
from shared.core.world import Refused
from shared.edge.bodies import Day
from shared.edge.http import PUBLIC, Api, Call
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, Place

from .access import READERS, STAFF, is_customer, own, unknown_customer, visible_case
from .policy import Form, IntakePolicy

api = Api()
COUNTS = ("opened", "received", "sent", "set_aside", "silent")
UNTIL_SEARCH = dict.fromkeys(
    ("q", "query", "search", "text"),
    "texts cannot be searched yet; filter by number, customer, category, status, kind, topic, channel or owner",
)


@api.get("/v1/forms", access=PUBLIC)
async def forms(call: Call) -> dict[str, Form]:
    """The category forms of the policy in force."""
    return dict(policy_in_force(call).forms)


@api.get("/v1/cases", access=READERS, hints=UNTIL_SEARCH)
async def list_cases(
    call: Call,
    category: Category | None = None,
    status: Code | None = None,
    owner: Id | None = None,
    customer: Id | None = None,
    number: Annotated[str | None, Query(max_length=40)] = None,
    channel: Channel | None = None,
    silent: Code | None = None,
    kind: Kind | None = None,
    topic: Code | None = None,
    before: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Cases, newest first; ``kind`` and ``topic`` are what the sender said. ``next`` is the ``before`` of the following
    page, null on the last one. ``silent`` asks for those that nothing automatic answers: by sign (loop), or ``any``."""
    filters = {
        "category": category, "status": status, "owner": owner, "customer": customer,
        "number": number and number.upper(), "channel": channel, "kind": kind, "topic": topic,
        "silent": None if silent == "any" else silent,
    }  # fmt: skip
    given = {column: value for column, value in filters.items() if value is not None}
    where, values = [f'"{column}" = %s' for column in given], list[Any](given.values())
    if silent == "any":
        where.append("silent is not null")
    if is_customer(call):
        where.append("customer = any(%s)")
        values.append(await own(call))
    if before is not None:
        where.append("key < %s")
        values.append(before)
    rows = await call.rows(
        f"select key as case, * from {{views}}.cases where {' and '.join(where) or 'true'} order by key desc limit %s",  # noqa: S608
        *values, limit + 1,
    )  # fmt: skip
    page = [_shown(row) for row in rows[:limit]]
    return {"cases": page, "next": page[-1]["case"] if len(rows) > limit else None}


@api.get("/v1/cases/{case}/timeline", access=STAFF, responses=LINKED)
async def timeline(case: Id, call: Call, page: Paged, after: Place = 0, limit: Limit = USUAL) -> list[dict[str, Any]]:
    """Everything that happened to a case, oldest first; ``after`` the row of the last one read."""
    await visible_case(case, call)
    rows = await call.rows(
        'select row, at, what, "by", detail, reason from {views}.timeline where "case" = %s and row > %s'
        " order by row limit %s", case, after, limit + 1,
    )  # fmt: skip
    return page.of(rows, limit, lambda row: row["row"])


@api.get("/v1/customers/{customer}", access=READERS)
async def get_customer(customer: Id, call: Call) -> dict[str, Any]:
    """A customer with contact points, consents and the last 50 cases."""
    if is_customer(call) and customer not in await own(call):
        raise unknown_customer()
    row = await call.row("select key as customer, * from {views}.customers where key = %s", customer)
    if row is None:
        raise unknown_customer()
    contacts = await call.rows(
        "select key as contact, kind, address, bounced from {views}.contacts where customer = %s order by key", customer
    )
    consents = await call.rows(
        "select contact, channel, given, origin, at from {views}.consents where customer = %s order by key", customer
    )
    cases = await call.rows(
        "select key as case, number, category, status, opened_at, subject from {views}.cases where customer = %s"
        " order by key desc limit 50", customer,
    )  # fmt: skip
    duplicates = await call.rows(
        "select case when customer = %s then other else customer end as customer, why, at from {views}.duplicates"
        " where customer = %s or other = %s order by key", customer, customer, customer,
    )  # fmt: skip
    row.pop("key")
    if row["rotation_outstanding"] and row["rotated_at"] is None:
        later = await call.row("select min(at) as at from {views}.rotations where at >= %s", row["erased_at"])
        row["rotated_at"] = later["at"] if later else None
        row["rotation_outstanding"] = row["rotated_at"] is None
    seen = {} if is_customer(call) else {"duplicates": duplicates}
    return row | {"contacts": contacts, "consents": consents, "recent": cases} | seen


@api.get("/v1/volume", access=STAFF, responses=LINKED)
async def volume(
    call: Call,
    page: Paged,
    since: Day,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 400,
) -> list[dict[str, Any]]:
    """Cases opened, messages received and sent, mails set aside, and cases that nothing automatic answers, by UTC day
    and channel, from a day on."""
    counts = ", ".join(f"coalesce({name}, 0) as {name}" for name in COUNTS)
    rows = await call.rows(
        f"select day, channel, {counts} from {{views}}.volume where key >= %s and key > %s order by key limit %s",  # noqa: S608
        since.isoformat(), after or "", limit + 1,
    )  # fmt: skip
    return page.of(rows, limit, lambda row: f"{row['day']}/{row['channel']}")


def policy_in_force(call: Call) -> IntakePolicy:
    """As of the last commit of this process, from its memory: parsed once for each version, not for each request."""
    memory = call.service.memory
    if not memory.has_policy("intake"):
        raise Refused("no-policy", "intake", "no policy of intake is in force yet", "try again in a moment", 503)
    policy: IntakePolicy = memory.policy("intake").document
    return policy


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("key", None)
    return row
