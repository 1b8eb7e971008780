"""What loyalty says and may be asked: members, points in lots, tiers and grants. Points are integers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.core.event import Code, Event, Id, Part
from shared.core.parts import Words
from shared.core.personal import Open, Personal

SourceId = Annotated[str, Open("id of what earned or cost the points: purchase, case, survey, grant")]
Period = Annotated[str, Open("a calendar year in the programme's zone, such as 2026"), Field(pattern="^[0-9]{4}$")]
Severity = Literal["minor", "major", "severe"]


class Share(Part):
    """Points taken from, or given back to, one lot."""

    lot: Id
    """The lot."""
    amount: int
    """Points, positive."""
    earned_at: datetime
    """When the lot was earned, UTC: a lot that comes back keeps its place."""
    expires_at: datetime | None
    """From when the lot is worthless, UTC, exclusive; None: never."""
    source: SourceId | None = None
    """What had earned the lot."""
    rule: Code | None = None
    """Earning rule that had credited it."""


class MemberFact(Event, stream="member:{member}"):
    """A fact about one account of the programme."""

    member: Id
    """The account: a random id that stays when the person is erased."""


class MemberEnrolled(MemberFact, topic="loyalty.member-enrolled.v1", also=("customer:{customer}", "contact:{contact}")):
    """A customer joined the programme."""

    customer: Id
    """The customer."""
    contact: Id
    """Contact point that they joined with."""
    programme: Code
    """The programme."""
    tier: Code
    """First tier."""


class PointsEarned(
    MemberFact,
    topic="loyalty.points-earned.v1",
    also=("source:{source}",),
    summary="{amount}, row {rule}: {arithmetic} (policy {policy})",
):
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
    notice_at: datetime | None = None
    """When the member is told that they will expire, UTC; None: not told."""
    period: Period | None = None
    """The calendar year whose tier basis they count in; None: they do not count."""
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


class PointsCancelled(MemberFact, topic="loyalty.points-cancelled.v1", also=("source:{of}",)):
    """Pending points were taken back before they could be spent."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    source: SourceId
    """What took them back."""
    of: SourceId
    """What had earned them."""
    rule: Code
    """Earning rule that had credited them."""
    period: Period | None = None
    """The calendar year whose tier basis falls; None: they did not count."""


class PointsSpent(MemberFact, topic="loyalty.points-spent.v1", also=("spend:{spend}",)):
    """Points were spent, oldest expiry first; all or nothing."""

    spend: Id
    """The spend."""
    amount: int
    """Points."""
    shares: tuple[Share, ...]
    """Which lots."""
    what: Code
    """What for."""


class SpendRefunded(MemberFact, topic="loyalty.spend-refunded.v1", also=("spend:{spend}",)):
    """A spend was undone: the same lots have their points again."""

    spend: Id
    """The spend."""
    shares: tuple[Share, ...]
    """Points that came back, with the expiry that they have now."""
    lost: int
    """Points whose lot had expired meanwhile."""


class PointsExpired(MemberFact, topic="loyalty.points-expired.v1", also=("source:{source}",)):
    """What was left of a lot is worthless."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    expired_at: datetime
    """When, UTC."""
    source: SourceId | None = None
    """What had earned them."""
    rule: Code | None = None
    """Earning rule that had credited them."""


class PointsLost(MemberFact, topic="loyalty.points-lost.v1", also=("source:{source}",)):
    """Points of an undone spend had expired meanwhile: spend-refunded counts them, this says what had earned them."""

    lot: Id
    """The lot."""
    amount: int
    """Points."""
    source: SourceId
    """What had earned them."""
    rule: Code
    """Earning rule that had credited them."""


class PointsClawedBack(MemberFact, topic="loyalty.points-clawed-back.v1", also=("source:{of}",)):
    """Points were taken back because what earned them was returned."""

    source: SourceId
    """The return, or the case that proved false."""
    of: SourceId
    """What had earned them."""
    rule: Code
    """Earning rule that had credited them."""
    period: Period | None = None
    """The calendar year whose tier basis falls; None: they did not count."""
    amount: int
    """Points: the sum of the shares, and what is owed."""
    shares: tuple[Share, ...]
    """Which lots."""
    owed: int
    """Part that made the balance negative."""
    forgiven: int = 0
    """Points that should have come back and, by policy, did not."""
    expired: int = 0
    """Points that had expired unused: nobody has them any more, they count as taken back."""


class DebtFilled(MemberFact, topic="loyalty.debt-filled.v1"):
    """Points that became free filled what the account owed; the balance stays as it was."""

    amount: int
    """Points."""
    shares: tuple[Share, ...]
    """Which lots."""
    owed: int
    """What is still owed."""


class TierChanged(
    MemberFact, topic="loyalty.tier-changed.v1", also=("customer:{customer}",), summary="{before} -> {tier}: {why}"
):
    """A member reached another tier."""

    customer: Id
    """The customer."""
    tier: Code
    """Now."""
    before: Code
    """Until now."""
    basis: int
    """What counts towards tiers, in points earned within the window."""
    period: Period
    """The calendar year that decides whether the tier is kept."""
    review_at: datetime | None
    """When that is looked at, UTC: the end of the year and the grace; None: there is no lower tier."""
    why: Words
    """Which threshold was crossed."""


class TierKept(MemberFact, topic="loyalty.tier-kept.v1", also=("customer:{customer}",)):
    """A year ended and the member keeps the tier."""

    customer: Id
    """The customer."""
    tier: Code
    """The tier."""
    basis: int
    """Points that counted in the year that ended."""
    period: Period
    """The next year that decides."""
    review_at: datetime
    """When that is looked at, UTC."""


class HandoverOffered(MemberFact, topic="loyalty.handover-offered.v1", also=("case:{case}",), summary="{why}"):
    """A complaint ended well: the customer is handed over from complaint to loyalty, once per case."""

    customer: Id
    """The customer."""
    case: Id
    """The case."""
    why: Words
    """Resolved, no breach or a kept recovery, CSAT."""


class GrantRequested(
    Event, topic="loyalty.grant-requested.v1", stream="case:{case}", also=("grant:{grant}",), subject="by"
):
    """An agent wants to make good a bad experience and is above the own limit: somebody approves."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    amount: int
    """Points."""
    severity: Severity
    """How bad it was."""
    by: Id
    """Agent id."""
    team: Code | None = None
    """Team whose budget it would be taken from."""
    reason: Personal
    """Why."""


class GrantApproved(
    Event,
    topic="loyalty.grant-approved.v1",
    stream="case:{case}",
    also=("grant:{grant}", "budget:{budget}"),
    subject="by",
):
    """A service recovery grant: one per case."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    amount: int
    """Points."""
    severity: Severity
    """How bad it was."""
    by: Id
    """Who approved; the asking agent within the own limit."""
    team: Code | None
    """Team whose budget it is taken from."""
    budget: Code
    """The budget: team and month, billing/2026-10; 'none' stands for no team."""
    reason: Personal | None = None
    """Why, where nobody else had to approve."""


class GrantRefused(Event, topic="loyalty.grant-refused.v1", stream="case:{case}", also=("grant:{grant}",)):
    """A grant was not given."""

    grant: Id
    """The grant."""
    case: Id
    """The case."""
    customer: Id
    """The customer."""
    amount: int
    """Points that it would have been."""
    severity: Severity
    """How bad it was."""
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


class PurchaseHeld(Event, topic="loyalty.purchase-held.v1", stream="contact:{contact}", also=("purchase:{purchase}",)):
    """The buyer is not a member yet: the purchase waits for the enrolment."""

    contact: Id
    """The buyer's contact point."""
    purchase: Id
    """The purchase."""
    until: datetime
    """How long it waits, UTC, exclusive."""


class EnrolMember(Event, topic="to.loyalty.enrol-member.v1", stream="contact:{contact}"):
    """A command: the customer behind a contact point joins. Refused for one unknown to intake and for a member."""

    contact: Id
    """The contact point."""


class SpendPoints(MemberFact, topic="to.loyalty.spend-points.v1"):
    """A command: spend points, all or nothing. Refused above the balance and while points are owed."""

    amount: int = Field(ge=1, le=10**12)
    """Points."""
    what: Code
    """What for."""


class RefundSpend(MemberFact, topic="to.loyalty.refund-spend.v1", also=("spend:{spend}",)):
    """A command: undo a spend. Refused when there is no such spend of this member, or when it is undone already."""

    spend: Id
    """The spend."""


class RequestGrant(Event, topic="to.loyalty.request-grant.v1", stream="case:{case}", subject="by"):
    """A command: make good a bad experience with points. Refused when the case has a grant."""

    case: Id
    """The case."""
    severity: Severity
    """How bad it was."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why."""


class ApproveGrant(Event, topic="to.loyalty.approve-grant.v1", stream="grant:{grant}"):
    """A command: give what an agent asked for. Refused to the same agent, above the own limit and the team's budget."""

    grant: Id
    """The grant."""
    by: Id
    """Agent id of who approves."""


class RefuseGrant(Event, topic="to.loyalty.refuse-grant.v1", stream="grant:{grant}"):
    """A command: do not give what an agent asked for."""

    grant: Id
    """The grant."""
    by: Id
    """Agent id of who refuses."""
