"""NATS as a cluster of three: the server that leads the stream is killed under load, and nobody waits for it to come
back."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.js.api import StreamConfig
from nats.js.client import JetStreamContext

from deploy.vefa.doctor.bus import stream
from shared.bus.jetstream import STREAM, broker_of
from tests.running import Running, up
from tests.sizes import sized
from tests.waiting import PATIENCE, until_true

from .cluster import NODES, Cluster
from .ledger import Ledger, Mails
from .load import Load

pytestmark = [pytest.mark.servers]
KILLS = sized(2, 1)
ALONE = "ALONE"


@pytest.fixture(scope="module")
def cluster(open_folder: Path) -> Iterator[Cluster]:
    with Cluster(open_folder / "cluster") as running:
        yield running


@pytest.mark.long
async def test_a_server_that_only_the_cluster_tells_of_lets_a_service_in(cluster: Cluster) -> None:
    broker = broker_of("intake", cluster.urls[0])
    await broker.start()
    client = broker.config.connection_state.connection
    cluster.kill(0)
    async with asyncio.timeout(PATIENCE):
        while client.connected_url is None or client.connected_url.port not in cluster.ports[1:]:
            assert not client.is_closed
            await asyncio.sleep(0.1)
    await broker.stop()
    cluster.start(0)


def published(platform: Running) -> int:
    """The position up to which intake's log is on the stream."""
    return platform.count(
        "intake", "select notification_id from intake.notification_tracking where application_name = 'relay'"
    )


def test_a_leader_that_is_killed_under_load_costs_nothing_and_nobody_waits_for_it(
    cluster: Cluster, database: str, open_folder: Path
) -> None:
    data = open_folder / "on-cluster"
    data.mkdir(mode=0o711)
    with (
        Mails() as mails,
        up(
            data, lines=data / "lines", VEFA_DATABASE_URL=database, VEFA_NATS_URL=",".join(cluster.urls),
            VEFA_NATS_REPLICAS=str(NODES), VEFA_MAIL_PORT=str(mails.port), VEFA_PUBLIC_PER_MINUTE="1000000",
        ) as platform,
        Load(platform.address("intake")) as load,
    ):  # fmt: skip
        for _ in range(KILLS):
            time.sleep(2)
            went_on(cluster, platform)
        accepted, last = load.stop(), time.monotonic()
        until_true(lambda: platform.still("effects"), "something is still under way")
        print(f"{len(accepted)} cases, drained {time.monotonic() - last:.1f} s after the last was accepted")
        assert list(Ledger.of(platform, accepted, mails).problems(crashes=0)) == []
        platform.vefa("verify")
        until_true(platform.ready, "somebody is not ready")


def went_on(cluster: Cluster, platform: Running) -> None:
    """The leader is killed, another one leads, what is said is published again; then the killed one comes back."""
    leader, before = cluster.leader(STREAM), time.monotonic()
    cluster.kill(leader)
    assert cluster.leader(STREAM) != leader
    chosen, reached = time.monotonic() - before, published(platform)
    until_true(lambda: published(platform) > reached, "nothing is published")
    until_true(lambda: replicas(cluster) == "look", "the doctor does not see that one is away")
    print(f"n{leader} killed: another leads after {chosen:.1f} s, published after {time.monotonic() - before:.1f} s")
    cluster.start(leader)
    cluster.whole(STREAM)
    until_true(lambda: replicas(cluster) == "ok", "the doctor thinks that not all are current")


def replicas(cluster: Cluster) -> str:
    """What `vefa doctor` thinks of them."""

    async def look(js: JetStreamContext) -> str:
        return next(finding.state for finding in await stream(js._nc, ()) if finding.what == "NATS replicas")

    return cluster.ask(look)


@pytest.mark.long
def test_control_a_stream_on_one_server_is_away_for_as_long_as_that_is(cluster: Cluster) -> None:
    async def made(js: JetStreamContext) -> None:
        await js.add_stream(StreamConfig(name=ALONE, subjects=["alone"], num_replicas=1))

    async def says(js: JetStreamContext) -> None:
        await js.publish("alone", b"something", timeout=1)

    cluster.ask(made)
    leader = cluster.leader(ALONE)
    cluster.ask(says)
    cluster.kill(leader)
    with pytest.raises(TimeoutError):
        cluster.ask(says, 8)
    cluster.start(leader)
    cluster.ask(says)
