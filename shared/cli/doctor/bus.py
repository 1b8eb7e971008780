"""NATS: is its stream there and as it should be, does every service have its consumer."""

from collections.abc import Iterable

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from shared.stream import STREAM

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
    found.append(Finding("NATS stream", "ok", size))
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
