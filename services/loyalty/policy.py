"""The programme as a policy document: earning rules, tiers, expiry, claw-back, recovery grants; and its calendar."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from contracts.loyalty import Severity
from shared.core.event import Code, Value

Percent = Annotated[int, Field(gt=0, le=10_000)]
Points = Annotated[int, Field(gt=0, le=10**9)]
Sum = Annotated[int, Field(ge=0, le=10**12)]
MOST_PER_UNIT = 10
"""Points for one minor unit, at most: the largest purchase of the contract earns what a column can hold."""
Days = Annotated[int, Field(ge=0, le=3650)]
Occasion = Literal["purchase", "survey_answered", "case_satisfied"]
Enrolling = Literal["resolved_case", "purchase", "grant"]
RECOVERY_RULE = "recovery-grant"


class Tier(Value):
    """A tier and the points within a calendar year that it takes."""

    tier: Code
    from_: Annotated[int, Field(ge=0, le=10**12, alias="from")]


class EarningRule(Value):
    """``points`` per occasion, or for every ``per`` minor units of a purchase; ``percent`` multiplies by tier."""

    name: Code
    occasion: Occasion
    points: Points
    per: Annotated[int, Field(gt=0, le=10**12)] | None = None
    """Minor units of the programme's currency; purchases only."""
    labels: tuple[Code, ...] = ()
    """Only purchases with one of these product groups; empty: every purchase."""
    rounding: Literal["floor", "ceiling", "half_up"] = "floor"
    pending_days: Days = 0
    counts: bool = False
    """Whether the points count towards tiers."""
    percent: Mapping[Code, Percent] = {}
    """Tier -> percent of the points; 100 where a tier is not named."""

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if (self.occasion == "purchase") != (self.per is not None):
            raise ValueError(f"rule {self.name!r}: 'per' belongs to purchases, which need it")
        if self.labels and self.occasion != "purchase":
            raise ValueError(f"rule {self.name!r}: 'labels' are product groups of purchases; leave them out")
        most = max((100, *self.percent.values()))
        if self.per and self.points * most > MOST_PER_UNIT * 100 * self.per:
            raise ValueError(
                f"rule {self.name!r}: {self.points} points x {most} % per {self.per} minor units are more than "
                f"{MOST_PER_UNIT} for each; write fewer points, or a larger 'per'"
            )
        return self

    def points_for(self, amount: int, tier: str) -> int:
        """Whole points for ``amount`` minor units (1 for an occasion without an amount)."""
        above = amount * self.points * self.percent.get(tier, 100)
        below = (self.per or 1) * 100
        match self.rounding:
            case "floor":
                return above // below
            case "ceiling":
                return -(-above // below)
            case "half_up":
                return (2 * above + below) // (2 * below)


class Expiry(Value):
    """When free points become worthless, counted from the instant they became free; always exclusive."""

    kind: Literal["never", "days", "end_of_month", "end_of_year"]
    after: Annotated[int, Field(ge=0, le=3650)] = 0
    """Days, months or years; 0 is the end of the same month or year."""

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.kind == "days" and not self.after:
            raise ValueError("expiry: 0 days would take the points at once; write after: 1 or more")
        return self


class Recovery(Value):
    """Points that make good a bad experience: how many, who may give them, and from which budget."""

    points: Mapping[Severity, Mapping[Code, Points]]
    limits: Mapping[Code, Sum]
    """Role -> points that it gives by itself, or approves; a role that is not named gives none."""
    budget: Sum
    """Points per team and month."""
    budgets: Mapping[Code, Sum] = {}
    """Teams with a budget of their own."""

    def budget_of(self, team: str | None) -> int:
        return self.budgets.get(team or "none", self.budget)


class Programme(Value):
    """The whole policy ``programme``."""

    programme: Code
    zone: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    point_value: Annotated[int, Field(ge=0, le=10**6)]
    auto_enrol: tuple[Enrolling, ...] = ()
    unknown_purchase: Literal["hold", "ignore"]
    hold_days: Annotated[int, Field(gt=0, le=3650)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=50)]
    tier_grace_days: Days
    rules: Annotated[tuple[EarningRule, ...], Field(max_length=100)]
    satisfied_csat: Annotated[int, Field(ge=1, le=5)]
    expiry: Expiry
    notice_days: Days
    refund_grace_days: Days
    clawback: Literal["only_pending", "within_balance", "unlimited"]
    recovery: Recovery

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (LookupError, ValueError, OSError) as e:  # it is looked for as a file
            raise ValueError(f"zone {zone[:64]!r} is unknown; write an IANA name such as Europe/Istanbul") from e
        return zone

    @model_validator(mode="after")
    def _whole(self) -> Self:
        thresholds = [t.from_ for t in self.tiers]
        if thresholds[0] != 0 or thresholds != sorted(set(thresholds)):
            raise ValueError(f"tiers: 'from' must start at 0 and rise, not {thresholds}")
        tiers = [t.tier for t in self.tiers]
        if len(set(tiers)) < len(tiers):
            raise ValueError(f"tiers: each name only once, not {tiers}")
        names = [r.name for r in self.rules]
        if len(set(names)) < len(names) or RECOVERY_RULE in names:
            raise ValueError(f"rules: names must be unique and not {RECOVERY_RULE!r}, which belongs to grants")
        for rule in self.rules:
            if unknown := sorted(rule.percent.keys() - set(tiers)):
                raise ValueError(f"rule {rule.name!r}: unknown tier {unknown[0]!r} in percent; known are {tiers}")
        for severity in ("minor", "major", "severe"):
            if set(row := self.recovery.points.get(severity, {})) != set(tiers):
                raise ValueError(f"recovery.points.{severity} must name each of the tiers {tiers}, not {sorted(row)}")
        return self

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    # time
    def period(self, at: datetime) -> str:
        """The calendar year of an instant in the programme's zone."""
        return f"{at.astimezone(self._zone).year:04}"

    def month(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%Y-%m}"

    def period_end(self, period: str) -> datetime:
        return self._first_of(int(period) + 1, 1)

    def review_at(self, period: str) -> datetime:
        """When a tier held in ``period`` is looked at: the year's end and the grace."""
        return self.period_end(period) + timedelta(days=self.tier_grace_days)

    def expires_at(self, free_at: datetime) -> datetime | None:
        """From when points that became free at ``free_at`` are worthless; None: never."""
        local = free_at.astimezone(self._zone)
        match self.expiry.kind:
            case "never":
                return None
            case "days":
                return free_at + timedelta(days=self.expiry.after)
            case "end_of_month":
                months = local.year * 12 + local.month + self.expiry.after
                return self._first_of(months // 12, months % 12 + 1)
            case "end_of_year":
                return self._first_of(local.year + self.expiry.after + 1, 1)

    def _first_of(self, year: int, month: int) -> datetime:
        return datetime(year, month, 1, tzinfo=self._zone).astimezone(UTC)

    # tiers
    def rank(self, tier: str) -> int:
        """Place of a tier from below; a tier that the programme no longer has counts as the lowest."""
        return next((i for i, t in enumerate(self.tiers) if t.tier == tier), 0)

    def rank_for(self, basis: int) -> int:
        return max(i for i, t in enumerate(self.tiers) if t.from_ <= max(basis, 0))

    def rules_on(self, occasion: Occasion) -> tuple[EarningRule, ...]:
        return tuple(r for r in self.rules if r.occasion == occasion)
