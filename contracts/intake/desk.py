"""What people ask intake to do with a case."""

from shared.core.event import Code, Event, Id
from shared.core.personal import Personal
from shared.core.vocabulary import Outcome

from ..common import Count


class Reply(Event, topic="to.intake.reply.v1", stream="case:{case}"):
    """A command: answer in public."""

    case: Id
    """The case."""
    contact: Id
    """To whom: contact point of the case, whose key protects the text."""
    by: Id
    """Agent id."""
    text: Personal
    """The answer."""
    template: Code | None = None
    """Answer template that was used."""
    expected_version: Count | None = None
    """Version of the case that the answer was written against; a stale one is refused."""
    status: Code | None = None
    """Status afterwards, such as waiting_customer."""


class AddNote(Event, topic="to.intake.add-note.v1", stream="case:{case}"):
    """A command: write something that the customer does not see."""

    case: Id
    """The case."""
    contact: Id
    """The case's contact point: data subject of the note."""
    by: Id
    """Agent id."""
    text: Personal
    """The note."""


class ChangeStatus(Event, topic="to.intake.change-status.v1", stream="case:{case}", subject="by"):
    """A command: set the company's own status."""

    case: Id
    """The case."""
    status: Code
    """Name of the status in the policy."""
    by: Id
    """Agent id."""
    reason: Personal | None = None
    """Why."""


class Resolve(Event, topic="to.intake.resolve.v1", stream="case:{case}"):
    """A command: the case is solved."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""
    outcome: Outcome
    """How it ended."""
    cause: Code | None = None
    """Root cause from the company's list; a recovery must have one."""
    action: Code | None = None
    """What was done about it; a recovery must have one."""
    expected_version: Count | None = None
    """Version of the case that was looked at; a stale one is refused."""


class Confirm(Event, topic="to.intake.confirm.v1", stream="case:{case}"):
    """A command: the customer says whether the case is solved."""

    case: Id
    """The case."""
    contact: Id
    """Who says it."""
    solved: bool
    """Yes closes, no reopens."""
    text: Personal | None = None
    """In the customer's words."""


class Close(Event, topic="to.intake.close.v1", stream="case:{case}", subject="by"):
    """A command of a supervisor: close without waiting."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why; required."""
    outcome: Outcome | None = None
    """How it ended; required for a case that was not resolved."""


class Reopen(Event, topic="to.intake.reopen.v1", stream="case:{case}"):
    """A command: a resolved or closed case is open again."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""


class LinkCases(Event, topic="to.intake.link-cases.v1", stream="case:{case}", also=("case:{other}",)):
    """A command: two cases belong together."""

    case: Id
    """The case."""
    other: Id
    """The other case."""
    by: Id
    """Agent id."""
