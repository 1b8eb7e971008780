"""Who is told what, when, how often, and what is withheld."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from contracts.classifier import Label
from contracts.feedback import SurveyInvited
from contracts.intake import (
    AutomaticNoted,
    CaseReopened,
    ConsentGiven,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
    LoopSuspected,
)
from contracts.loyalty import GrantApproved, PointsEarned, TierChanged
from contracts.notification import (
    ChangePreferences,
    NoticeBounced,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithheld,
    PreferenceChanged,
    Redeliver,
    Unsubscribe,
    Withholding,
)
from contracts.router import CaseUnassigned, QueueAlerted
from contracts.sla import CaseEscalated
from services.notification.app import app
from services.notification.recipients import notice_id
from shared.core.event import Event
from shared.core.world import Refused
from tests.scene import MONDAY, Scene

from .trade import (
    AYSE,
    CASE,
    CUSTOMER,
    NEXT_MORNING,
    NIGHT,
    acknowledged,
    agent,
    assigned,
    breached,
    classified,
    copied,
    enrolled,
    expiring,
    known,
    opened,
    queued,
    reason,
    replied,
    report,
    resolved,
    scene,
    warned,
    wrote,
)

TR = json.dumps({"name": "tr", "zone": "Europe/Istanbul", "week": {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"]}})
CALENDAR = {"calendar/tr": ("sla", TR)}
CONSENT = ConsentGiven(customer=CUSTOMER, contact=AYSE, channel="email", origin="web")


# once -----------------------------------------------------------------------------------------------------------
def test_an_opened_case_is_acknowledged_to_its_contact() -> None:
    notice = queued(acknowledged(scene().given(known())))
    assert (notice.contact, notice.template, notice.language, notice.automatic) == (AYSE, "case-received", "tr", True)
    assert (notice.not_before, notice.case, notice.cause_row) == (MONDAY, CASE, 3)


def test_a_notice_is_named_by_recipient_cause_and_template() -> None:
    ids = {notice_id(*parts) for parts in [("a", "b", "c"), ("x", "b", "c"), ("a", "x", "c"), ("a", "b", "x")]}
    assert len(ids) == 4
    assert notice_id("a", "b", "c") == notice_id("a", "b", "c")


def test_a_cause_that_is_heard_again_after_it_was_parked_asks_once() -> None:
    play = scene().given(known())
    first = queued(play.when(replied()))
    assert play.when(replied(), retry_of=UUID(first.cause)) == []
    queued(play.when(replied()))


def test_a_verified_sender_gets_another_acknowledgement() -> None:
    assert queued(acknowledged(scene().given(known()), opened(verified=True))).template == "case-received-known"


def test_a_case_that_an_agent_opened_is_not_acknowledged() -> None:
    assert acknowledged(scene().given(known()), opened(by="ali")) == []


def test_a_reply_carries_its_message_and_is_not_automatic() -> None:
    notice = queued(scene().given(known()).when(replied(language="en")))
    assert (notice.message, notice.automatic, notice.language, notice.template) == ("m1", False, "en", "reply")


# language -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("preferred", "of_event", "of_contact", "expected"),
    [("en", "tr", "tr", "en"), (None, "en", "tr", "en"), (None, None, "en", "en"), (None, None, None, "tr"),
     (None, "other", "tr", "en")],
)  # fmt: skip
def test_the_language_is_chosen_then_the_events_then_the_contacts(
    preferred: str | None, of_event: str | None, of_contact: str | None, expected: str
) -> None:
    play = scene().given(known(language=of_contact), PreferenceChanged(contact=AYSE, language=preferred))
    assert queued(acknowledged(play, opened(language=of_event), language="tr")).language == expected


# hours ----------------------------------------------------------------------------------------------------------
def test_what_quiet_hours_hold_back_goes_out_at_the_next_opening() -> None:
    notice = queued(scene(NIGHT).given(known()).when(resolved()))
    assert notice.not_before == NEXT_MORNING
    assert notice.not_after == NEXT_MORNING + timedelta(days=3)


def test_an_acknowledgement_answers_the_customer_at_any_hour() -> None:
    assert queued(acknowledged(scene(NIGHT).given(known()))).not_before == NIGHT


@pytest.mark.parametrize(
    ("zone", "opening"),
    [("Europe/Istanbul", NEXT_MORNING), ("Europe/London", NIGHT), ("America/New_York", NIGHT),
     ("Asia/Tokyo", datetime(2026, 10, 27, 0, 0, tzinfo=NIGHT.tzinfo))],
)  # fmt: skip
def test_quiet_hours_are_those_of_the_recipients_zone(zone: str, opening: datetime) -> None:
    play = scene(NIGHT).given(known(), PreferenceChanged(contact=AYSE, zone=zone))
    assert queued(play.when(resolved())).not_before == opening


def test_the_first_quiet_instant_is_held_back_and_the_one_before_is_not() -> None:
    closing = MONDAY.replace(hour=18)
    assert queued(scene(closing).given(known()).when(resolved())).not_before == NEXT_MORNING
    before = closing - timedelta(microseconds=1)
    assert queued(scene(before).given(known()).when(resolved())).not_before == before


def test_staff_are_told_in_working_time() -> None:
    play = scene(NIGHT, **CALENDAR).given(agent("ali"))
    assert queued(play.when(assigned())).not_before == NEXT_MORNING


def test_staff_are_told_at_once_while_no_calendar_is_known() -> None:
    assert queued(scene(NIGHT).given(agent("ali")).when(assigned())).not_before == NIGHT


def test_critical_notices_ignore_working_time() -> None:
    play = scene(NIGHT, **CALENDAR).given(agent("ali", manager="veli"), agent("veli"), assigned())
    notice = queued(play.when(escalated("manager")))
    assert (notice.contact, notice.not_before) == ("agent:veli", NIGHT)


def test_what_is_heard_too_late_is_withheld_as_stale() -> None:
    play = scene().given(known())
    play.given(opened(), occurred_at=MONDAY - timedelta(days=400))
    assert reason(play.when(classified())) == "stale"


# staff ----------------------------------------------------------------------------------------------------------
def escalated(target: str, action: str = "notify") -> CaseEscalated:
    return CaseEscalated(
        case=CASE, metric="resolution", cycle=1, level="over", step=2, action=action, target=target, at=MONDAY,
        due=MONDAY,
    )  # fmt: skip


def test_an_agent_is_told_of_a_case_that_is_given_to_him_and_not_of_one_he_took() -> None:
    play = scene().given(agent("ali"))
    assert queued(play.when(assigned())).contact == "agent:ali"
    assert play.when(assigned(how="taken")) == []


def test_a_warning_goes_to_the_owner_and_a_breach_to_the_manager() -> None:
    play = scene().given(agent("ali", manager="veli"), agent("veli"), assigned())
    assert queued(play.when(warned())).contact == "agent:ali"
    assert queued(play.when(breached())).contact == "agent:veli"


def test_without_an_owner_the_owner_of_the_queue_is_told() -> None:
    routing = json.dumps({"queues": {"money": {"team": "care", "owner": "zeynep"}}, "routing": {"rules": []}})
    play = scene(routing=("router", routing)).given(agent("zeynep"), agent("ali"), assigned())
    play.given(CaseUnassigned(case=CASE, customer=CUSTOMER, contact=AYSE, agent="ali", why="released", weight=1))
    assert queued(play.when(warned())).contact == "agent:zeynep"


def test_an_escalation_to_the_team_tells_every_active_member() -> None:
    play = scene().given(agent("ali"), agent("veli"), agent("can", active=False), agent("ece", teams=("money",)))
    said = play.given(assigned()).when(escalated("team"))
    assert [e.contact for e in said if isinstance(e, NoticeQueued)] == ["agent:ali", "agent:veli"]


def test_an_escalation_that_asks_for_another_owner_is_none_of_ours() -> None:
    assert scene().given(agent("ali"), assigned()).when(escalated("manager", action="reassign")) == []


def test_a_notice_for_nobody_is_withheld_and_seen() -> None:
    [said] = scene().when(warned())
    assert isinstance(said, NoticeWithheld)
    assert (said.contact, said.withheld.reason) == ("nobody", "no-address")


def test_the_owner_of_a_queue_is_told_that_nobody_can_take_what_waits() -> None:
    alert = QueueAlerted(queue="money", case=CASE, owner="zeynep", waiting=3, why="all away", again_at=MONDAY)
    assert queued(scene().given(agent("zeynep")).when(alert)).contact == "agent:zeynep"


def test_an_agent_who_left_is_not_written_to() -> None:
    assert reason(scene().given(agent("ali", active=False)).when(assigned())) == "no-address"


# customers by other ways ---------------------------------------------------------------------------------------
EARNED = PointsEarned(
    member="m-1", lot="l1", amount=10, rule="purchase", source="p1", earned_at=MONDAY, activates_at=MONDAY,
    expires_at=None, arithmetic="10 x 1", policy=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("event", "template"),
    [
        (EARNED, "points-earned"),
        (TierChanged(member="m-1", customer=CUSTOMER, tier="gold", before="basic", basis=9, why="9", period="2026",
                     review_at=MONDAY), "tier-changed"),
        (GrantApproved(grant="g", case=CASE, customer=CUSTOMER, amount=5, by="ali", team=None, severity="minor",
                       budget="2026-10"), "grant-approved"),
        (SurveyInvited(survey="s", kind="csat", case=CASE, customer=CUSTOMER, contact=AYSE, definition="csat",
                       language="tr", expires_at=MONDAY + timedelta(days=7)), "survey"),
        (CaseReopened(case=CASE, customer=CUSTOMER, contact=AYSE, by="customer", cause="reply", reopens=1,
                      resolved_at=MONDAY), "case-reopened"),
    ],
)  # fmt: skip
def test_a_customer_is_told_of(event: Event, template: str) -> None:
    notice = queued(scene().given(known(), enrolled()).when(event))
    assert (notice.contact, notice.template) == (AYSE, template)


def test_a_contact_without_a_mail_address_is_not_written_to() -> None:
    assert reason(acknowledged(scene().given(known(kind="phone")))) == "no-address"


def test_a_member_who_joined_by_phone_is_told_at_the_customers_mail_address() -> None:
    play = scene().given(known("p1", kind="phone"), known())
    play.given(enrolled().model_copy(update={"contact": "p1"}))
    assert queued(play.when(EARNED)).contact == AYSE


# consent, preferences, volume -----------------------------------------------------------------------------------
def test_commercial_messages_need_consent() -> None:
    play = scene().given(known(), enrolled())
    assert reason(play.when(expiring())) == "no-consent"
    play.given(CONSENT)
    assert queued(play.when(expiring())).template_class == "commercial"


def test_a_withdrawn_consent_holds_what_is_still_open() -> None:
    play = scene(NIGHT).given(known(), enrolled(), CONSENT)
    waiting = [queued(play.when(expiring())), queued(play.when(resolved()))]
    said = play.when(ConsentWithdrawn(customer=CUSTOMER, contact=AYSE, channel="email", origin="web"))
    assert (reason(said), said[0].notice) == ("no-consent", waiting[0].notice)


def test_a_muted_template_is_not_sent_and_a_reply_cannot_be_muted() -> None:
    play = scene().given(known())
    play.when(ChangePreferences(contact=AYSE, muted=("case-received",)))
    assert reason(acknowledged(play)) == "opted-out"
    with pytest.raises(Refused, match="cannot-be-muted"):
        play.when(ChangePreferences(contact=AYSE, muted=("reply",)))
    with pytest.raises(Refused, match="unknown-template"):
        play.when(ChangePreferences(contact=AYSE, muted=("replly",)))


def test_unsubscribing_mutes_one_template_more_and_keeps_the_rest() -> None:
    play = scene().given(known())
    play.when(ChangePreferences(contact=AYSE, language="en", muted=("survey",), zone="Europe/London"))
    [changed] = play.when(Unsubscribe(contact=AYSE, template="points-expiring"))
    expected = PreferenceChanged(contact=AYSE, language="en", muted=("points-expiring", "survey"), zone="Europe/London")
    assert changed == expected


def test_a_thread_is_acknowledged_once_in_a_day() -> None:
    play = scene().given(known())
    reopened = CaseReopened(
        case=CASE, customer=CUSTOMER, contact=AYSE, by="customer", cause="reply", reopens=1, resolved_at=None
    )
    queued(acknowledged(play))
    assert reason(play.later(hours=24, microseconds=-1).when(reopened)) == "volume-thread"
    queued(play.later(microseconds=1).when(reopened))


def test_an_address_gets_five_automatic_mails_a_day_and_every_reply() -> None:
    play = scene().given(known())
    for number in range(5):
        queued(acknowledged(play, opened(f"case-{number}")))
    assert reason(acknowledged(play, opened("case-5"))) == "volume-address"
    queued(play.when(replied()))
    queued(play.when(resolved()))
    queued(acknowledged(play.later(days=1, microseconds=1), opened("case-6")))


# what asks for silence ------------------------------------------------------------------------------------------
AWAY = AutomaticNoted(message="x", contact=AYSE, case=CASE, sign="auto-submitted")
REOPENED = CaseReopened(
    case=CASE, customer=CUSTOMER, contact=AYSE, by="customer", cause="reply", reopens=1, resolved_at=None
)  # fmt: skip
INVITED = SurveyInvited(
    survey="s", kind="csat", case=CASE, customer=CUSTOMER, contact=AYSE, definition="csat", language="tr",
    expires_at=MONDAY + timedelta(days=7),
)  # fmt: skip


def test_an_out_of_office_stops_the_acknowledgements_of_its_thread_for_a_day() -> None:
    play = scene().given(known(), opened(by="ali"), AWAY)
    assert reason(play.when(REOPENED)) == "suppressed"
    queued(acknowledged(play, opened("case-2")))
    queued(play.later(days=1).when(REOPENED))


@pytest.mark.parametrize("decided", [replied(), resolved(), INVITED])
@pytest.mark.parametrize(
    "sign", [AWAY, LoopSuspected(contact=AYSE, count=9, window=60), wrote(silent="auto-generated"), classified()]
)
def test_what_a_person_decided_goes_to_an_address_that_answers_by_itself(sign: Event, decided: Event) -> None:
    queued(scene().given(known(), opened(by="ali"), sign).when(decided))


def test_an_automatic_mail_of_no_known_thread_stops_nothing() -> None:
    play = scene().given(known(), AutomaticNoted(message="x", contact=AYSE, case=None, sign="auto-submitted"))
    queued(acknowledged(play))


def test_an_out_of_office_of_a_participant_does_not_silence_the_customer() -> None:
    play = scene().given(known(), known("c0c0", address="can@example.com"), opened(by="ali"))
    play.given(AutomaticNoted(message="x", contact="c0c0", case=CASE, sign="auto-submitted"))
    queued(play.when(REOPENED))


def test_a_suspected_loop_stops_acknowledgements_within_its_window() -> None:
    play = scene().given(known(), LoopSuspected(contact=AYSE, count=9, window=3600))
    assert reason(acknowledged(play)) == "suppressed"
    assert reason(acknowledged(play.later(hours=1, microseconds=-1), opened("case-2"))) == "suppressed"
    queued(acknowledged(play.later(microseconds=1), opened("case-3")))


def test_two_desks_that_answer_each_other_come_to_an_end() -> None:
    """Each of our acknowledgements brings an answer that no header gives away: a new case, or the same one again."""
    play, sent = scene().given(known()), list[NoticeQueued]()
    for number in range(200):
        case = f"case-{number // 2}"
        said = acknowledged(play, opened(case)) if number % 2 == 0 else play.when(
            REOPENED.model_copy(update={"case": case})
        )  # fmt: skip
        sent += [e for e in said if isinstance(e, NoticeQueued)]
        play.later(minutes=5)
    threads = [notice.case for notice in sent]
    assert len(threads) == len(set(threads)) == 5


def test_a_mail_that_asks_for_silence_is_not_acknowledged() -> None:
    play = scene().given(known())
    assert reason(acknowledged(play, opened(silent="precedence"))) == "silent"
    queued(play.when(replied()))


def test_the_last_mail_says_whether_its_thread_is_to_be_silent() -> None:
    play = scene().given(known(), opened(by="ali"), wrote(silent="auto-generated"))
    assert reason(play.when(REOPENED)) == "silent"
    play.given(wrote())
    queued(play.when(REOPENED))


def test_spam_is_not_acknowledged_and_an_answer_to_it_still_goes() -> None:
    play = scene().given(known())
    assert reason(acknowledged(play, tags=("spam",))) == "spam"
    queued(play.when(replied()))


@pytest.mark.parametrize("tags", [(), ("safety",), ("legal", "fraud")])
def test_other_tags_do_not_keep_the_acknowledgement_back(tags: tuple[str, ...]) -> None:
    queued(acknowledged(scene().given(known()), tags=tags))


# waiting for the classification -----------------------------------------------------------------------------------
def test_the_acknowledgement_waits_for_the_classification_and_is_the_answer_to_the_opening() -> None:
    play = scene().given(known())
    assert play.when(opened()) == []
    notice = queued(play.when(classified()))
    assert (notice.cause_topic, notice.cause_row) == ("intake.case-opened.v1", 3)


def test_a_classification_that_is_heard_before_its_opening_is_remembered() -> None:
    play = scene().given(known(), classified(language="en"))
    assert queued(play.when(opened())).language == "tr"  # the customer's own
    play = scene().given(known(language=None), classified(language="en", tags=("spam",)))
    assert reason(play.when(opened())) == "spam"


def test_labels_that_change_later_acknowledge_nothing_again() -> None:
    play = scene().given(known())
    queued(acknowledged(play))
    assert play.when(classified(revision=2)) == []


def test_a_classifier_that_does_not_answer_is_waited_for_ten_minutes() -> None:
    play = scene().given(known())
    play.when(opened())
    assert play.until(MONDAY + timedelta(minutes=10, microseconds=-1)) == []
    queued(play.until(MONDAY + timedelta(minutes=10)))
    assert play.when(classified()) == []


def test_what_is_classified_in_time_is_acknowledged_once() -> None:
    play = scene().given(known())
    queued(acknowledged(play))
    assert play.until(MONDAY + timedelta(days=1)) == []


def test_what_was_opened_long_ago_is_not_acknowledged_because_the_waiting_is_over() -> None:
    play = scene().given(known())
    play.given(opened(), occurred_at=MONDAY - timedelta(days=400))
    assert reason(play.until(MONDAY + timedelta(minutes=10))) == "stale"


@pytest.mark.parametrize(
    ("of_customer", "of_mail", "expected"),
    [(None, "en", "en"), (None, "tr", "tr"), (None, "other", "en"), ("tr", "en", "tr"), ("en", "tr", "en")],
)
def test_a_sender_of_unknown_language_is_answered_in_that_of_his_mail(
    of_customer: str | None, of_mail: str, expected: str
) -> None:
    play = scene().given(known(language=of_customer))
    assert queued(acknowledged(play, language=of_mail)).language == expected


def test_a_mail_without_words_is_answered_in_the_language_of_the_policy() -> None:
    photo = {"language": Label(value="other", source="default")}
    play = scene().given(known(language=None))
    said = play.when(opened()) + play.when(classified().model_copy(update=photo))
    assert queued(said).language == "tr"


def test_who_chose_a_language_is_answered_in_it() -> None:
    play = scene().given(known(language="en"), PreferenceChanged(contact=AYSE, language="tr"))
    assert queued(acknowledged(play, language="en")).language == "tr"


# where a customer can be reached ---------------------------------------------------------------------------------
def test_a_caller_is_told_that_his_case_was_written_down_where_there_is_an_address() -> None:
    call = opened(by="ali", channel="phone", contact="p1")
    notice = queued(acknowledged(scene().given(known("p1", kind="phone"), known()), call))
    assert (notice.contact, notice.template) == (AYSE, "case-noted")
    assert reason(acknowledged(scene().given(known("p1", kind="phone")), call)) == "no-address"


def test_an_answer_to_a_phone_number_goes_to_the_customers_mail_address() -> None:
    play = scene().given(known("p1", kind="phone"), known())
    assert queued(play.when(replied(contact="p1", channel="phone"))).contact == AYSE


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("social", "other-channel"), ("sms", "other-channel"), ("chat", "other-channel"), ("api", "other-channel"),
     ("phone", "no-address"), ("web", "no-address")],
)  # fmt: skip
def test_an_answer_that_another_system_carries_is_withheld_as_that(channel: str, expected: str) -> None:
    play = scene().given(known("h1", kind="handle"))
    assert reason(play.when(replied(contact="h1", channel=channel))) == expected


def test_a_customer_with_a_mail_address_is_answered_by_mail_on_every_channel() -> None:
    play = scene().given(known("h1", kind="handle"), known())
    assert queued(play.when(replied(contact="h1", channel="social"))).contact == AYSE


# participants in copy ---------------------------------------------------------------------------------------------
CAN = known("c0c0", address="can@example.com", customer="customer-2")


@pytest.mark.parametrize(
    ("event", "expected"), [(replied(), ("c0c0",)), (resolved(), ("c0c0",)), (REOPENED, ()), (INVITED, ())]
)
def test_participants_get_what_a_person_writes_in_copy(event: Event, expected: tuple[str, ...]) -> None:
    play = scene().given(known(), CAN, opened(by="ali"), copied())
    assert queued(play.when(event)).copies == expected


def test_an_acknowledgement_goes_to_the_sender_alone() -> None:
    play = scene().given(known(), CAN)
    play.when(opened())
    play.when(copied())
    assert queued(play.when(classified())).copies == ()


@pytest.mark.parametrize(
    "why",
    [ContactForgotten(contact="c0c0", certificate="c"), ContactBounced(contact="c0c0", customer="customer-2")],
)
def test_a_participant_who_was_erased_or_whose_mails_come_back_gets_no_copy(why: Event) -> None:
    play = scene().given(known(), CAN, opened(by="ali"), copied(), why)
    assert queued(play.when(replied())).copies == ()


def test_who_was_erased_and_writes_again_does_not_get_copies_of_old_cases() -> None:
    gone = ContactForgotten(contact="c0c0", certificate="c")
    play = scene().given(known(), CAN, opened(by="ali"), copied(), gone, CAN)
    assert queued(play.when(replied())).copies == ()
    play.given(copied())
    assert queued(play.when(replied())).copies == ("c0c0",)


def test_a_participant_whose_mails_came_back_and_who_writes_again_gets_copies_again() -> None:
    bounce = ContactBounced(contact="c0c0", customer="customer-2")
    play = scene().given(known(), CAN, opened(by="ali"), copied(), bounce, wrote(contact="c0c0"))
    assert queued(play.when(replied())).copies == ("c0c0",)


def test_a_participant_of_another_case_or_without_a_mail_address_gets_no_copy() -> None:
    play = scene().given(known(), CAN, opened(by="ali"), copied(case="case-9"), copied("p1"), known("p1", kind="phone"))
    assert queued(play.when(replied())).copies == ()


def test_the_customer_is_not_in_copy_of_what_is_written_to_him() -> None:
    play = scene().given(known(), opened(by="ali"), copied(AYSE))
    assert queued(play.when(replied())).copies == ()


# the thread ---------------------------------------------------------------------------------------------------------
def test_a_notice_follows_the_mails_of_its_case_and_an_agents_does_not() -> None:
    play = scene().given(known(), agent("ali"), opened(message_id="<a@b>"), assigned())
    opening = play.row - 1
    first = queued(play.when(classified()))
    assert first.thread == (opening,)
    ours = play.row
    play.given(wrote())
    assert queued(play.when(replied())).thread == (opening, ours, ours + 1)
    assert queued(play.when(warned())).thread == ()


def test_a_long_thread_is_remembered_by_its_first_and_last_mails() -> None:
    play = scene().given(known(), opened(by=None))
    first = play.row
    for _ in range(50):
        play.given(wrote())
    assert queued(play.when(replied())).thread == (first, *range(first + 42, first + 51))


# what comes of it -----------------------------------------------------------------------------------------------
def waiting_reply(at: datetime = MONDAY) -> tuple[Scene, NoticeQueued]:
    play = scene(at).given(known())
    return play, queued(play.when(replied()))


def test_what_the_mail_server_took_is_sent() -> None:
    play, notice = waiting_reply()
    [sent] = play.later(seconds=2).when(report(notice))
    assert isinstance(sent, NoticeSent)
    assert (sent.message, sent.attempt, sent.sent_at) == ("m1", 1, play.at)


def test_a_failed_notice_is_tried_again_with_back_off_and_then_given_up() -> None:
    play, notice = waiting_reply()
    waits = []
    for attempt in range(1, 6):
        [failed] = play.when(report(notice, attempt, "failed", error="unreachable"))
        assert isinstance(failed, NoticeFailed)
        waits.append(failed.next_attempt and failed.next_attempt - play.at)
    minutes = [w and w // timedelta(minutes=1) for w in waits]
    assert minutes == [1, 5, 30, 120, None]


def test_a_second_try_keeps_quiet_hours() -> None:
    play = scene(NIGHT - timedelta(hours=1, minutes=1)).given(known())
    notice = queued(play.when(resolved()))
    [failed] = play.later(minutes=1).when(report(notice, 1, "failed", error="unreachable"))
    assert isinstance(failed, NoticeFailed)
    assert failed.next_attempt == NEXT_MORNING


def test_an_address_that_the_mail_server_rejects_is_given_up_at_once() -> None:
    play, notice = waiting_reply()
    [failed] = play.when(report(notice, 1, "failed", error="rejected-address"))
    assert isinstance(failed, NoticeFailed)
    assert failed.next_attempt is None


def test_a_report_that_comes_twice_says_nothing_more() -> None:
    play, notice = waiting_reply()
    play.when(report(notice))
    assert play.when(report(notice)) == []


def test_a_late_report_about_an_earlier_try_changes_nothing() -> None:
    play, notice = waiting_reply()
    play.when(report(notice, 1, "failed", error="unreachable"))
    assert play.when(report(notice, 1, "failed", error="unreachable")) == []


def test_what_the_sender_withholds_says_why_and_which_message() -> None:
    play, notice = waiting_reply()
    [said] = play.when(report(notice, 1, "withheld", withheld=Withholding(reason="erased")))
    assert isinstance(said, NoticeWithheld)
    assert (said.withheld.reason, said.message) == ("erased", "m1")


def given_up() -> tuple[Scene, NoticeQueued]:
    play, notice = waiting_reply()
    play.when(report(notice, 1, "failed", error="rejected-address"))
    return play, notice


def test_a_notice_that_was_given_up_can_be_redelivered() -> None:
    play, notice = given_up()
    again = queued(play.later(days=30).when(Redeliver(notice=notice.notice, by="ali")))
    assert (again.notice, again.by, again.not_before) == (notice.notice, "ali", play.at)
    assert play.tables["effects"][notice.notice]["attempt"] == 0
    assert isinstance(play.when(report(again))[0], NoticeSent)


def test_a_notice_that_is_on_its_way_or_sent_cannot_be_redelivered() -> None:
    play, notice = waiting_reply()
    with pytest.raises(Refused, match="not-given-up"):
        play.when(Redeliver(notice=notice.notice, by="ali"))
    with pytest.raises(Refused, match="unknown-notice"):
        play.when(Redeliver(notice="n-0", by="ali"))


def erased() -> CustomerErased:
    return CustomerErased(
        customer=CUSTOMER, contacts=(AYSE,), destroyed_at=MONDAY, certificate="c", rotation_outstanding=False,
        regime="kvkk", statement="all",
    )  # fmt: skip


@pytest.mark.parametrize("forget", [erased, lambda: ContactForgotten(contact=AYSE, certificate="c")])
def test_what_is_open_for_a_forgotten_contact_is_withheld(forget: Callable[[], Event]) -> None:
    play, notice = waiting_reply()
    assert reason(play.when(forget())) == "erased"
    assert play.when(report(notice)) == []


def came_back(notice: str | None, contact: str = AYSE) -> ContactBounced:
    return ContactBounced(contact=contact, customer=CUSTOMER, case=CASE, notice=notice)


def test_the_notice_that_the_report_names_is_bounced_and_its_address_gets_no_automatic_ones() -> None:
    play, notice = waiting_reply()
    play.when(report(notice))
    later = queued(play.when(replied(message="m2")))
    play.when(report(later))
    [bounced] = play.when(came_back(notice.notice))
    assert isinstance(bounced, NoticeBounced)
    assert (bounced.message, bounced.contact) == ("m1", AYSE)
    assert reason(play.when(resolved())) == "suppressed"
    assert play.when(came_back(notice.notice)) == []
    play.given(opened(by="ali"), wrote())
    queued(play.when(resolved()))


def test_a_report_that_names_none_of_ours_bounces_no_notice() -> None:
    play, notice = waiting_reply()
    play.when(report(notice))
    assert play.when(came_back(None)) == []
    assert play.when(came_back("n-0")) == []


def test_a_copy_that_comes_back_leaves_the_notice_sent() -> None:
    play, notice = waiting_reply()
    play.when(report(notice, copies=("c0c0",)))
    assert play.when(came_back(notice.notice, "c0c0")) == []


def test_what_the_mail_server_took_for_whom_is_said() -> None:
    play, notice = waiting_reply()
    [sent] = play.when(report(notice, copies=("c0c0",), not_copied=("c1c1",)))
    assert isinstance(sent, NoticeSent)
    assert (sent.copies, sent.not_copied) == (("c0c0",), ("c1c1",))


def test_every_topic_that_the_policy_names_is_heard() -> None:
    heard = {topic for _, topic in app.topics()}
    assert {rule["event"] for rule in json.loads(app.shipped()["templates"])["rules"]} <= heard


def test_staff_whose_calendar_never_opens_again_are_told_at_once() -> None:
    never = json.dumps({"name": "tr", "zone": "UTC", "week": {}, "exceptions": {"2020-01-01": ["09:00-18:00"]}})
    play = scene(NIGHT, **{"calendar/tr": ("sla", never)}).given(agent("ali"), assigned())
    assert queued(play.when(warned())).not_before == NIGHT
