"""What the router remembers of a case and of a customer: codes and ids, folded from what it heard and said."""

from datetime import datetime
from typing import Any

from contracts.classifier import CaseClassified
from contracts.intake import CaseClosed, CaseOpened, CaseReopened, CaseResolved, CustomerKnown, StatusChanged
from contracts.loyalty import MemberEnrolled, TierChanged
from contracts.router import CaseAssigned, CaseDequeued, CaseQueued, CaseUnassigned, CaseWeighed
from contracts.sla import CaseEscalated
from shared.core.event import State
from shared.core.message import Message
from shared.core.vocabulary import Category, Channel, Language, Priority

from .policy import higher, raised

ENDED: frozenset[Category] = frozenset({"resolved", "closed", "merged", "spam"})
WORKED_ON: frozenset[Category] = frozenset({"new", "open"})
SPAM = "spam"


class Labels(State):
    """What the classifier says; None where its guess waits for a person and chooses nothing."""

    kind: str | None
    topic: str | None
    urgency: int | None
    sentiment: str | None
    language: str
    priority: Priority
    tags: tuple[str, ...] = ()


class Placed(State):
    """Where and how a case waits, or waited before it got its owner."""

    queue: str
    priority: Priority
    skills: tuple[str, ...]
    language: Language | None
    weight: int
    since: datetime
    overflow_at: datetime
    sticky: str | None
    excluded: tuple[str, ...]

    @classmethod
    def of(cls, event: CaseQueued) -> "Placed":
        return cls(**{field: getattr(event, field) for field in cls.model_fields})


class CustomerState(State):
    """A customer as the routing policy sees them."""

    tier: str | None = None


class CaseState(State):
    """A case as the router knows it."""

    number: str = ""
    customer: str = ""
    contact: str = ""
    channel: Channel = "web"
    organisation: str | None = None
    recovery: bool = False
    category: Category = "new"
    labels: Labels | None = None
    vouched: bool = False
    """A person said that it is no spam."""
    raises: tuple[str, ...] = ()
    """Escalations that raised the priority."""
    raised_from: Priority | None = None
    escalations: tuple[str, ...] = ()
    """Escalations that moved it to somebody else."""
    pinned: str | None = None
    """Queue that it was put into by hand."""
    placed: Placed | None = None
    owner: str | None = None
    last_owner: str | None = None
    writer: str | None = None
    """The agent who wrote it down for the customer."""

    @property
    def known(self) -> bool:
        return bool(self.customer)

    @property
    def ended(self) -> bool:
        return self.category in ENDED

    @property
    def junk(self) -> bool:
        """Tagged as spam, and nobody vouched for it."""
        return self.labels is not None and SPAM in self.labels.tags and not self.vouched

    @property
    def priority(self) -> Priority:
        """The classifier's, or what escalations raised it to, whichever is higher."""
        said: Priority = self.labels.priority if self.labels else "normal"
        return higher(said, raised(self.raised_from, len(self.raises))) if self.raised_from else said

    def but(self, **values: Any) -> "CaseState":
        return self.model_copy(update=values)


def evolve(state: CaseState | CustomerState, message: Message) -> CaseState | CustomerState:
    if isinstance(state, CustomerState):
        return _customer(state, message.event)
    return _said(_heard(state, message.event), message.event)


def escalation(event: CaseEscalated) -> str:
    """The name of an escalation among those of its case."""
    return f"{event.metric}/{event.cycle}/{event.level}"


def _customer(state: CustomerState, event: Any) -> CustomerState:
    match event:
        case TierChanged() | MemberEnrolled():
            return CustomerState(tier=event.tier)
        case CustomerKnown() if event.tier and not state.tier:
            return CustomerState(tier=event.tier)
    return state


def _heard(state: CaseState, event: Any) -> CaseState:
    match event:
        case CaseOpened() as e:
            return state.but(
                number=e.number, customer=e.customer, contact=e.contact, channel=e.channel, organisation=e.organisation,
                recovery=e.recovery is not None, writer=e.by,
            )  # fmt: skip
        case CaseClassified() as e:
            return state.but(labels=_labels(e), customer=e.customer, contact=e.contact)
        case StatusChanged() as e:
            saved = e.before == SPAM and e.category in WORKED_ON
            return state.but(category=e.category, vouched=state.vouched or saved)
        case CaseResolved():
            return state.but(category="resolved")
        case CaseClosed():
            return state.but(category="closed")
        case CaseReopened() if state.ended:
            return state.but(category="open", raises=(), raised_from=None, escalations=())
        case CaseEscalated(action="raise_priority") as e if not state.ended and escalation(e) not in state.raises:
            return state.but(raises=(*state.raises, escalation(e)), raised_from=state.raised_from or state.priority)
    return state


def _said(state: CaseState, event: Any) -> CaseState:
    match event:
        case CaseQueued() as e:
            by_hand = {"pinned": e.queue, "vouched": True} if e.by else {}
            return state.but(placed=Placed.of(e), **by_hand)
        case CaseDequeued():
            return state.but(placed=None)
        case CaseAssigned() as e:
            return state.but(owner=e.agent, last_owner=e.agent)
        case CaseUnassigned() as e:
            moved = (*state.escalations, e.escalation) if e.escalation else state.escalations
            return state.but(owner=None, escalations=moved)
        case CaseWeighed() as e if e.category in ENDED:
            return state.but(owner=None, placed=None)
    return state


def _labels(event: CaseClassified) -> Labels:
    urgency = event.urgency.chosen
    return Labels(
        kind=event.kind.chosen, topic=event.topic.chosen, urgency=int(urgency) if urgency else None,
        sentiment=event.sentiment.chosen, language=event.language.value, priority=event.priority, tags=event.tags,
    )  # fmt: skip
