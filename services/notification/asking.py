"""Who is meant by a rule, whether a notice to him is queued or withheld, in which language, and not before when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.common import Language
from contracts.intake import ReplySent
from contracts.notification import NoticeQueued, NoticeWithheld, Withholding
from shared.calendar import NoOpenTime, next_opening
from shared.events import Event, Message
from shared.world import World

from .policy import Rule, Templates
from .states import STATES, Contact

NOBODY = "nobody"
"""Recipient of a notice that nobody could be found for."""


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
        contact = contact if customer is None or world[f"contact:{contact}"].kind == "mail" else None
    if contact is None and customer:
        contact = world[f"customer:{customer}"].contact
    if contact is None and (case := getattr(event, "case", None)):
        contact = world[f"case:{case}"].contact
    return contact


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
class Asked:
    """A rule asks for a notice to a contact."""

    world: World
    message: Message
    policy: Templates
    rule: Rule
    contact: str

    def say(self) -> Iterator[Event]:
        cause = self.message.retry_of or self.message.id
        notice = notice_id(self.contact, str(cause), self.rule.template)
        if self.world.new(f"notice:{notice}").phase != "none":
            return
        event = self.message.event
        fact: dict[str, Any] = {
            "notice": notice, "contact": self.contact, "template": self.rule.template,
            "case": getattr(event, "case", None), "cause": str(cause), "cause_topic": event.TOPIC,
            "message": event.message if isinstance(event, ReplySent) else None,
        }  # fmt: skip
        if reason := self._against():
            yield NoticeWithheld(**fact, withheld=Withholding.model_validate({"reason": reason}))
            return
        not_before = self._opening(self.message.heard_at)
        yield NoticeQueued(
            **fact, template_version=self.world.policy("templates").version, template_class=self.rule.kind,
            channel="email", language=self._language(), not_before=not_before,
            not_after=not_before + timedelta(seconds=self.rule.not_after), automatic=self.rule.automatic,
            acknowledgement=self.rule.acknowledgement, cause_row=self.message.row,
        )  # fmt: skip

    @property
    def _state(self) -> Contact:
        state: Contact = self.world[f"contact:{self.contact}"]
        return state

    @property
    def _agent(self) -> str | None:
        return self.contact.removeprefix("agent:") if self.contact.startswith("agent:") else None

    def _against(self) -> str | None:
        """The reason not to send it, the first that holds."""
        rule, state = self.rule, self._state
        age = self.message.heard_at - self.message.occurred_at
        if age > timedelta(seconds=rule.not_after):
            return "stale"
        if not self._reachable():
            return "no-address"
        if rule.can_be_muted and rule.template in state.muted:
            return "opted-out"
        if rule.kind == "commercial" and "email" not in state.consents:
            return "no-consent"
        if self._agent or not rule.can_be_muted:
            return None
        return self._too_much(state)

    def _reachable(self) -> bool:
        """A contact that is not known yet may become known before the mail is sent."""
        if self._agent:
            row = self.world.table("staff").get(self._agent)
            return bool(row and row["active"])
        return self.contact != NOBODY and self._state.kind in (None, "mail")

    def _too_much(self, state: Contact) -> str | None:
        volume = self.policy.volume
        since = self.message.heard_at - timedelta(seconds=volume.window)
        if state.bounced or (state.answers_itself and state.answers_itself > since):
            return "suppressed"
        recent = [one for one in state.automatic if one.at > since]
        case = getattr(self.message.event, "case", None)
        thread = [one for one in recent if one.acknowledgement and one.case == case]
        if self.rule.acknowledgement and len(thread) >= volume.acknowledgements_per_thread:
            return "volume-thread"
        return "volume-address" if len(recent) >= volume.automatic_per_contact else None

    def _language(self) -> Language:
        """The recipient's choice, the event's, the recipient's as known, the case's; for another one English."""
        event, state = self.message.event, self._state
        if self._agent:
            row = self.world.table("staff").get(self._agent)
            return spoken(state.preferred) or spoken(row["language"] if row else None) or self.policy.language
        case = self.world[f"case:{event.case}"].language if getattr(event, "case", None) else None
        for language in (state.preferred, getattr(event, "language", None), state.language, case):
            if language:
                return spoken(language) or "en"
        return self.policy.language

    def _opening(self, at: datetime) -> datetime:
        return opening(self.world, self.policy, self.rule, self.contact, at)


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
