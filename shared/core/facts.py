"""What every service says, and what every service may be asked."""

from datetime import datetime
from typing import Annotated, Literal

from shared.core.event import Code, Event, Id
from shared.core.personal import Of, Open, Personal

from .parts import Words

Document = Annotated[
    str, Open("a policy document, checked against its model: rules and texts of the company, no customer's")
]
Stream = Annotated[str, Open("the name of a stream: a kind and an id")]


class PolicyPublished(Event, topic="kernel.policy-published.v1", stream="policy:{service}/{name}", subject="by"):
    """A version of a policy document is in force from here on."""

    service: Code
    """The service whose policy it is."""
    name: Code
    """Kind of the document, or kind/name where there are several: targets, calendar/tr."""
    version: int
    """1, 2, 3 ... of this name."""
    document: Document
    """JSON text of the whole document."""
    by: Id
    """Agent id of the author, or 'shipped' for the default that comes with the service."""
    reason: Annotated[Personal, Of("by")]
    """Why, in the author's words."""


class PublishPolicy(Event, topic="to.kernel.publish-policy.v1", stream="policy:{service}/{name}", subject="by"):
    """A command: put this document in force. Refused when the document does not pass its model."""

    service: Code
    """The service whose policy it is."""
    name: Code
    """Kind of the document, or kind/name."""
    document: Document
    """JSON text of the whole document."""
    by: Id
    """Agent id of the author."""
    reason: Annotated[Personal, Of("by")]
    """Why, in the author's words."""


class DeadlineReached(Event, topic="kernel.deadline-reached.v1", stream="{of}"):
    """A deadline that this log armed is due; its instant is ``due``, however late it is heard."""

    key: Annotated[str, Open("the name that the projection gave the deadline: ids and codes")]
    """Name of the deadline."""
    of: Stream
    """The stream that armed it."""
    kind: Code
    """What is due."""
    due: datetime
    """The instant, UTC."""


class EventParked(Event, topic="kernel.event-parked.v1", stream="parked:{of}"):
    """A fact that a rule could not take in was set aside; later events of its stream wait behind it."""

    of: Stream
    """The stream that is parked."""
    parked: Id
    """Id of the parked event."""
    parked_topic: Annotated[str, Open("a topic")]
    """Its topic."""
    reason: Literal["rule-raised", "unreadable", "causation-too-deep", "behind-a-parked-event"]
    """Why."""
    error: Annotated[str, Open("class of an exception, never its text")]
    """Class of the error; '' when there was none."""
    where: Annotated[str, Open("file and line of our own code")]
    """Where it was raised."""
    remedy: Words
    """What to do."""
    deadline: Annotated[str, Open("the name that the projection gave a deadline: ids and codes")] = ""
    """Name of the deadline whose reaching is parked: it is armed no more; '' when it was something else."""


class EventUnparked(Event, topic="kernel.event-unparked.v1", stream="parked:{of}"):
    """A parked event was heard again and went through."""

    of: Stream
    """The stream."""
    parked: Id
    """Id of the event that had been parked."""


class Unreadable(Event, topic="kernel.unreadable.v1", stream="unreadable:{source}", subject="quarantine"):
    """A message that could not be read: kept sealed under the quarantine key of its month, destroyed 30
    days after the month ended."""

    source: Code
    """Who sent it."""
    claimed: Annotated[str, Open("a topic, cut to 128 characters of [a-z0-9.-]")]
    """The topic it claimed to have; '' when not even that could be read."""
    quarantine: Id
    """Name of the quarantine key: one a month."""
    content: Personal
    """The bytes, base64."""


class EpochBegan(Event, topic="kernel.epoch-began.v1", stream="epoch:{epoch}"):
    """The log was restored from a backup and goes on above the highest position that anybody knows of."""

    epoch: int
    """Number of the new epoch."""
    restored_to: int
    """Last position that the backup held."""
    lost_from: int
    """First position that is missing."""
    lost_to: int
    """Last position that anybody knew of."""


class EpochReconciled(Event, topic="kernel.epoch-reconciled.v1", stream="epoch:{epoch}"):
    """What was lost when this epoch began is settled: what others held of it was brought back into the log, or is
    given up."""

    epoch: int
    """Number of the epoch."""
    recovered: int
    """How many events were brought back, at new positions and under their old ids."""
    given_up: int
    """How many that others hold were not: they were given up, or said anew before they could be brought back."""
