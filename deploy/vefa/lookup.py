"""What a command is asked about: the stream that a case's number or id, or a stream's own name, stands for; one way for
every command that takes a CASE. Who names nothing that is known learns what is nearest."""

import re
from difflib import get_close_matches
from pathlib import Path

from psycopg import sql

from shared.audit.logs import Logs
from shared.core.event import Event, kinds_of

from .base import opened

NUMBER = re.compile(r"[A-Z]{1,6}-\d{4}-\d+", re.IGNORECASE)
"""A human number of a case."""
LOOKED_AT = 5000
"""Names of streams that are compared with a wrong one, of each log."""
CASE_HELP = "Number or id of a case, or a stream such as customer:ID"


async def stream_of(logs: Logs, case: str) -> str:
    """The stream of a case by its id or number; any other stream is named whole. LookupError names the ids where a
    restore gave one number twice."""
    if NUMBER.fullmatch(case) and "intake" in logs.by_name:
        cases = sql.Identifier("intake_views", "cases")
        query = sql.SQL("select key from {} where number = %s order by key").format(cases)
        async with logs["intake"].pool.connection() as conn:
            found = [key for (key,) in await (await conn.execute(query, (case.upper(),))).fetchall()]
        if len(found) > 1:
            raise LookupError(f"CASE: {case} is the number of {len(found)} cases; give an id: {', '.join(found)}")
        case = found[0] if found else case
    return case if ":" in case else f"case:{case}"


async def case_id(data: Path, case: str) -> str:
    """The id of a case by its number, its id, or its stream, for a command that asks a service over HTTP. LookupError
    for a number that no case has."""
    kind, colon, rest = case.partition(":")
    if colon and kind == "case":
        return rest
    if colon or not NUMBER.fullmatch(case):
        return case
    async with opened(data, "intake") as logs:
        stream = await stream_of(logs, case)
        if stream == f"case:{case}":
            raise await unknown(logs, case)
        return stream.partition(":")[2]


async def unknown(logs: Logs, asked: str, also: str = "") -> LookupError:
    """What to say of something that no log knows: what is nearest to it, and what can be given instead."""
    near = await (_numbers(logs, asked) if NUMBER.fullmatch(asked) else _streams(logs, asked))
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    kind = asked.partition(":")[0]
    if ":" in asked and kind not in (kinds := sorted(kinds_of_streams())):
        hint = f"; there are streams of {', '.join(kinds)}"
    return LookupError(
        f"CASE: no log knows {asked!r}{hint}; give a case's number or id, or a stream such as customer:ID{also}"
    )


def kinds_of_streams() -> set[str]:
    """The parts before ':' that an event can name a stream by."""
    found = {t.partition(":")[0] for kind in kinds_of(Event) for t in (kind.STREAM, *kind.ALSO)}
    return {kind for kind in found if kind and "{" not in kind}


async def _numbers(logs: Logs, asked: str) -> list[str]:
    """The numbers before and after one that there is not."""
    if "intake" not in logs.by_name:
        return []
    query = sql.SQL(
        "(select number from {cases} where number < %(n)s order by number desc limit 1)"
        " union (select number from {cases} where number > %(n)s order by number limit 1) order by number"
    ).format(cases=sql.Identifier("intake_views", "cases"))
    async with logs["intake"].pool.connection() as conn:
        return [n for (n,) in await (await conn.execute(query, {"n": asked.upper()})).fetchall()]


async def _streams(logs: Logs, asked: str) -> list[str]:
    """Streams of the same kind whose names look like it."""
    wanted = asked if ":" in asked else f"case:{asked}"
    kind, _, name = wanted.partition(":")
    query = (
        "select originator_id from {s}.stored_events where originator_id > %s and originator_id < %s"
        " union select stream from {s}.links where stream > %s and stream < %s limit %s"
    )
    names = set[str]()
    for log in logs.by_name.values():
        async with log.pool.connection() as conn:
            between = (f"{kind}:", f"{kind};")
            cursor = await conn.execute(log.sql(query), (*between, *between, LOOKED_AT))
            names |= {stream.partition(":")[2] for (stream,) in await cursor.fetchall()}
    begins = sorted(n for n in names if len(name) >= 4 and n.startswith(name))[:2]
    return [f"{kind}:{n}" for n in begins or get_close_matches(name, sorted(names), n=2, cutoff=0.6)]
