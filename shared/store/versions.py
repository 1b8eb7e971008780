"""Processes of two versions of a service at once, as in a rolling upgrade. The views are made by the newer one when it
starts; the older one goes on to fill them by its own code for as long as it runs. Whoever acts once it is alone builds
them again."""

import logging
from typing import Any

from psycopg import AsyncConnection

from shared.core.views import Views

from .event_log import EventLog
from .rebuild import fingerprint, rebuild

OTHERS = """
select exists (
    select from pg_locks join pg_database d on d.oid = database and d.datname = current_database()
    where locktype = 'advisory' and objsubid = 2 and classid::bigint = hashtext(%(name)s)::bigint & 4294967295
    and objid::bigint <> hashtext(%(version)s)::bigint & 4294967295
), obj_description(to_regnamespace(%(name)s), 'pg_namespace') is distinct from %(version)s
"""
log = logging.getLogger("vefa")


class Versions:
    """What one process of a service knows of the versions of the others; a version is what fills the views."""

    def __init__(self, events: EventLog, views: Views, schema: str):
        self._events, self._views, self._schema = events, views, schema
        self._names = {"name": schema, "version": fingerprint(views)}
        self._mixed = False
        """Somebody else's code may have filled rows of the views as they are now."""

    async def announce(self, conn: AsyncConnection[Any]) -> None:
        """Let others see this process, for as long as this session lasts."""
        await conn.execute("select pg_advisory_lock_shared(hashtext(%(name)s), hashtext(%(version)s))", self._names)

    async def look(self, conn: AsyncConnection[Any]) -> bool:
        """Whether a process of another version runs."""
        [others, _] = await self._found(conn)
        self._mixed = self._mixed or others
        return others

    async def mend(self, conn: AsyncConnection[Any]) -> bool:
        """Build the views again if another version made or filled them and none is left that would go on; whether it
        did."""
        [others, foreign] = await self._found(conn)
        self._mixed = self._mixed or others or foreign
        if others or not self._mixed:
            return False
        await rebuild(self._events, self._views, self._schema)
        self._mixed = False
        log.info("views were built again: another version of the code had filled them too")
        return True

    async def _found(self, conn: AsyncConnection[Any]) -> tuple[bool, bool]:
        """Whether processes of another version run, and whether the views are of another."""
        others, foreign = await (await conn.execute(OTHERS, self._names)).fetchone() or (False, False)
        return bool(others), bool(foreign)
