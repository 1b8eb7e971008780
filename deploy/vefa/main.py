"""The commands; each group stands in a file of its own."""

import os
import signal
import sys
import time
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.vefa.local.mail_sink import MailSink
from shared.core.message import Role

from . import (
    audit,
    classifier,
    containers,
    epoch,
    explaining,
    first,
    history,
    keys,
    mails,
    mistakes,
    parked,
    persons,
    policy,
    scaffold,
    setaside,
    state_at,
    token,
    trace,
    whatif,
)
from .backup import command as backup
from .base import DATA, AsJson, Data, print_json, usable
from .bench import command as bench
from .demo import command as demo
from .doctor import command as doctor

app = typer.Typer(
    name="vefa", no_args_is_help=True, add_completion=False, help="Vefa, the customer-service process platform"
)
app.add_typer(token.app, name="token")
app.add_typer(parked.app, name="parked")
app.add_typer(keys.app, name="keys")
app.add_typer(setaside.app, name="set-aside")
app.add_typer(mails.app, name="mail")
app.add_typer(policy.app, name="policy")
app.add_typer(epoch.app, name="epoch")
app.add_typer(classifier.app, name="classifier")
for group in (
    backup,
    demo,
    doctor,
    history,
    state_at,
    trace,
    explaining,
    audit,
    whatif,
    persons,
    scaffold,
    containers,
    bench,
):
    app.add_typer(group.app)
app.add_typer(epoch.alone)
console = Console()


@app.command()
def up(data: Data = DATA, as_json: AsJson = False) -> None:
    """Start everything: PostgreSQL and NATS (embedded, or your own by VEFA_DATABASE_URL and VEFA_NATS_URL) and all
    services."""
    from .platform import Platform
    from .services import app_of, names

    began = time.monotonic()
    apps = {name: app_of(name) for name in names()}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sink = None if os.environ.get("VEFA_MAIL_PORT") else MailSink()
    platform = Platform.start(usable(data), apps, **({"mail_port": sink.port} if sink else {}))
    try:
        if sink:
            sink.start()
        first.register(usable(data))
        told = {
            "seconds": round(time.monotonic() - began, 1), "services": platform.addresses,
            "mails": sink.page if sink else None, "token": platform.token(Role.admin, "admin"), "data": str(data),
        }  # fmt: skip
        if as_json:
            print_json(told)
            sys.stdout.flush()  # who reads it through a pipe waits for it
        else:
            _show(told)
        platform.wait()
    finally:
        platform.stop()
        if sink:
            sink.stop()


def _show(told: dict[str, Any]) -> None:
    table = Table("service", "address", title=f"Vefa is up after {told['seconds']} s")
    for name, addresses in told["services"].items():
        for kind, address in addresses.items():
            table.add_row(name, f"{address}/docs" if kind == "http" else address)
    if told["mails"]:
        table.add_row("mails", told["mails"])
    console.print(table)
    console.print("Admin token:", told["token"], soft_wrap=True)
    console.print("Ctrl-C stops everything; the data stays in", told["data"])


def main() -> None:
    """Run the command line; what a user did wrong ends with one clear line and status 2."""
    try:
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        print("vefa: given up", file=sys.stderr)
        sys.exit(1)
    except Exception as e:
        if (found := mistakes.lines(e)) is None:
            raise
        for line in found:
            print(f"vefa: {line}", file=sys.stderr)
        sys.exit(2)
