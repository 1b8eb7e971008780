"""The commands; each group stands in a file of its own."""

import os
import signal
import sys
import time

import typer
from rich.console import Console
from rich.table import Table

from shared.events import Role
from shared.local import LocalServerError
from shared.local.mail_sink import MailSink
from shared.world import Refused

from . import audit, history, parked, persons, policy, scaffold, token, whatif
from .base import DATA, Data, Failed
from .demo import command as demo

app = typer.Typer(
    name="vefa", no_args_is_help=True, add_completion=False, help="Vefa, the customer-service process platform"
)
app.add_typer(token.app, name="token")
app.add_typer(parked.app, name="parked")
app.add_typer(policy.app, name="policy")
for group in (demo, history, audit, whatif, persons, scaffold):
    app.add_typer(group.app)
console = Console()


@app.command()
def up(data: Data = DATA) -> None:
    """Start everything: PostgreSQL and NATS (embedded, or your own by VEFA_DATABASE_URL and VEFA_NATS_URL) and all
    services."""
    from .platform import Platform
    from .services import app_of, names

    began = time.monotonic()
    apps = {name: app_of(name) for name in names()}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sink = None if os.environ.get("VEFA_MAIL_PORT") else MailSink()
    platform = Platform.start(data.absolute(), apps, **({"mail_port": sink.port} if sink else {}))
    try:
        table = Table("service", "address", title=f"Vefa is up after {time.monotonic() - began:.1f} s")
        for name, addresses in platform.addresses.items():
            for kind, address in addresses.items():
                table.add_row(name, f"{address}/docs" if kind == "http" else address)
        if sink:
            sink.start()
            table.add_row("mails", sink.page)
        console.print(table)
        console.print("Admin token:", platform.token(Role.admin, "admin"), soft_wrap=True)
        console.print("Ctrl-C stops everything; the data stays in", str(data))
        platform.wait()
    finally:
        platform.stop()
        if sink:
            sink.stop()


def main() -> None:
    """Run the command line; what a user did wrong ends with one clear line and status 2."""
    try:
        app()
    except (Failed, Refused, LocalServerError, LookupError, TimeoutError, ChildProcessError) as e:
        print(f"vefa: {e}", file=sys.stderr)
        sys.exit(2)
