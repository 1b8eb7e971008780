"""intake decides: which rule of which page answers what was heard."""

from collections.abc import Iterable

from contracts.classifier import CaseClassified
from contracts.feedback import RecoveryOpened
from contracts.intake import (
    AddNote,
    ChangeConsent,
    ChangeStatus,
    Close,
    Confirm,
    DismissMessage,
    EraseCustomer,
    EraseMessage,
    KeysDestroyed,
    LinkCases,
    MailReceived,
    MailUnreadable,
    MessageKeyDestroyed,
    ReleaseMessage,
    Reopen,
    Reply,
    Resolve,
    RotationTried,
)
from contracts.notification import NoticeBounced
from contracts.outside import CaseSubmitted, ConsentChanged, CustomerChanged, MessageSubmitted
from contracts.router import CaseAssigned
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.world import Decider, World

from . import aside, customers, desk, mailbox
from . import lifecycle as life
from .state import STATES, evolve


def decide(world: World, message: Message) -> Iterable[Event]:
    """What is said because of what was heard."""
    match message.event:
        case CaseSubmitted() as e:
            return life.submitted(world, message, e)
        case MessageSubmitted() as e:
            return life.message_submitted(world, message, e)
        case MailReceived() as e:
            return mailbox.received(world, message, e)
        case MailUnreadable() as e:
            return mailbox.unreadable(world, message, e)
        case ReleaseMessage() as e:
            return aside.release(world, message, e)
        case DismissMessage() as e:
            return aside.dismiss(world, e)
        case EraseMessage() as e:
            return aside.check_erasure(world, e)
        case MessageKeyDestroyed() as e:
            return aside.certify(world, e)
        case CustomerChanged() as e:
            return customers.hear_customer(world, message, e)
        case ConsentChanged() as e:
            return customers.hear_consent(world, message, e)
        case ChangeConsent() as e:
            return customers.change_consent(world, e)
        case EraseCustomer() as e:
            return customers.check_erasure(world, e)
        case KeysDestroyed() as e:
            return customers.certify(world, message, e)
        case RotationTried() as e:
            return customers.rotated(e)
        case NoticeBounced() as e:
            return customers.hear_bounce(world, e)
        case Reply() as e:
            return desk.reply(world, message, e)
        case AddNote() as e:
            return desk.note(world, e)
        case ChangeStatus() as e:
            return desk.change_status(world, e)
        case Resolve() as e:
            return desk.resolve(world, message, e)
        case Confirm() as e:
            return desk.confirm(world, message, e)
        case Close() as e:
            return desk.close(world, e)
        case Reopen() as e:
            return desk.reopen(world, e)
        case LinkCases() as e:
            return desk.link(world, e)
        case CaseClassified() as e:
            return life.classified(world, e)
        case CaseAssigned() as e:
            return life.assigned(world, e)
        case RecoveryOpened() as e:
            return life.recovery_opened(world, message, e)
        case DeadlineReached() as e:
            return life.gone_quiet(world, e)
    return ()


decider = Decider(STATES, evolve, decide)
