"""Whatever happens in whatever order: the floor holds, one answer each, one open recovery for a case."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.feedback import (
    AnswerChanged,
    RecoveryClosed,
    RecoveryFailed,
    RecoveryOpened,
    SurveyAnswered,
    SurveyInvited,
)
from contracts.intake import CaseClosed, StatusChanged
from shared.core.message import Message
from shared.core.world import Refused
from tests.feedback.story import SHIPPED, Story, story

CASES = {"a": "ayse", "b": "ayse", "c": "ayse", "d": "mehmet"}
STEP = st.one_of(
    st.tuples(
        st.sampled_from(["open", "resolve", "reopen", "close", "spam", "carry-out"]), st.sampled_from(sorted(CASES))
    ),
    st.tuples(st.just("pass"), st.integers(1, 60)),
    st.tuples(st.just("sleep"), st.integers(1, 60)),
    st.tuples(st.just("answer"), st.integers(0, 6)),
)


def play(steps: list[tuple[str, object]]) -> tuple[Story, list[tuple[str, Message]]]:
    s = story(
        triggers=[{"name": "t", "survey": "csat", "delay_hours": 1}],
        throttle={"group_days": 0, "global_days": 0},
        recovery={**SHIPPED["recovery"], "delay_hours": 0},
    )
    heard: list[tuple[str, Message]] = []
    apply = s.memory.apply

    def watched(message: Message):  # type: ignore[no-untyped-def]
        heard.append((type(message.event).__name__, message))
        return apply(message)

    s.memory.apply = watched  # type: ignore[method-assign]
    for what, which in steps:
        _step(s, what, which)
    s.passed(days=60)
    return s, heard


def _step(s: Story, what: str, which: object) -> None:
    case = str(which)
    who = CASES.get(case, "ayse")
    match what:
        case "open":
            s.opened(case, who)
        case "resolve":
            s.resolved(case, who)
        case "reopen":
            s.reopened(case, who)
        case "close":
            s.when(
                CaseClosed(case=case, customer=f"c-{who}", contact=f"p-{who}", how="quiet", by="rule", outcome="solved")
            )
        case "spam":
            s.when(StatusChanged(case=case, status="spam", category="spam", before="open", by="a1"))
        case "carry-out":
            for opened in [e for e in s.said if isinstance(e, RecoveryOpened)][-1:]:
                person = opened.customer.removeprefix("c-")
                s.opened("r-" + opened.recovery, person, recovery=opened.recovery)
                s.resolved("r-" + opened.recovery, person, recovery=opened.recovery, cause="x", action="y")
        case "pass":
            s.passed(hours=int(case))
        case "sleep":
            s.later(hours=int(case))
        case _:
            for asked in [e for e in s.said if isinstance(e, SurveyInvited)][-2:]:
                for score in (int(case), 6 - int(case)):
                    with suppress(Refused):
                        s.answered(score, asked.survey, who=asked.contact.removeprefix("p-"))


@settings(max_examples=120, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_random_histories_keep_the_promises(steps: list[tuple[str, object]]) -> None:
    s, heard = play(steps)
    for person in ("c-ayse", "c-mehmet"):
        at = [m.heard_at for name, m in heard if name == "SurveyInvited" and m.event.customer == person]
        assert all(later - earlier >= timedelta(hours=24) for earlier, later in pairwise(at))
    answers = Counter(e.survey for e in s.said if isinstance(e, SurveyAnswered))
    assert all(count == 1 for count in answers.values())
    assert all(answers[e.survey] == 1 for e in s.said if isinstance(e, AnswerChanged))
    _one_open_recovery_for_a_case(s)


def _one_open_recovery_for_a_case(s: Story) -> None:
    still: dict[str, str] = {}
    for event in s.said:
        match event:
            case RecoveryOpened() as e:
                assert still.setdefault(e.case, e.recovery) == e.recovery
                assert e.round <= SHIPPED["recovery"]["rounds"]
            case RecoveryClosed() | RecoveryFailed():
                assert still.pop(event.case) == event.recovery
