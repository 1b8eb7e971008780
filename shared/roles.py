"""Who may do what in PostgreSQL: each service appends to its own log and cannot change what stands there, owns its
views, reads and adds keys, and touches nothing of the others."""

import psycopg
from psycopg import sql

from .log import ddl
from .vault import VAULT

ERASERS = ("intake",)
RIGHTS = {
    "stored_events": "select, insert", "links": "select, insert", "hears": "select, insert", "blobs": "select, insert",
    "notification_tracking": "select, insert, update", "head": "select, update", "snapshots": "select, insert, update",
}  # fmt: skip
"""Of a service on its log, which belongs to the administrator: nothing that is recorded can be changed or removed."""


def provide(admin_dsn: str, roles: dict[str, str]) -> None:
    """Make the vault and the logs, and grant each service's role (name of service -> role) what it needs of them; safe
    to repeat. Only the service that carries out erasures may destroy keys and revoke tokens."""
    with psycopg.connect(admin_dsn) as conn:
        conn.execute("select pg_advisory_xact_lock(hashtext('create vault'))")
        for statement in VAULT.split(";\n"):
            conn.execute(statement.encode())
        for service, role in roles.items():
            name = sql.Identifier(role)
            conn.execute(sql.SQL("grant usage on schema vault to {}").format(name))
            conn.execute(sql.SQL("grant select, insert on vault.keys to {}").format(name))
            conn.execute(sql.SQL("grant select on vault.destroyed, vault.revoked to {}").format(name))
            for table in ddl(service):
                conn.execute(table)
            conn.execute(sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(service), name))
            for own, rights in RIGHTS.items():
                conn.execute(
                    sql.SQL("grant {} on {} to {}").format(sql.SQL(rights), sql.Identifier(service, own), name)
                )
            conn.execute(sql.SQL("grant select, insert on vault.master to {}").format(name))
            if service in ERASERS:
                conn.execute(sql.SQL("grant delete, update (wrapped, wrapped_by) on vault.keys to {}").format(name))
                conn.execute(sql.SQL("grant update on vault.master to {}").format(name))
                conn.execute(sql.SQL("grant insert on vault.destroyed to {}").format(name))
                conn.execute(sql.SQL("grant insert, update on vault.revoked to {}").format(name))
