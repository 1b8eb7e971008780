"""HTTP of sla: a case's clocks and their explanation, compliance, calendars, applying a policy to running clocks."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query

from contracts.sla import ApplyTargets, ClockRetargeted, TargetsApplied
from shared.core.calendar import Calendar
from shared.core.event import Id, Value
from shared.core.world import Refused
from shared.edge.bodies import Day
from shared.edge.http import Api, Call, roles
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, known

from .explain import Explanation, explain, result

api = Api()
STAFF = roles("agent", "supervisor", "service")


class ClockOut(Value):
    """One clock of a case."""

    metric: str
    cycle: int
    state: str
    """running, paused, met, late or cancelled."""
    result: str
    """met, breached, cancelled or running."""
    started_at: datetime
    target: int
    """Seconds of business time."""
    due: datetime | None
    """None while it stands still."""
    first_ended_at: datetime | None
    """First time that it was fulfilled; of a reopened case before ``ended_at``."""
    ended_at: datetime | None
    elapsed: int | None
    """Seconds of business time used until it ended."""
    breached_at: datetime | None
    priority: str
    rule: str


class Count(Value):
    """Results of one metric and priority in one month."""

    month: str
    metric: str
    priority: str
    policy: int
    rule: str
    met: int
    breached: int
    cancelled: int
    compliance: float | None
    """met / (met + breached); None when there was neither."""


class CalendarOut(Value):
    """A calendar in force."""

    name: str
    version: int
    calendar: Calendar


class Applied(Value):
    """What came of putting a version of ``targets`` on running clocks."""

    policy: int
    clocks: int
    """Clocks that were looked at."""
    retargeted: int
    """Clocks whose target, calendar or priority changed."""


@api.get("/v1/cases/{case}/clocks", access=STAFF, responses=LINKED)
async def clocks(case: Id, call: Call, page: Paged, after: After = None, limit: Limit = USUAL) -> list[ClockOut]:
    """The clocks of a case, oldest first."""
    columns = (
        "c.*, (select min(l.at) from {views}.legs l where l.clock = c.key and l.what in ('met', 'late'))"
        " as first_ended_at"
    )
    rows = page.of(await _clocks(columns, case, call, after, limit), limit, _place)
    return [ClockOut(**{n: row[n] for n in ClockOut.model_fields if n != "result"}, result=result(row)) for row in rows]


@api.get("/v1/cases/{case}/clocks/explain", access=STAFF, responses=LINKED)
async def explain_clocks(
    case: Id, call: Call, page: Paged, after: After = None, limit: Limit = USUAL
) -> list[Explanation]:
    """Every clock of a case with what it was measured by and how its sum came about."""
    rows = page.of(await _clocks("c.*", case, call, after, limit), limit, _place)
    if not rows and after is None:
        raise Refused("no-clocks", "case", "no clock was ever started for it", "look the case up by its id", 404)
    legs = await call.rows(
        "select * from {views}.legs where clock = any(%s) order by key", [row["key"] for row in rows]
    )
    pinned = {f"calendar/{leg['calendar']}@{leg['calendar_version']}" for leg in legs if leg["calendar"]}
    documents = await call.rows("select key, document from {views}.policies where key = any(%s)", sorted(pinned))
    calendars = {row["key"]: Calendar.model_validate_json(row["document"]) for row in documents}

    def calendar(name: str, version: int) -> Calendar:
        return calendars[f"calendar/{name}@{version}"]

    of: dict[str, list[dict[str, Any]]] = {row["key"]: [] for row in rows}
    for leg in legs:
        of[leg["clock"]].append(leg)
    return [explain(row, of[row["key"]], calendar, call.now) for row in rows]


async def _clocks(columns: str, case: str, call: Call, after: str | None, limit: int) -> list[dict[str, Any]]:
    """One more than a page has; ``after`` the metric and the cycle of the last clock read, as ``next_response/2``."""
    since, place = "", list[Any]()
    if after is not None:
        query = 'select started_at, key from {views}.clocks where key = %s and "case" = %s'
        place = list(known(await call.row(query, f"{case}/{after}", case)).values())
        since = " and (c.started_at, c.key) > (%s, %s)"
    return await call.rows(
        f'select {columns} from {{views}}.clocks c where c."case" = %s{since} order by c.started_at, c.key limit %s',  # noqa: S608
        case, *place, limit + 1,
    )  # fmt: skip


def _place(clock: dict[str, Any]) -> str:
    return f"{clock['metric']}/{clock['cycle']}"


@api.get("/v1/compliance", access=roles("supervisor", "service"))
async def compliance(call: Call, since: Annotated[Day, Query(alias="from")], to: Day) -> list[Count]:
    """Results with UTC days in ``[from, to)``, by month, metric, priority and row of the policy that promised it."""
    if to <= since:
        raise Refused("empty-period", "to", "is not after from", "give the day after the last one", 422)
    rows = await call.rows(
        "select substr(day, 1, 7) as month, metric, priority, policy, rule, coalesce(sum(met), 0)::bigint as met,"
        " coalesce(sum(breached), 0)::bigint as breached, coalesce(sum(cancelled), 0)::bigint as cancelled"
        " from {views}.compliance where day >= %s and day < %s group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5",
        since.isoformat(), to.isoformat(),
    )  # fmt: skip
    return [Count(**row, compliance=_share(row)) for row in rows]


def _share(row: dict[str, Any]) -> float | None:
    judged = row["met"] + row["breached"]
    return row["met"] / judged if judged else None


@api.get("/v1/calendars", access=STAFF)
async def calendars(call: Call) -> list[CalendarOut]:
    """The calendars in force."""
    rows = await call.rows(
        "select name, version, document from {views}.policies where key = name and name like 'calendar/%%'"
    )
    return [
        CalendarOut(
            name=row["name"].partition("/")[2],
            version=row["version"],
            calendar=Calendar.model_validate_json(row["document"]),
        )
        for row in rows
    ]


@api.post("/v1/targets/{version}/apply", access=roles("supervisor"))
async def apply(version: Annotated[int, Path(ge=1, le=10**9)], call: Call) -> Applied:
    """Measure every running clock by this version of ``targets`` from now on."""
    outcome = await call.send(ApplyTargets(policy=version))
    applied = outcome.first(TargetsApplied)
    assert applied is not None
    retargeted = sum(isinstance(message.event, ClockRetargeted) for message in outcome.said)
    return Applied(policy=version, clocks=applied.clocks, retargeted=retargeted)
