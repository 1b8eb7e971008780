"""The demo's figures: what was heard on the bus in five days, and what the services' own reports say of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from .agenda import ISTANBUL
from .stage import Said, Stage

COUNTED = (
    ("cases opened", "intake.case-opened.v1"), ("assigned, also again", "router.case-assigned.v1"),
    ("alerts that nobody can take a case", "router.queue-alerted.v1"), ("public replies", "intake.reply-sent.v1"),
    ("clocks started", "sla.clock-started.v1"), ("clocks paused", "sla.clock-paused.v1"),
    ("warnings before a target", "sla.target-warned.v1"), ("breaches", "sla.target-breached.v1"),
    ("escalations", "sla.case-escalated.v1"), ("cases resolved", "intake.case-resolved.v1"),
    ("survey invitations", "feedback.survey-invited.v1"), ("surveys sent", "surveys sent"),
    ("surveys answered", "feedback.survey-answered.v1"), ("recoveries opened", "feedback.recovery-opened.v1"),
    ("notices sent", "notification.notice-sent.v1"), ("mails that came", "mails that came"),
    ("lots of points earned", "loyalty.points-earned.v1"),
    ("tiers reached", "loyalty.tier-changed.v1"),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """What was counted or measured: in words for people, and as data."""

    what: str
    words: str
    value: Any
    """A number; what is measured of several has its parts, with ``n``, of how many."""


def count(what: str, number: int) -> Figure:
    return Figure(what, str(number), number)


class Tally:
    """What was said in the play: counts by topic, the times of resolved cases, and cases worth a look."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.shown: dict[str, tuple[str, str]] = {}
        """Why a case is worth a look -> (the case, its number and what is to be seen)."""
        self._first, self._whole = list[timedelta](), list[timedelta]()
        self._numbers: dict[str, str] = {}

    def handle(self, said: Said) -> None:
        self.counts[said.topic] += 1
        case, data = said.data.get("case", ""), said.data
        match said.topic:
            case "intake.case-opened.v1":
                self._numbers[case] = data["number"]
                if data.get("recovery"):
                    self._show("recovery", case, "opened because a customer was discontent")
            case "intake.case-resolved.v1":
                opened = datetime.fromisoformat(data["opened_at"])
                self._whole.append(said.time - opened)
                if data["first_response_at"]:
                    self._first.append(datetime.fromisoformat(data["first_response_at"]) - opened)
            case "sla.clock-started.v1" if data["calendar"] == "tr" and data["due"]:
                start, due = (datetime.fromisoformat(data[n]).astimezone(ISTANBUL) for n in ("started_at", "due"))
                if start.strftime("%a") == "Wed" and start.hour < 13 and due.strftime("%a") == "Fri":
                    words = f"{data['target'] / 3600:g} h from {start:%a %H:%M} are over on {due:%a %H:%M}"
                    self._show("half-day holiday", case, f"{data['metric']}: {words}, for Wednesday ends at 13:00")
            case "notification.notice-sent.v1" if data["template"] == "survey":
                self.counts["surveys sent"] += 1
            case "sla.case-escalated.v1" if data["level"] == "over":
                self._show("breach", case, f"{data['metric']} escalated to the {data['target']}: {data['action']}")

    def _show(self, why: str, case: str, what: str) -> None:
        """The case with the lowest number: which of two is heard first differs from run to run."""
        if case in self._numbers:
            found = case, f"{self._numbers[case]}: {what}"
            self.shown[why] = min(found, self.shown.get(why, found), key=lambda one: one[1])

    async def figures(self, stage: Stage, channels: Counter[str], threaded: int) -> list[Figure]:
        """Of the whole play."""
        found = [count(f"concerns by {channel}", number) for channel, number in sorted(channels.items())]
        found += [count(words, self.counts[topic]) for words, topic in COUNTED]
        found += [
            count("mail answers threaded by their token", threaded),
            _middle("first response, median", self._first), _middle("resolution, median", self._whole),
        ]  # fmt: skip
        found += [_in_time(metric, *counts) for metric, counts in sorted((await _compliance(stage)).items())]
        for kind in ("csat", "nps"):
            cells = (await _ask(stage, "feedback", f"/v1/scores?kind={kind}"))["cells"]
            found += [_score(kind.upper(), cell) for cell in cells]
        points = await _ask(stage, "loyalty", "/v1/programme")
        words = f"{points['active']} to spend, {points['pending']} pending"
        value = {"active": points["active"], "pending": points["pending"]}
        return [*found, Figure("points of members", words, value)]


async def _ask(stage: Stage, service: str, path: str) -> Any:
    return await stage.call(service, "GET", path, role="supervisor", name="demo")


async def _compliance(stage: Stage) -> dict[str, tuple[int, int]]:
    """Metric -> (met, breached), over all rules and priorities."""
    found: dict[str, tuple[int, int]] = {}
    for row in await _ask(stage, "sla", "/v1/compliance?from=2026-10-01&to=2026-11-01"):
        met, breached = found.get(row["metric"], (0, 0))
        found[row["metric"]] = (met + row["met"], breached + row["breached"])
    return {metric: counts for metric, counts in found.items() if sum(counts)}


def _in_time(metric: str, met: int, breached: int) -> Figure:
    """``share`` from 0 to 1."""
    n = met + breached
    value = {"share": round(met / n, 4), "met": met, "n": n}
    return Figure(f"{metric.replace('_', ' ')} in time", f"{met / n:.0%} of {n}", value)


def _score(what: str, cell: dict[str, Any]) -> Figure:
    """With its 95 % interval; of fewer than 5 answers the service tells nothing, not even how many."""
    value = {name: cell[name] for name in ("score", "low", "high", "n", "hidden")}
    if cell["hidden"]:
        return Figure(what, "hidden: fewer than 5 answers", value)
    words = f"{cell['score']:g}, between {cell['low']:g} and {cell['high']:g} (95 %), {cell['n']} answers"
    return Figure(what, words, value)


def _middle(what: str, spans: Iterable[timedelta]) -> Figure:
    """``minutes``: the median, None of none."""
    minutes = sorted(span.total_seconds() / 60 for span in spans)
    if not minutes:
        return Figure(what, "none", {"minutes": None, "n": 0})
    middle = median(minutes)
    words = f"{middle:.0f} min" if middle < 120 else f"{middle / 60:.1f} h"
    return Figure(what, words, {"minutes": round(middle, 1), "n": len(minutes)})
