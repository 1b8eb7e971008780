"""PostgreSQL: does it wait for the disk, does it keep texts out of its log, who may do what, what time is it there."""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.base.database import Pool

from .finding import Finding, judged

OLDEST = 150_000
SKEW_SECONDS = 5
SETTINGS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("fsync", ("on",), "without it a power cut loses what was answered: set fsync = on"),
    ("full_page_writes", ("on",), "without it a power cut breaks pages: set full_page_writes = on"),
    ("synchronous_commit", ("on", "remote_write", "remote_apply"), "set synchronous_commit = on"),
    ("log_error_verbosity", ("terse",), "errors would repeat texts in the log: set log_error_verbosity = terse"),
    ("log_statement", ("none",), "statements hold ciphertext and addresses of nobody else: set log_statement = none"),
)
"""Setting, the values that are good, the remedy."""


async def settings(pool: Pool) -> list[Finding]:
    """What must be set so that nothing answered is lost and nothing personal gets out."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "select name, setting from pg_settings where name = any(%s)", ([name for name, *_ in SETTINGS],)
        )
        found = {str(name): str(value) for name, value in await cursor.fetchall()}
        [version] = await (await conn.execute("show server_version_num")).fetchone() or ("0",)
        [checksums] = await (await conn.execute("show data_checksums")).fetchone() or ("off",)
        before = datetime.now(UTC)
        [there] = await (await conn.execute("select clock_timestamp()")).fetchone() or (before,)
    skew = abs((there - before).total_seconds())
    return [
        judged("PostgreSQL version", int(version) // 10_000, "use 15 or newer", good=int(version) >= OLDEST),
        *(judged(f"PostgreSQL {n}", found.get(n), fix, good=found.get(n) in values) for n, values, fix in SETTINGS),
        judged(
            "PostgreSQL data_checksums", checksums, "a flipped bit on the disk stays unseen: pg_checksums --enable",
            good=checksums == "on", otherwise="look",
        ),
        judged(
            "clock of PostgreSQL", f"{skew:.1f} s apart", "let both machines follow one time server (NTP)",
            good=skew < SKEW_SECONDS, otherwise="look",
        ),
    ]  # fmt: skip


async def rights(pool: Pool, service: str, others: list[str]) -> list[Finding]:
    """A service may append to its log and change nothing in it, and sees nothing of the others."""
    async with pool.connection() as conn:
        [role, everything] = await (
            await conn.execute("select current_user, rolsuper from pg_roles where rolname = current_user")
        ).fetchone() or ("?", True)
        cursor = await conn.execute(
            "select p from unnest(%s::text[]) as p where has_table_privilege(%s, p)",
            (["UPDATE", "DELETE", "TRUNCATE"], f'"{service}".stored_events'),
        )
        changes = [str(right) for (right,) in await cursor.fetchall()]
        cursor = await conn.execute(
            "select n from unnest(%s::text[]) as n where to_regnamespace(n) is not null"
            " and has_schema_privilege(n, 'usage')", (others,),
        )  # fmt: skip
        seen = [str(name) for (name,) in await cursor.fetchall()]
    return list(_rights(service, str(role), bool(everything), changes, seen))


def _rights(service: str, role: str, everything: bool, changes: list[str], seen: list[str]) -> Iterator[Finding]:
    own = "give each service a role of its own, see docs/operate.md"
    if everything:
        yield Finding(f"role of {service}", "look", f"{role} is superuser", own)
    elif changes or seen:
        may = ", ".join([*(f"{right} on its log" for right in changes), *(f"sees {name}" for name in seen)])
        yield Finding(f"role of {service}", "look", f"{role}: {may}", own)
    else:
        yield Finding(f"role of {service}", "ok", f"{role} only appends")
