"""The demo's figures: words for people, numbers with their n as data, from the same reports."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from deploy.vefa.demo.figures import Figure, Tally
from deploy.vefa.demo.stage import Said, Stage
from tests.scene import MONDAY

HIDDEN = {"n": None, "hidden": True, "score": None, "low": None, "high": None, "average": None}
REPORTS = {
    "/v1/compliance?from=2026-10-01&to=2026-11-01": [
        {"metric": "first_response", "met": 5, "breached": 1}, {"metric": "first_response", "met": 2, "breached": 1},
        {"metric": "resolution", "met": 0, "breached": 0},
    ],
    "/v1/scores?kind=csat": {
        "cells": [{"n": 9, "hidden": False, "score": 88.9, "low": 56.5, "high": 98.0, "average": 4.4}]
    },
    "/v1/scores?kind=nps": {"cells": [HIDDEN]},
    "/v1/programme": {"active": 120, "pending": 30, "members": 4},
}  # fmt: skip


class Reports(Stage):
    """Answers as the services' reports do."""

    def __init__(self) -> None:
        super().__init__({}, "", lambda *_: "", MONDAY)

    async def call(self, service: str, method: str, path: str, body: Any = None, **_: Any) -> Any:
        return REPORTS[path]


def resolved(after: timedelta) -> Said:
    data = {"case": "c", "opened_at": MONDAY.isoformat(), "first_response_at": None}
    return Said("intake.case-resolved.v1", "case:c", MONDAY + after, data)


async def figures(*heard: Said) -> dict[str, Figure]:
    tally = Tally()
    for said in heard:
        tally.handle(said)
    return {f.what: f for f in await tally.figures(Reports(), Counter(web=3), 2)}


@pytest.mark.parametrize(
    ("what", "words", "value"),
    [
        ("concerns by web", "3", 3),
        ("cases resolved", "2", 2),
        ("breaches", "0", 0),
        ("mail answers threaded by their token", "2", 2),
        ("first response, median", "none", {"minutes": None, "n": 0}),
        ("resolution, median", "3.0 h", {"minutes": 180.0, "n": 2}),
        ("first response in time", "78% of 9", {"share": 0.7778, "met": 7, "n": 9}),
        (
            "CSAT", "88.9, between 56.5 and 98 (95 %), 9 answers",
            {"score": 88.9, "low": 56.5, "high": 98.0, "n": 9, "hidden": False},
        ),
        (
            "NPS", "hidden: fewer than 5 answers",
            {"score": None, "low": None, "high": None, "n": None, "hidden": True},
        ),
        ("points of members", "120 to spend, 30 pending", {"active": 120, "pending": 30}),
    ],
)  # fmt: skip
async def test_a_figure_in_words_and_as_data(what: str, words: str, value: object) -> None:
    found = (await figures(resolved(timedelta(hours=2)), resolved(timedelta(hours=4))))[what]
    assert (found.words, found.value) == (words, value)


async def test_what_nothing_was_measured_of_has_no_figure() -> None:
    assert "resolution in time" not in await figures()
