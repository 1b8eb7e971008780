"""The rules of sla: what is said of a case's clocks because of what was heard (spec: sla)."""

from collections.abc import Iterator

from contracts.classifier import CaseClassified
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    MessageReceived,
    ReplySent,
    StatusChanged,
)
from contracts.notification import NoticeBounced, NoticeFailed, NoticeWithheld, Withholding
from contracts.router import CaseAssigned
from contracts.sla import ApplyTargets, Metric, ReplyUndelivered, TargetsApplied
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.world import Decider, NotLoaded, Refused, World

from .case_clocks import VOID, Watch
from .state import Case, Customer, evolve


def decide(world: World, message: Message) -> Iterator[Event]:
    """Everything that is said because of one message."""
    match message.event:
        case NoticeWithheld(withheld=Withholding(reason="other-channel")):
            return iter(())  # whoever carries that channel delivers it
        case (
            NoticeBounced(case=str() as case, message=str() as reply)
            | NoticeWithheld(case=str() as case, message=str() as reply)
        ):
            return _undelivered(world, message, case, reply)
        case NoticeFailed(case=str() as case, message=str() as reply, next_attempt=None):
            return _undelivered(world, message, case, reply)
        case DeadlineReached() as e:
            return _deadline(world, message, e)
        case ApplyTargets() as e:
            return _apply(world, message, e.policy)
        case (
            CaseOpened() | CaseClassified() | CaseAssigned() | MessageReceived() | ReplySent() | StatusChanged()
            | CaseResolved() | CaseClosed() | CaseReopened()
        ) as e:  # fmt: skip
            return _of_case(Watch(world, message, e.case), e)
    return iter(())


def _of_case(watch: Watch, event: Event) -> Iterator[Event]:
    match event:
        case CaseOpened() as e:
            for metric in ("first_response", "resolution"):
                yield from watch.start(metric, e.received_at or watch.at)
            if e.received_at:
                yield from watch.catch_up_all()
        case CaseClassified() | CaseAssigned():
            if watch.case.facts != watch.case.before:
                for name in watch.names():
                    yield from watch.retarget(name)
        case MessageReceived(acknowledgement=False) as e:
            yield from watch.catch_up_all()
            yield from watch.await_answer(e.received_at or watch.at)
        case ReplySent(message=reply):
            yield from _replied(watch, reply)
        case StatusChanged() as e:
            yield from _status_changed(watch, e)
        case CaseResolved():
            for name in watch.names("first_response", "next_response"):
                yield from watch.dismiss(name, "resolved", watch.at)
            for name in watch.names("resolution"):
                yield from watch.fulfil(name, watch.at)
        case CaseClosed():
            for name in watch.names():
                yield from watch.dismiss(name, "closed", watch.at)
        case CaseReopened():
            yield from _reopened(watch)


def _replied(watch: Watch, reply: str) -> Iterator[Event]:
    for name in watch.names("resolution"):
        yield from watch.catch_up(name, watch.at)
    for clock in (*watch.case.of("first_response"), *watch.case.of("next_response")):
        yield from watch.fulfil(clock.name, watch.at, reply)


def _status_changed(watch: Watch, event: StatusChanged) -> Iterator[Event]:
    match event.category:
        case "spam" | "merged" | "closed" as over:
            for name in watch.names():
                yield from watch.dismiss(name, over, watch.at)
        case category:
            yield from watch.catch_up_all()
            if event.before in VOID:
                for clock in watch.case.clocks:
                    if clock.ended == "cancelled" and clock.why == event.before:
                        yield from watch.resume(clock.name)
            for name in watch.names():
                yield from watch.hold(name, category, watch.at)


def _reopened(watch: Watch) -> Iterator[Event]:
    for clock in watch.case.of("resolution"):
        if clock.ended:
            yield from watch.resume(clock.name)
    if watch.case.unanswered:
        yield from watch.await_answer(watch.case.unanswered)


def _undelivered(world: World, message: Message, case: str, reply: str) -> Iterator[Event]:
    watch = Watch(world, message, case)
    if watch.case.opened_at is None:
        return
    yield ReplyUndelivered(case=case, message=reply)
    for clock in watch.case.clocks:
        if clock.message == reply:
            yield from watch.withdraw(clock.name)


def _deadline(world: World, message: Message, event: DeadlineReached) -> Iterator[Event]:
    case, metric, cycle = event.key.rsplit("/", 2)
    watch = Watch(world, message, case)
    for clock in watch.case.of(_metric(metric)):
        if clock.cycle == int(cycle):
            yield from watch.catch_up(clock.name, event.due)


def _metric(text: str) -> Metric:
    match text:
        case "first_response" | "next_response" | "resolution":
            return text
    raise ValueError(f"{text!r} is not a metric of sla")


def _apply(world: World, message: Message, version: int) -> Iterator[Event]:
    try:
        world.policy("targets", version)
    except LookupError:
        raise Refused(
            "policy-unknown", "policy", f"the policy targets has no version {version}",
            "publish it first, or name one that is published", status=404,
        ) from None  # fmt: skip
    running = [(row["case"], _metric(row["metric"]), row["cycle"]) for _, row in world.table("open_clocks")]
    _load(world, sorted({f"case:{case}" for case, _, _ in running}))
    for case, metric, cycle in running:
        yield from Watch(world, message, case).retarget((metric, cycle), version)
    yield TargetsApplied(policy=version, clocks=len(running))


def _load(world: World, streams: list[str]) -> None:
    """Ask for all that is missing at once, not one by one."""
    missing: list[str] = []
    for stream in streams:
        try:
            world[stream]
        except NotLoaded as error:
            missing += error.streams
    if missing:
        raise NotLoaded(*missing)


decider = Decider({"case": Case(), "customer": Customer()}, evolve, decide)
