"""What agents, supervisors and customers may do with a case, and what they are told when they may not."""

from typing import Any

import pytest

from contracts.intake import (
    AddNote,
    CaseResolved,
    ChangeStatus,
    Close,
    Confirm,
    CustomerKnown,
    LinkCases,
    Reopen,
    Reply,
    ReplySent,
    StatusChanged,
)
from shared.core.event import Event
from shared.core.world import Refused
from tests.intake.words import ALI, AYSE, case_in, complaint, opened, recovery, resolve, with_case, with_resolved, wrote
from tests.scene import Scene, names


def reply(case: str, **more: Any) -> Reply:
    return Reply(**{"case": case, "contact": AYSE, "by": "agent:1", "text": "Bakıyoruz", **more})


def refusal(at: Scene, command: Event) -> Refused:
    with pytest.raises(Refused) as refused:
        at.when(command, command=True)
    return refused.value


def test_the_first_reply_says_so_and_opens_a_new_case() -> None:
    at, opening = with_case()
    said = at.when(reply(opening.case))
    assert names(said) == ["reply-sent", "status-changed"]
    assert names(at.when(reply(opening.case))) == ["reply-sent"]
    assert [e.first for e in at.said if isinstance(e, ReplySent)] == [True, False]


@pytest.mark.parametrize("channel", ["phone", "web", "email"])
@pytest.mark.parametrize(("kind", "way"), [("phone", "a phone number"), ("handle", "a handle"), ("number", "number")])
def test_a_reply_that_nobody_would_get_is_refused_with_the_ways_that_are_known(
    channel: str, kind: str, way: str
) -> None:
    at, opening = with_case(channel=channel, contact_kind=kind, address="+905321234567")
    refused = refusal(at, reply(opening.case))
    assert (refused.code, refused.status) == ("unreachable", 409)
    assert way in refused.text


@pytest.mark.parametrize("channel", ["social", "sms", "chat", "api"])
def test_a_reply_that_another_system_carries_is_taken(channel: str) -> None:
    at, opening = with_case(channel=channel, contact_kind="handle", address="ayse")
    assert "reply-sent" in names(at.when(reply(opening.case)))


@pytest.mark.parametrize("channel", ["phone", "web", "social"])
def test_a_customer_with_a_mail_address_is_answered_whatever_the_case_came_by(channel: str) -> None:
    at, opening = with_case(channel=channel, contact_kind="phone", address="+905321234567")
    at.given(
        CustomerKnown(customer=opening.customer, contact="m1", kind="mail", address="ayse@example.com", first=False)
    )
    assert "reply-sent" in names(at.when(reply(opening.case)))


def test_a_case_whose_customer_cannot_be_written_to_is_resolved_and_noted_on_all_the_same() -> None:
    at, opening = with_case(channel="phone", contact_kind="phone", address="+905321234567")
    at.when(AddNote(case=opening.case, contact=AYSE, by="agent:1", text="Aradım"), command=True)
    assert "case-resolved" in names(at.when(resolve(opening.case), command=True))


def test_a_reply_can_leave_the_case_waiting_for_the_customer() -> None:
    at, opening = with_case()
    said = at.when(reply(opening.case, status="waiting_customer"))
    assert [e.category for e in said if isinstance(e, StatusChanged)] == ["waiting_customer"]


def test_a_stale_reply_is_refused_with_what_was_added_since() -> None:
    at, opening = with_case()
    at.when(wrote(opening.case))
    refused = refusal(at, reply(opening.case, expected_version=1))
    assert (refused.status, refused.code) == (409, "stale")
    assert "message-received (2)" in refused.text
    assert names(at.when(reply(opening.case, expected_version=2)))[0] == "reply-sent"


def test_a_version_that_does_not_exist_yet_is_refused() -> None:
    at, opening = with_case()
    assert refusal(at, reply(opening.case, expected_version=7)).status == 422


def test_what_the_customer_does_not_see_makes_a_reply_stale_too() -> None:
    at, opening = with_case()
    at.when(AddNote(case=opening.case, contact=AYSE, by="agent:2", text="Ben bakıyorum"))
    assert "note-added" in refusal(at, reply(opening.case, expected_version=1)).text


def test_an_empty_reply_a_reply_to_somebody_else_and_to_nothing_are_refused() -> None:
    at, opening = with_case()
    assert refusal(at, reply(opening.case, text="  \n")).field == "text"
    assert refusal(at, reply(opening.case, contact=ALI)).field == "contact"
    assert refusal(at, reply("nowhere")).status == 404


def test_a_reply_to_a_closed_or_spam_case_is_refused() -> None:
    at, opening = with_case()
    at.when(ChangeStatus(case=opening.case, status="spam", by="agent:1"))
    assert "spam" in refusal(at, reply(opening.case)).text
    at.when(Close(case=opening.case, by="sup", reason="deneme", outcome="rejected"))
    assert "closed" in refusal(at, reply(opening.case)).text


def test_a_company_status_has_its_category() -> None:
    at, opening = with_case()
    [change] = at.when(ChangeStatus(case=opening.case, status="waiting_carrier", by="agent:1", reason="kargo"))
    assert isinstance(change, StatusChanged)
    assert (change.category, change.before, change.reason) == ("waiting_third_party", "new", "kargo")
    assert at.when(ChangeStatus(case=opening.case, status="waiting_carrier", by="agent:1")) == []


def test_an_unknown_status_is_refused_with_the_nearest_name() -> None:
    at, opening = with_case()
    assert "waiting_customer" in refusal(at, ChangeStatus(case=opening.case, status="waiting_custmer", by="a")).remedy


def test_resolved_is_not_set_as_a_status() -> None:
    at, opening = with_case()
    assert refusal(at, ChangeStatus(case=opening.case, status="resolved", by="a")).code == "own-command"


def test_a_resolution_carries_what_a_report_asks_for() -> None:
    at, opening = with_case(kind="complaint", topic="delivery", language="tr")
    at.later(hours=1).when(reply(opening.case))
    first = at.at
    [resolved] = at.later(hours=1).when(resolve(opening.case, cause="carrier", action="refunded"))
    assert isinstance(resolved, CaseResolved)
    assert (resolved.first_response_at, resolved.outcome, resolved.cause) == (first, "solved", "carrier")
    assert resolved.closes_at is not None
    assert (resolved.closes_at - at.at).days == 7


def test_a_recovery_is_resolved_with_cause_and_action_only() -> None:
    at, opening = with_resolved()
    case = opened(at.when(recovery(opening))).case
    assert refusal(at, resolve(case)).field == "cause"
    assert refusal(at, resolve(case, cause="carrier")).field == "action"
    assert names(at.when(resolve(case, cause="carrier", action="refunded"))) == ["case-resolved"]


def test_a_cause_that_is_not_on_the_list_is_refused() -> None:
    at, opening = with_case()
    assert "carrier" in refusal(at, resolve(opening.case, cause="carier")).remedy


def test_a_case_is_resolved_once() -> None:
    at, opening = with_resolved()
    assert refusal(at, resolve(opening.case)).code == "ended"


def test_only_the_customer_confirms_and_only_what_is_resolved() -> None:
    at, opening = with_case()
    assert refusal(at, Confirm(case=opening.case, contact=AYSE, solved=True)).code == "not-resolved"
    at.when(resolve(opening.case))
    at.when(complaint(ALI))
    assert refusal(at, Confirm(case=opening.case, contact=ALI, solved=True)).status == 403


def test_a_no_after_the_follow_up_window_is_refused() -> None:
    at, opening = with_resolved()
    at.when(Close(case=opening.case, by="sup", reason="bitti"))
    at.later(days=15)
    assert refusal(at, Confirm(case=opening.case, contact=AYSE, solved=False)).status == 410


def test_a_no_to_an_open_case_changes_nothing() -> None:
    at, opening = with_case()
    assert at.when(Confirm(case=opening.case, contact=AYSE, solved=False)) == []


def test_a_supervisor_closes_with_a_reason_and_an_outcome() -> None:
    at, opening = with_case()
    assert refusal(at, Close(case=opening.case, by="sup", reason=" ")).field == "reason"
    assert refusal(at, Close(case=opening.case, by="sup", reason="yinelenen")).field == "outcome"
    assert names(at.when(Close(case=opening.case, by="sup", reason="yinelenen", outcome="withdrawn"))) == [
        "case-closed"
    ]
    assert case_in(at, opening.case).outcome == "withdrawn"
    assert refusal(at, Close(case=opening.case, by="sup", reason="yine")).code == "ended"


def test_an_agent_reopens_what_has_ended() -> None:
    at, opening = with_resolved()
    assert names(at.when(Reopen(case=opening.case, by="agent:1"))) == ["case-reopened"]
    assert refusal(at, Reopen(case=opening.case, by="agent:1")).code == "not-ended"


def test_cases_are_linked_once_and_not_to_themselves() -> None:
    at, opening = with_case()
    other = opened(at.when(complaint()))
    link = LinkCases(case=opening.case, other=other.case, by="agent:1")
    assert names(at.when(link)) == ["cases-linked"]
    assert at.when(link) == []
    assert at.when(LinkCases(case=other.case, other=opening.case, by="agent:1")) == []
    assert refusal(at, LinkCases(case=opening.case, other=opening.case, by="a")).status == 422
    assert refusal(at, LinkCases(case=opening.case, other="nowhere", by="a")).field == "other"


def test_a_case_taken_out_of_spam_stays_out() -> None:
    from tests.intake.words import classified

    at, opening = with_case()
    at.when(classified(opening, tags=("spam",)))
    at.when(ChangeStatus(case=opening.case, status="open", by="agent:1"))
    assert at.when(classified(opening, tags=("spam",))) == []
