"""Who may do what in PostgreSQL: each service appends to its own log and cannot change what stands there, owns its
views, reads and adds keys, and touches nothing of the others."""

from collections.abc import Collection, Mapping
from typing import Any

import psycopg
from psycopg import sql

from shared.privacy.vault import VAULT

from .event_log import ddl

RIGHTS = {
    "stored_events": "select, insert", "links": "select, insert", "hears": "select, insert", "blobs": "select, insert",
    "notification_tracking": "select, insert, update", "head": "select, update", "snapshots": "select, insert, update",
}  # fmt: skip
"""Of a service on its log, which belongs to the administrator: nothing that is recorded can be changed or removed."""


def admit(conn: psycopg.Connection[Any], database: str, passwords: Mapping[str, str]) -> None:
    """Let these roles log in, each with its password, which the server is not told, and make schemas of their own in
    the database; an existing role gets the password."""
    known = {name for (name,) in conn.execute("select rolname from pg_roles")}
    for role, password in passwords.items():
        verifier = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        verb, name = sql.SQL("alter" if role in known else "create"), sql.Identifier(role)
        conn.execute(sql.SQL("{} role {} login password {}").format(verb, name, verifier))
        conn.execute(sql.SQL("grant connect, create on database {} to {}").format(sql.Identifier(database), name))


def provide(admin_dsn: str, roles: Mapping[str, str], erasers: Collection[str]) -> None:
    """Make the vault and the logs, and grant each service's role (name of service -> role) what it needs of them; safe
    to repeat. Only the services that carry out erasures (``erasers``) may destroy keys and revoke tokens."""
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
            if service in erasers:
                conn.execute(sql.SQL("grant delete, update (wrapped, wrapped_by) on vault.keys to {}").format(name))
                conn.execute(sql.SQL("grant update on vault.master to {}").format(name))
                conn.execute(sql.SQL("grant insert on vault.destroyed to {}").format(name))
                conn.execute(sql.SQL("grant insert, update on vault.revoked to {}").format(name))
