"""What HTTP of loyalty takes and gives. Points are whole numbers, money is in minor units, instants are UTC."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.common import ContactKind, Money
from contracts.loyalty import Severity
from shared.core.event import Code, Id, Value
from shared.core.instants import Instant
from shared.edge.bodies import WHOLE


class Address(Value):
    """A contact point as people write it."""

    kind: ContactKind = "mail"
    address: Annotated[str, Field(min_length=1, max_length=320, examples=["ayse@example.com"])]


class Spending(Value):
    amount: Annotated[int, Field(ge=1, le=10**12), WHOLE]
    """Points."""
    what: Code


class Granting(Value):
    severity: Severity
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Buying(Address):
    purchase: Id
    amount: Annotated[Money, WHOLE]
    """Minor units."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    bought_at: Instant
    """ISO 8601 with an offset; at most five minutes ahead of us."""
    labels: tuple[Code, ...] = ()


class Returning(Value):
    returned: Id
    """Number of the return."""
    amount: Annotated[Money, Field(ge=1), WHOLE]
    """Value of what came back, minor units."""


class LotOut(Value):
    lot: str
    state: Literal["pending", "active"]
    left: int
    rule: str
    source: str
    earned_at: datetime
    activates_at: datetime
    expires_at: datetime | None


class MemberOut(Value):
    """An account as it stands; points are whole numbers."""

    member: str
    programme: str
    tier: str
    enrolled_at: datetime
    balance: int
    """What can be spent; negative while points are owed."""
    pending: int
    owed: int
    lifetime: int
    period: str
    """The calendar year that counts now."""
    basis: int
    """Points that count towards tiers in it."""
    next_tier: str | None
    to_next: int
    """Points to the next tier; 0 when there is none."""
    to_stay: int
    """Points to keep the tier in this year."""
    review_at: datetime | None
    """When the tier is looked at."""
    lots: list[LotOut]


class MovementOut(Value):
    """One row of the ledger."""

    row: int
    at: datetime
    movement: str
    balance: int
    """Change of the balance."""
    pending: int
    """Change of what is pending."""
    source: str
    lots: dict[str, int]
    why: str


class Enrolled(Value):
    member: str
    tier: str


class Spent(Value):
    spend: str
    amount: int


class Refunded(Value):
    spend: str
    returned: int
    lost: int
    """Points whose lot had expired."""


class GrantOut(Value):
    grant: str
    state: Literal["approved", "requested", "refused"]
    amount: int
    why: str | None = None
    """Why it was refused."""


class Heard(Value):
    position: int
    """Where loyalty recorded it; 0: it was known."""


class ProgrammeOut(Value):
    """The programme's totals in points; liability is what free and pending points are worth, in minor units."""

    programme: str
    version: int
    members: int
    earned: int
    active: int
    pending: int
    owed: int
    spent: int
    expired: int
    clawed_back: int
    cancelled: int
    liability: int
    currency: str
