"""Who may do what in PostgreSQL: each service owns its own schemas, reads and adds keys, and touches nothing of the
others."""

import psycopg
from psycopg import sql

from .privacy import VAULT

ERASERS = ("intake",)


def provide(admin_dsn: str, roles: dict[str, str]) -> None:
    """Make the vault and grant each service's role (name of service -> role) what it needs of it; safe to repeat.
    Only the service that carries out erasures may destroy keys and revoke tokens."""
    with psycopg.connect(admin_dsn) as conn:
        conn.execute("select pg_advisory_xact_lock(hashtext('create vault'))")
        for statement in VAULT.split(";\n"):
            conn.execute(statement.encode())
        for service, role in roles.items():
            name = sql.Identifier(role)
            conn.execute(sql.SQL("grant usage on schema vault to {}").format(name))
            conn.execute(sql.SQL("grant select, insert on vault.keys to {}").format(name))
            conn.execute(sql.SQL("grant select on vault.destroyed, vault.revoked to {}").format(name))
            if service in ERASERS:
                conn.execute(sql.SQL("grant delete on vault.keys to {}").format(name))
                conn.execute(sql.SQL("grant insert on vault.destroyed to {}").format(name))
                conn.execute(sql.SQL("grant insert, update on vault.revoked to {}").format(name))
