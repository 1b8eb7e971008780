"""Run in a service's container with its own secrets (deploy/smoke.py): what must be refused is refused.

python - SERVICE OTHER < probe.py"""

import asyncio
import os
import sys
from pathlib import Path

import nats
import psycopg

SECRETS = Path("/run/secrets")
SERVICE, OTHER = sys.argv[1:]
FORBIDDEN = (
    "update {own}.stored_events set topic = topic", "delete from {own}.stored_events", "truncate {own}.stored_events",
    "select * from {other}.stored_events", "select * from {other}_views.policies",
    "insert into {other}.links values ('x', 1)", "create role mine superuser",
)  # fmt: skip


def refused_by_postgres() -> int:
    with psycopg.connect((SECRETS / "vefa_database_url").read_text().strip(), autocommit=True) as conn:
        for form in FORBIDDEN:
            statement = form.format(own=SERVICE, other=OTHER)
            try:
                conn.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            sys.exit(f"{SERVICE} may: {statement}")
        row = conn.execute(f"select count(*) from {SERVICE}.stored_events".encode()).fetchone()  # noqa: S608
    return int(row[0]) if row else 0


async def refused_by_nats() -> None:
    problems: list[str] = []

    async def note(error: Exception) -> None:
        problems.append(str(error).lower())

    client = await nats.connect((SECRETS / "vefa_nats_url").read_text().strip(), error_cb=note)
    for subject in (f"vefa.event.{OTHER}.probe.v1", f"vefa.head.{OTHER}", "$JS.API.STREAM.DELETE.VEFA"):
        problems.clear()
        await client.publish(subject, b"{}")
        await client.flush()
        await asyncio.sleep(0.1)
        if not any("permissions violation" in problem for problem in problems):
            sys.exit(f"{SERVICE} may publish on {subject}")
    await client.close()


def no_way_to_write() -> None:
    if os.geteuid() == 0:
        sys.exit(f"{SERVICE} runs as root")
    for path in (Path("/app/x"), Path("/var/lib/x"), SECRETS / "x"):
        try:
            path.write_text("x")
        except OSError:
            continue
        sys.exit(f"{SERVICE} may write {path}")


no_way_to_write()
rows = refused_by_postgres()
asyncio.run(refused_by_nats())
print(f"{SERVICE} appends to its log ({rows} rows) and cannot change it, see {OTHER}'s or speak as {OTHER}")
