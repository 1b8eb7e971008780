"""NATS: is its stream there and as it should be, does every service have its consumer."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from nats.aio.client import Client
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from shared.bus.jetstream import STREAM, servers_of

from .finding import Finding, judged

OLDEST = (2, 12)
"""The first version with persist_mode."""


async def stream(client: Client, services: Iterable[str]) -> list[Finding]:
    version = client.connected_server_version
    found = [
        judged(
            "NATS version", f"{version.major}.{version.minor}.{version.patch}", "use 2.12 or newer",
            good=(version.major, version.minor) >= OLDEST,
        )
    ]  # fmt: skip
    js = client.jetstream()
    try:
        info = await js.stream_info(STREAM)
    except NotFoundError:
        return [*found, Finding("NATS stream", "bad", "gone", "the next event that is said makes it again")]
    size = f"{info.state.messages} messages, {info.state.bytes // 2**20} MiB"
    found += [Finding("NATS stream", "ok", size), *_replicas(info)]
    for name in services:
        what = f"consumer of {name}"
        try:
            consumer = await js.consumer_info(STREAM, name)
        except NotFoundError:
            found.append(Finding(what, "bad", "gone", "the service makes it again; if not, start the service again"))
            continue
        pending = consumer.num_pending or 0
        found.append(
            judged(what, f"{pending} to be fetched", "the service is behind", good=pending < 1000, otherwise="look")
        )
    return found


def syncing(data: Path, url: str) -> list[Finding]:
    """How often the embedded nats-server waits for the disk, by its configuration; a server does not tell its clients.
    It is well whatever it is: the logs have waited for the disk, and what NATS loses is said again from them."""
    note = data / "room"
    room = Path(note.read_text().strip()) if note.exists() else data
    try:
        told = orjson.loads((room / "nats" / "server.conf").read_bytes())
    except (OSError, ValueError):
        return []
    if told["port"] != urlsplit(servers_of(url)[0]).port:  # of another time; now it is a server of the user's own
        return []
    found = told["jetstream"]["sync_interval"]
    return [Finding("NATS sync_interval", "ok", f"{found}; the logs hold all that NATS does")]


def _replicas(info: StreamInfo) -> list[Finding]:
    """Of a stream on several servers of a cluster: whether each has all of it."""
    wanted, cluster = info.config.num_replicas or 1, info.cluster
    if wanted == 1 or cluster is None:
        return []
    others = cluster.replicas or []
    behind = [peer.name or "?" for peer in others if peer.offline or not peer.current]
    text = f"{', '.join(behind)} away or behind" if behind else f"{1 + len(others)} of {wanted}"
    fix = "start it again: it fetches by itself what it has not; one more that is lost stops the stream"
    good = not behind and 1 + len(others) == wanted
    return [judged("NATS replicas", text, fix, good=good, otherwise="look")]
