"""NATS: is its stream there and as it should be, does every service have its consumer."""

from collections.abc import Iterable

from nats.aio.client import Client
from nats.js.api import StreamInfo
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
