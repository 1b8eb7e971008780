"""The demo's figures: what was heard on the bus in five days, and what the services' own reports say of them."""

from collections import Counter
from collections.abc import Iterable
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


class Tally:
    """What was said in the play: counts by topic, the times of resolved cases, and cases worth a look."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.shown: dict[str, tuple[str, str]] = {}
        """Why a case is worth a look -> (the case, its number and what is to be seen)."""
        self._first, self._whole = list[timedelta](), list[timedelta]()
        self._numbers: dict[str, str] = {}

    def hear(self, said: Said) -> None:
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

    async def rows(self, stage: Stage, channels: Counter[str], threaded: int) -> list[tuple[str, str]]:
        """(what, how much) of the whole play."""
        rows = [(f"concerns by {channel}", str(number)) for channel, number in sorted(channels.items())]
        rows += [(words, str(self.counts[topic])) for words, topic in COUNTED]
        rows += [
            ("mail answers threaded by their token", str(threaded)),
            ("first response, median", _middle(self._first)), ("resolution, median", _middle(self._whole)),
        ]  # fmt: skip
        for metric, (met, breached) in sorted((await _compliance(stage)).items()):
            rows.append((f"{metric.replace('_', ' ')} in time", f"{met / (met + breached):.0%} of {met + breached}"))
        for kind in ("csat", "nps"):
            rows += [
                (kind.upper(), _score(c)) for c in (await _ask(stage, "feedback", f"/v1/scores?kind={kind}"))["cells"]
            ]
        programme = await _ask(stage, "loyalty", "/v1/programme")
        rows.append(("points of members", f"{programme['active']} to spend, {programme['pending']} pending"))
        return rows


async def _ask(stage: Stage, service: str, path: str) -> Any:
    return await stage.call(service, "GET", path, role="supervisor", name="demo")


async def _compliance(stage: Stage) -> dict[str, tuple[int, int]]:
    """Metric -> (met, breached), over all rules and priorities."""
    found: dict[str, tuple[int, int]] = {}
    for row in await _ask(stage, "sla", "/v1/compliance?from=2026-10-01&to=2026-11-01"):
        met, breached = found.get(row["metric"], (0, 0))
        found[row["metric"]] = (met + row["met"], breached + row["breached"])
    return {metric: counts for metric, counts in found.items() if sum(counts)}


def _score(cell: dict[str, Any]) -> str:
    if cell["hidden"]:
        return "hidden: fewer than 5 answers"
    return f"{cell['score']:g}, between {cell['low']:g} and {cell['high']:g} (95 %), {cell['n']} answers"


def _middle(spans: Iterable[timedelta]) -> str:
    minutes = sorted(span.total_seconds() / 60 for span in spans)
    if not minutes:
        return "none"
    return f"{median(minutes):.0f} min" if median(minutes) < 120 else f"{median(minutes) / 60:.1f} h"
