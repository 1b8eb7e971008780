"""``vefa serve`` and ``vefa provide``: the platform in containers. Settings come from the environment and from files of
secrets, each named like its variable (``/run/secrets/vefa_database_url``)."""

import asyncio
import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

import typer

from deploy.vefa.local.nats_server import INTEGRATOR, OPS, configuration
from shared.base.settings import Settings
from shared.privacy.master_key import MasterKey

from . import reach
from .base import Failed, app_of

app = typer.Typer()
HTTP_PORT = 8000
"""Of a service in its container, whose name is the service's."""
SECRETS = Annotated[Path, typer.Option("--secrets", envvar="VEFA_SECRETS", help="Folder with the files of secrets")]
FOLDER = Path("/run/secrets")
START_SECONDS = 120
"""So long NATS may take to come up beside us."""


@app.command()
def serve(
    service: Annotated[str, typer.Argument(envvar="VEFA_SERVICE", help="Name of a service")], secrets: SECRETS = FOLDER
) -> None:
    """Run one service on servers of your own, until SIGTERM or SIGINT."""
    from shared.host.process import run

    run(app_of(service), _settings(secrets))


@app.command()
def provide(secrets: SECRETS = FOLDER) -> None:
    """Make what services need on servers of your own: a database role and a log for each, the vault, the stream.

    Safe to repeat; a changed password is taken over. A new vault gets a master key, unless there is one. For each
    service a file SERVICE.database holds its URL."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from shared.store import roles

    settings, urls = _settings(secrets), _databases(secrets)
    if not urls:
        raise Failed(f"{secrets} has no file SERVICE.database; deploy/make-secrets.sh makes them")
    known = {service: conninfo_to_dict(url) for service, url in urls.items()}
    with psycopg.connect(settings.database_url) as admin:
        roles.admit(admin, admin.info.dbname, {str(k["user"]): str(k["password"]) for k in known.values()})
    erasers = {service for service in known if app_of(service).erases}
    roles.provide(settings.database_url, {service: str(k["user"]) for service, k in known.items()}, erasers)
    with psycopg.connect(settings.database_url) as admin:
        if not admin.execute("select 1 from vault.master").fetchone():  # never a new key for keys that are wrapped
            MasterKey.begin(settings.master_folder)
    asyncio.run(reach.stream(settings.nats_url, settings.nats_replicas, "start it, or mend its URL", START_SECONDS))
    print(f"Provided for {', '.join(known)}")


@app.command("nats-config")
def nats_config(services: Annotated[list[str], typer.Argument(help="Names of services")]) -> None:
    """Print the configuration of a nats-server of your own (deploy/nats/server.conf): who may say and hear what."""
    print(server_config(services), end="")


def server_config(services: list[str]) -> str:
    """In the server's language; the passwords stand in a file beside it."""
    users = [*services, OPS, INTEGRATOR]
    content = configuration("vefa", "0.0.0.0", 4222, "/data", {user: f"$password_{user}" for user in users})  # noqa: S104
    text = re.sub(r'"(\$password_\w+)"', r"\1", json.dumps(content, indent=2))
    return f"# Made by: vefa nats-config {' '.join(services)}\ninclude ./passwords.conf\n{dedent(text[2:-2])}\n"


def reachable(secrets: Path) -> dict[str, Any] | None:
    """Addresses like those that a platform notes of itself, by the secrets of a container; None when it has none."""
    databases = _databases(secrets)
    if not databases:
        return None
    services = {name: {"http": f"http://{name}:{HTTP_PORT}"} for name in databases}
    return {"services": services, "databases": databases, "nats": (secrets / "vefa_nats_url").read_text().strip()}


def _databases(secrets: Path) -> dict[str, str]:
    return {path.stem: path.read_text().strip() for path in sorted(secrets.glob("*.database"))}


def _settings(secrets: Path) -> Settings:
    return Settings(_secrets_dir=secrets if secrets.is_dir() else None, secrets=secrets)
