"""The simulated log passes the suite of the real one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from eventsourcing.persistence import IntegrityError

from shared.store.event_log import EventLog
from tests.shared import log_suite
from tests.shared.log_suite import Suite, fill

from .disk import Disk
from .log import SimulatedLog

PROCESS, ORDER, APPLICATION = log_suite.RECORDERS


class _Simulated(Suite):
    @asynccontextmanager
    async def opens(self) -> AsyncIterator[EventLog]:
        yield SimulatedLog(Disk())


class TestProcessRecorder(_Simulated, PROCESS):  # type: ignore[misc, valid-type]
    pass


class TestNonInterleaving(_Simulated, ORDER):  # type: ignore[misc, valid-type]
    pass


class TestApplicationRecorder(_Simulated, APPLICATION):  # type: ignore[misc, valid-type]
    pass


del PROCESS, ORDER, APPLICATION


async def test_positions_are_gap_free_in_commit_order_whatever_rolls_back() -> None:
    await log_suite.positions_are_gap_free_in_commit_order_whatever_rolls_back(SimulatedLog(Disk()))


async def test_a_stream_is_found_by_its_further_names() -> None:
    await log_suite.a_stream_is_found_by_its_further_names(SimulatedLog(Disk()))


async def test_a_draft_is_written_whole_where_the_log_ends_as_expected_and_not_at_all_elsewhere() -> None:
    log = SimulatedLog(Disk())
    await log_suite.a_draft_is_written_whole_where_the_log_ends_as_expected_and_not_at_all_elsewhere(log)


async def test_what_stands_beside_the_rows_is_found() -> None:
    await log_suite.what_stands_beside_the_rows_is_found(SimulatedLog(Disk()))


def change(disk: Disk) -> None:
    disk.rows[4] = replace(disk.rows[4], state=b"x")


def take_out(disk: Disk) -> None:
    del disk.rows[4]


def cut_off(disk: Disk) -> None:
    del disk.rows[9]


def falsify_head(disk: Disk) -> None:
    disk.head.hash = b"x"


@pytest.mark.parametrize("tamper", [change, take_out, cut_off, falsify_head])
async def test_a_changed_or_missing_row_breaks_the_chain(tamper: Callable[[Disk], None]) -> None:
    disk = Disk()
    log = SimulatedLog(disk)
    await fill(log, 10)
    assert await log.verify() == 10
    tamper(disk)
    with pytest.raises(IntegrityError):
        await log.verify()
