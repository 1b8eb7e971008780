"""What loyalty says: members, points in lots, tiers and grants. Points are integers."""

from datetime import datetime
from typing import Annotated, Literal

from shared.events import Code, Event, Id, Open, Personal, Value

from .common import Words

SourceId = Annotated[str, Open("id of what earned or cost the points: purchase, case, survey, grant")]


class Share(Value):
    """Points taken from, or given back to, one lot."""

    lot: Id
    """The lot."""
    amount: int
    """Points, positive."""


class MemberFact(Event, stream="member:{member}"):
    """A fact about one account of the programme."""

    member: Id
    """The account: a random id that stays when the person is erased."""


class MemberEnrolled(MemberFact, topic="loyalty.member-enrolled.v1", also=("customer:{customer}", "contact:{contact}")):
    """A customer joined the programme."""

    customer: Id
    """The customer."""
    contact: Id
    """Contact point that he joined with."""
    programme: Code
    """The programme."""
    tier: Code
    """First tier."""


class PointsEarned(MemberFact, topic="loyalty.points-earned.v1", also=("source:{source}",)):
    """A lot of points; pending until ``activates_at``."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    rule: Code
    """Earning rule."""
    source: SourceId
    """What they were earned by; unique per rule."""
    earned_at: datetime
    """When, UTC."""
    activates_at: datetime
    """From when they can be spent, UTC."""
    expires_at: datetime | None
    """From when they are worthless, UTC, exclusive; None: never."""
    arithmetic: Words
    """How the amount came about: '249.90 TRY x 1 point = 249'."""
    policy: int
    """Version of the programme."""
    case: Id | None = None
    """The case behind them, where there is one."""


class PointsActivated(MemberFact, topic="loyalty.points-activated.v1"):
    """Pending points can be spent."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""


class PointsCancelled(MemberFact, topic="loyalty.points-cancelled.v1"):
    """Pending points were taken back before they could be spent."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    source: SourceId
    """What took them back."""


class PointsSpent(MemberFact, topic="loyalty.points-spent.v1"):
    """Points were spent, oldest expiry first; all or nothing."""

    spend: Id
    """The spend."""
    amount: int
    """Points."""
    shares: tuple[Share, ...]
    """Which lots."""
    what: Code
    """What for."""


class SpendRefunded(MemberFact, topic="loyalty.spend-refunded.v1"):
    """A spend was undone: the same lots have their points again."""

    spend: Id
    """The spend."""
    shares: tuple[Share, ...]
    """Points that came back."""
    lost: int
    """Points whose lot had expired meanwhile."""


class PointsExpired(MemberFact, topic="loyalty.points-expired.v1"):
    """What was left of a lot is worthless."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    expired_at: datetime
    """When, UTC."""


class PointsClawedBack(MemberFact, topic="loyalty.points-clawed-back.v1"):
    """Points were taken back because what earned them was returned."""

    source: SourceId
    """The return."""
    amount: int
    """Points."""
    shares: tuple[Share, ...]
    """Which lots."""
    owed: int
    """Part that made the balance negative."""


class TierChanged(MemberFact, topic="loyalty.tier-changed.v1", also=("customer:{customer}",)):
    """A member reached another tier."""

    customer: Id
    """The customer."""
    tier: Code
    """Now."""
    before: Code
    """Until now."""
    basis: int
    """What counts towards tiers, in points earned within the window."""
    why: Words
    """Which threshold was crossed."""


class HandoverOffered(MemberFact, topic="loyalty.handover-offered.v1", also=("case:{case}",)):
    """A complaint ended well: the customer is handed over from complaint to loyalty, once per case."""

    customer: Id
    """The customer."""
    case: Id
    """The case."""
    why: Words
    """Resolved, no breach or a kept recovery, CSAT."""


class GrantRequested(Event, topic="loyalty.grant-requested.v1", stream="case:{case}", subject="by"):
    """An agent wants to make good a bad experience and is above the own limit: somebody approves."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    amount: int
    """Points."""
    severity: Literal["minor", "major", "severe"]
    """How bad it was."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why."""


class GrantApproved(Event, topic="loyalty.grant-approved.v1", stream="case:{case}"):
    """A service recovery grant: one per case."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    amount: int
    """Points."""
    by: Id
    """Who approved; the agent himself within the own limit."""
    team: Code | None
    """Team whose budget it is taken from."""


class GrantRefused(Event, topic="loyalty.grant-refused.v1", stream="case:{case}"):
    """A grant was not given."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    by: Id
    """Who refused, or 'rule'."""
    why: Literal["budget", "by-hand", "not-a-member"]
    """Why."""


class PointsExpiring(MemberFact, topic="loyalty.points-expiring.v1"):
    """Points will expire soon; told once per lot."""

    customer: Id
    """The customer."""
    lot: Id
    """The lot."""
    amount: int
    """Points left in it."""
    expires_at: datetime
    """When, UTC."""


