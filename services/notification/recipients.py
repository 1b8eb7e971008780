"""Who is meant by a rule, whether a notice to them is queued or withheld, in which language, and not before when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.feedback import SurveyInvited
from contracts.intake import CaseOpened, CaseResolved, ReplySent
from contracts.notification import NoticeQueued, NoticeWithheld, Withholding
from shared.core.calendar import NoOpenTime, next_opening
from shared.core.event import Event
from shared.core.message import Message
from shared.core.vocabulary import Channel, Language
from shared.core.world import World

from .policy import Rule, Templates
from .state import STATES, Case, Contact, Opening

NOBODY = "nobody"
"""Recipient of a notice that nobody could be found for."""
CARRIED: tuple[Channel, ...] = ("social", "sms", "chat", "api")
"""Channels whose answers another system carries that hears reply-sent; notification itself sends mail."""
DECIDED = (CaseResolved.TOPIC, SurveyInvited.TOPIC)
"""What follows from what a person decided: it is counted, and no volume holds it back."""


class Queues(BaseModel):
    """What notification reads of the router's policy: who owns a queue."""

    class Queue(BaseModel):
        owner: str | None = None

    queues: Mapping[str, Queue] = {}


def notice_id(contact: str, cause: str, template: str) -> str:
    """SHA-256 of the three, in the form of a UUID: a repeat or a replay comes to the same one."""
    return str(UUID(bytes=sha256(f"{contact}|{cause}|{template}".encode()).digest()[:16], version=5))


def recipients(world: World, rule: Rule, event: Event) -> list[str]:
    """The contacts of a rule's recipient; NOBODY where there is none."""
    meant = getattr(event, "target", None) if rule.recipient == "target" else rule.recipient
    found = [_customer_of(world, event)] if meant == "contact" else [
        f"agent:{agent}" for agent in _agents(world, str(meant), event)
    ]  # fmt: skip
    return [contact for contact in found if contact] or [NOBODY]


def _customer_of(world: World, event: Event) -> str | None:
    contact, customer = getattr(event, "contact", None), getattr(event, "customer", None)
    if contact is None and customer is None and (member := getattr(event, "member", None)):
        customer, contact = world[f"member:{member}"].customer, world[f"member:{member}"].contact
    if contact is None and customer:
        contact = world[f"customer:{customer}"].contact
    if contact is None and (case := getattr(event, "case", None)):
        contact, customer = world[f"case:{case}"].contact, world[f"case:{case}"].customer
    return by_mail(world, contact, customer)


def by_mail(world: World, contact: str | None, customer: str | None) -> str | None:
    """The contact point itself where it is a mail address or not known yet; else the customer's mail address, where
    there is one."""
    if contact is not None and world[f"contact:{contact}"].kind in (None, "mail"):
        return contact
    other: str | None = world[f"customer:{customer}"].contact if customer else None
    return other or contact


def _agents(world: World, meant: str, event: Event) -> list[str]:
    """Agent ids. Without an owner the queue's owner is meant; without one of those the owner's manager."""
    case = world[f"case:{event.case}"] if getattr(event, "case", None) else STATES["case"]  # type: ignore[attr-defined]
    owner = getattr(event, "agent", None) or case.owner
    row = world.table("staff").get(owner) if owner else None
    manager = row["manager"] if row else None
    queue_owner = getattr(event, "owner", None) or _queue_owner(world, getattr(event, "queue", None) or case.queue)
    if meant == "team":
        return [agent for agent, member in world.table("staff") if member["active"] and case.team in member["teams"]]
    order = {"owner": (owner, queue_owner), "manager": (manager, queue_owner), "queue_owner": (queue_owner, manager)}
    return [agent for agent in order[meant] if agent][:1]


def _queue_owner(world: World, queue: str | None) -> str | None:
    if queue is None or not world.has_policy("routing"):
        return None
    known: Queues = world.policy("routing").document
    return known.queues[queue].owner if queue in known.queues else None


# whether and when --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Cause:
    """What asks for a notice: an event, or the opening of a case that has been classified since."""

    id: str
    topic: str
    row: int
    at: datetime
    case: str | None
    language: str | None = None
    channel: str | None = None
    message: str | None = None
    fresh: bool = True
    """Whether nothing can be recorded of its notices yet."""

    @classmethod
    def of(cls, message: Message) -> "Cause":
        event = message.event
        return cls(
            str(message.retry_of or message.id), event.TOPIC, message.row, message.occurred_at,
            getattr(event, "case", None), getattr(event, "language", None), getattr(event, "channel", None),
            event.message if isinstance(event, ReplySent) else None,
        )  # fmt: skip

    @classmethod
    def of_opening(cls, case: str, opening: Opening, *, fresh: bool) -> "Cause":
        known = opening.facts
        return cls(
            opening.id, CaseOpened.TOPIC, opening.row, opening.at, case, known.get("language"), known.get("channel"),
            fresh=fresh,
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A rule asks for a notice to a contact, at ``heard_at``."""

    world: World
    heard_at: datetime
    policy: Templates
    rule: Rule
    contact: str
    cause: Cause

    def say(self) -> Iterator[Event]:
        cause, notice = self.cause, notice_id(self.contact, self.cause.id, self.rule.template)
        stream = f"notice:{notice}"
        if (self.world.new(stream) if cause.fresh else self.world[stream]).phase != "none":
            return
        fact: dict[str, Any] = {
            "notice": notice, "contact": self.contact, "template": self.rule.template, "case": cause.case,
            "cause": cause.id, "cause_topic": cause.topic, "message": cause.message,
        }  # fmt: skip
        if reason := self._against():
            yield NoticeWithheld(**fact, withheld=Withholding.model_validate({"reason": reason}))
            return
        not_before = opening(self.world, self.policy, self.rule, self.contact, self.heard_at)
        yield NoticeQueued(
            **fact, template_version=self.world.policy("templates").version, template_class=self.rule.kind,
            channel="email", language=self._language(), not_before=not_before,
            not_after=not_before + timedelta(seconds=self.rule.not_after), automatic=self.rule.automatic,
            acknowledgement=self.rule.acknowledgement, cause_row=cause.row, copies=tuple(self._copies()),
            thread=() if self._agent else self._case.thread,
        )  # fmt: skip

    @property
    def _state(self) -> Contact:
        state: Contact = self.world[f"contact:{self.contact}"]
        return state

    @property
    def _case(self) -> Case:
        state: Case = self.world[f"case:{self.cause.case}"] if self.cause.case else STATES["case"]
        return state

    @property
    def _agent(self) -> str | None:
        return self.contact.removeprefix("agent:") if self.contact.startswith("agent:") else None

    def _against(self) -> str | None:
        """The reason not to send it, the first that holds."""
        rule, state = self.rule, self._state
        if self.heard_at - self.cause.at > timedelta(seconds=rule.not_after):
            return "stale"
        if not self._reachable():
            carried = self.cause.topic == ReplySent.TOPIC and self.cause.channel in CARRIED
            return "other-channel" if carried else "no-address"
        if rule.can_be_muted and rule.template in state.muted:
            return "opted-out"
        if rule.kind == "commercial" and "email" not in state.consents:
            return "no-consent"
        if self._agent or not rule.can_be_muted:
            return None
        if came_back(self._case, self.contact, state):
            return "suppressed"
        return (self._unwanted(state) if rule.acknowledgement else None) or self._too_much(state)

    def _reachable(self) -> bool:
        """A contact that is not known yet may become known before the mail is sent."""
        if self._agent:
            row = self.world.table("staff").get(self._agent)
            return bool(row and row["active"])
        return self.contact != NOBODY and self._state.kind in (None, "mail")

    def _unwanted(self, state: Contact) -> str | None:
        """Why nothing that only says that something arrived is to answer this thread at present."""
        at, case = self.heard_at, self._case
        if case.silent or case.spam:
            return "silent" if case.silent else "spam"
        away = state.away.get(self.cause.case or "")
        answered_itself = away is not None and at < away + timedelta(seconds=self.policy.volume.away)
        suspected = state.loops_until is not None and at < state.loops_until
        return "suppressed" if answered_itself or suspected else None

    def _too_much(self, state: Contact) -> str | None:
        volume = self.policy.volume
        since = self.heard_at - timedelta(seconds=volume.window)
        recent = [one for one in state.automatic if one.at > since]
        thread = [one for one in recent if one.acknowledgement and one.case == self.cause.case]
        if self.rule.acknowledgement and len(thread) >= volume.acknowledgements_per_thread:
            return "volume-thread"
        held = len(recent) >= volume.automatic_per_contact and self.cause.topic not in DECIDED
        return "volume-address" if held else None

    def _copies(self) -> Iterator[str]:
        """Participants of the case who can be written to, where the rule writes to them too."""
        for contact, since in self._case.participants.items() if self.rule.copies and not self._agent else ():
            known: Contact = self.world[f"contact:{contact}"]
            gone = known.forgotten is not None and known.forgotten > since
            muted = self.rule.can_be_muted and self.rule.template in known.muted
            unwanted = gone or muted or came_back(self._case, contact, known)
            if contact != self.contact and known.kind == "mail" and not unwanted:
                yield contact

    def _language(self) -> Language:
        """The recipient's choice, the event's, the recipient's as known, the case's as classified; for another one
        English."""
        state = self._state
        if self._agent:
            row = self.world.table("staff").get(self._agent)
            return spoken(state.preferred) or spoken(row["language"] if row else None) or self.policy.language
        for language in (state.preferred, self.cause.language, state.language, self._case.language):
            if language:
                return spoken(language) or "en"
        return self.policy.language


def came_back(case: Case, contact: str, state: Contact) -> bool:
    """Whether mails to a contact point come back, as far as is known: who wrote since can be written to again."""
    wrote_since = case.wrote is not None and case.wrote[0] == contact and case.wrote[1] > (state.bounced or 0)
    return state.bounced is not None and not wrote_since


def opening(world: World, policy: Templates, rule: Rule, contact: str, at: datetime) -> datetime:
    """The first instant from ``at`` on at which this recipient may be sent this."""
    if rule.kind == "critical" or rule.hours == "always":
        return at
    if contact.startswith("agent:"):
        name = f"calendar/{policy.staff.calendar}"
        try:
            return next_opening(world.policy(name).document, at) if world.has_policy(name) else at
        except NoOpenTime:  # a calendar that never opens again holds nobody's notices back
            return at
    state: Contact = world[f"contact:{contact}"]
    return policy.customer_opening(policy.zone(state.preferred or state.language, state.zone), at)


def spoken(code: str | None) -> Language | None:
    return "tr" if code == "tr" else "en" if code in ("en", "other") else None
