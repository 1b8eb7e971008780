"""How a case opens, what messages do to it, how it ends and comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.common import FormField
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CasesLinked,
    Confirm,
    MailSeen,
    MessageReceived,
    Reopen,
    Reply,
    StatusChanged,
)
from shared.core.parts import Blob
from shared.core.world import Refused
from tests.intake.words import (
    ALI,
    AYSE,
    assigned,
    case_in,
    classified,
    complaint,
    mail,
    opened,
    recovery,
    resolve,
    scene,
    with_case,
    with_resolved,
    wrote,
)
from tests.scene import Scene, names


def test_a_new_contact_becomes_a_customer_with_a_case() -> None:
    said = scene().when(complaint())
    assert names(said) == ["customer-known", "case-opened"]
    assert opened(said).number == "V-2026-000001"


def test_a_known_contact_that_says_nothing_new_only_gets_a_case() -> None:
    at, _ = with_case()
    assert names(at.when(complaint())) == ["case-opened"]


def test_a_name_is_news_once() -> None:
    at, _ = with_case()
    assert names(at.when(complaint(name="Ayşe"))) == ["customer-known", "case-opened"]
    assert names(at.when(complaint(name="Ayşe K."))) == ["case-opened"]


def test_earlier_cases_of_thirty_days_count_as_contacts_before() -> None:
    at, _ = with_case()
    assert opened(at.later(days=30).when(complaint())).contacts_before == 1
    assert opened(at.later(days=1).when(complaint())).contacts_before == 1


def test_the_id_of_a_case_is_made_of_its_cause() -> None:
    at, opening = with_case()
    assert opened(scene().when(complaint())).case == opening.case
    assert opened(at.when(complaint())).case != opening.case


def test_a_year_begins_at_midnight_of_the_company() -> None:
    at = scene()
    late = datetime(2026, 12, 31, 20, 59, 59, tzinfo=UTC)
    numbers = [
        opened(at.when(complaint(), occurred_at=late + timedelta(seconds=s), heard_at=late)).number for s in (0, 1, 0)
    ]
    assert numbers == ["V-2026-000001", "V-2027-000001", "V-2026-000002"]


def test_the_senders_own_id_makes_one_case_for_ever() -> None:
    at = scene()
    assert names(at.when(complaint(external_id="4711"))) == ["customer-known", "case-opened"]
    assert at.later(days=400).when(complaint(external_id="4711")) == []
    assert names(at.when(complaint(ALI, external_id="4711"))) == ["customer-known", "case-opened"]


def test_a_form_gives_its_kind_unless_the_sender_names_one() -> None:
    order = (FormField(name="order_number", value="A-1"),)
    assert opened(scene().when(complaint(form="order_status", fields=order))).kind == "question"
    assert opened(scene().when(complaint(form="order_status", fields=order, kind="praise"))).kind == "praise"


def test_where_nobody_named_a_form_there_is_none_and_nothing_is_said_about_the_kind() -> None:
    opening = opened(scene().when(complaint(), command=True))
    assert (opening.form, opening.kind, opening.topic) == ("none", None, None)
    assert opened(scene().when(complaint(form="complaint"), command=True)).kind == "complaint"


def test_fields_without_the_name_of_a_form_are_those_of_the_complaint() -> None:
    order = (FormField(name="order_number", value="A-1"),)
    assert opened(scene().when(complaint(fields=order), command=True)).form == "complaint"
    with pytest.raises(Refused, match=r"fields\.colour"):
        scene().when(complaint(fields=(FormField(name="colour", value="red"),)), command=True)


def test_an_old_concern_that_was_stored_with_its_form_keeps_its_kind() -> None:
    stored = complaint().model_dump(mode="json") | {"form": "complaint"}
    assert opened(scene().when(type(complaint()).model_validate(stored))).kind == "complaint"


def test_a_wrongly_filled_form_is_refused_as_a_command_and_taken_as_a_fact() -> None:
    with pytest.raises(Refused, match="order_number"):
        scene().when(complaint(form="order_status"), command=True)
    assert opened(scene().when(complaint(form="order_status"))).form == "order_status"


def test_an_unknown_form_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(Refused, match="'complaint'"):
        scene().when(complaint(form="complant"), command=True)


def test_a_case_without_a_subject_takes_its_first_line() -> None:
    assert opened(scene().when(complaint(subject="", text="\nİlk satır\nikinci"))).subject == "İlk satır"


def test_a_message_of_the_customer_is_appended() -> None:
    at, opening = with_case()
    assert names(at.when(wrote(opening.case))) == ["message-received"]


def test_a_message_ends_waiting_for_the_customer() -> None:
    at, opening = with_case()
    at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="?", status="waiting_customer"))
    said = at.when(wrote(opening.case))
    assert [(e.before, e.category, e.by) for e in said if isinstance(e, StatusChanged)] == [
        ("waiting_customer", "open", "customer")
    ]


def test_a_bare_thanks_does_not_end_waiting_for_the_customer() -> None:
    at, opening = with_case()
    at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="?", status="waiting_customer"))
    assert names(at.when(wrote(opening.case, "Teşekkürler!"))) == ["message-received"]


def test_a_reply_reopens_a_resolved_case() -> None:
    at, opening = with_resolved()
    said = at.later(days=1).when(wrote(opening.case))
    assert names(said) == ["message-received", "case-reopened"]
    assert [(e.cause, e.reopens) for e in said if isinstance(e, CaseReopened)] == [("reply", 1)]


def test_a_bare_thanks_reopens_nothing() -> None:
    at, opening = with_resolved()
    assert names(at.when(wrote(opening.case, "Çok teşekkür ederim, iyi günler 🙏"))) == ["message-received"]
    assert case_in(at, opening.case).category == "resolved"


@pytest.mark.parametrize("text", ["Teşekkürler ama hâlâ bozuk", "thanks?", "", "Hayır", "Teşekkürler :("])
def test_anything_beyond_thanks_reopens(text: str) -> None:
    at, opening = with_resolved()
    assert names(at.when(wrote(opening.case, text))) == ["message-received", "case-reopened"]


def in_category(category: str) -> tuple[Scene, CaseOpened]:
    at, opening = with_case()
    if category == "resolved":
        at.when(resolve(opening.case))
    else:
        at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="?", status=category))
    return at, opening


@pytest.mark.parametrize(
    ("category", "text", "after", "acknowledgement"),
    [
        ("waiting_customer", "Tamam", "open", False),
        ("waiting_customer", "ok", "open", False),
        ("waiting_customer", "Tamamdır, teşekkürler", "open", False),
        ("waiting_customer", "👍", "open", False),
        ("waiting_customer", "Onaylıyorum.\nAyşe Kaya\n0532 123 45 67\nayse@kaya.example", "open", False),
        ("waiting_customer", "Teşekkürler", "waiting_customer", True),
        ("waiting_customer", "🙏", "waiting_customer", True),
        ("waiting_customer", "Teşekkürler, kapak yine kırık", "open", False),
        ("resolved", "Tamam, teşekkürler", "resolved", True),
        ("resolved", "Tamam", "resolved", True),
        ("resolved", "👍", "resolved", True),
        ("resolved", "Tamam ama kapak yine kırık", "open", False),
        ("resolved", "Hayır", "open", False),
        ("open", "Evet", "open", False),
        ("open", "Tamam, teşekkürler", "open", True),
        ("waiting_third_party", "Tamam", "waiting_third_party", True),
        ("waiting_third_party", "Teşekkürler", "waiting_third_party", True),
    ],
)
def test_assent_is_the_answer_while_the_customer_is_waited_for(
    category: str, text: str, after: str, acknowledgement: bool
) -> None:
    at, opening = in_category(category)
    [received] = [e for e in at.when(wrote(opening.case, text)) if isinstance(e, MessageReceived)]
    assert (case_in(at, opening.case).category, received.acknowledgement) == (after, acknowledgement)


def test_a_thanks_with_a_file_is_a_message() -> None:
    at, opening = with_resolved()
    photo = Blob(digest="d" * 64, size=1, type="image/png", name="foto.png")
    assert "case-reopened" in names(at.when(wrote(opening.case, "Teşekkürler", attachments=(photo,))))


def test_a_second_message_after_the_follow_up_window_goes_on_with_the_case_of_the_first() -> None:
    at, opening = with_resolved()
    at.when(Confirm(case=opening.case, contact=AYSE, solved=True))
    at.later(days=20)
    second = opened(at.when(wrote(opening.case, "Yine bozuldu.")))
    assert second.follows == opening.case
    [received] = at.when(wrote(opening.case, "Fotoğrafı da ekliyorum."))
    assert isinstance(received, MessageReceived)
    assert received.case == second.case


def test_quiet_days_close_a_resolved_case() -> None:
    at, opening = with_resolved()
    assert at.until(at.at + timedelta(days=7) - timedelta(seconds=1)) == []
    [closing] = at.until(at.at + timedelta(seconds=1))
    assert isinstance(closing, CaseClosed)
    assert (closing.how, closing.by, closing.outcome) == ("quiet", "rule", "solved")
    assert case_in(at, opening.case).category == "closed"


def test_a_reopened_case_is_not_closed_by_the_old_deadline() -> None:
    at, opening = with_resolved()
    at.later(days=1).when(wrote(opening.case))
    assert at.until(at.at + timedelta(days=30)) == []


def test_a_case_resolved_again_is_closed_after_its_own_quiet_days() -> None:
    at, opening = with_resolved()
    at.later(days=5).when(Reopen(case=opening.case, by="agent:1"))
    at.when(resolve(opening.case))
    assert at.until(at.at + timedelta(days=6)) == []
    assert names(at.until(at.at + timedelta(days=1))) == ["case-closed"]


def test_a_reply_within_the_follow_up_window_reopens_and_a_later_one_opens_a_case_that_follows() -> None:
    at, opening = with_resolved()
    at.until(at.at + timedelta(days=7))
    closed_at = at.at
    at.until(closed_at + timedelta(days=14))
    assert names(at.when(wrote(opening.case))) == ["message-received", "case-reopened"]

    at, opening = with_resolved()
    at.until(closed_at + timedelta(days=14, seconds=1))
    said = at.when(wrote(opening.case))
    assert names(said) == ["case-opened", "cases-linked"]
    assert opened(said).follows == opening.case
    assert case_in(at, opening.case).category == "closed"


def test_somebody_elses_message_becomes_a_linked_case_of_his_own() -> None:
    at, opening = with_case()
    said = at.when(wrote(opening.case, contact=ALI, contact_kind="mail", address="b@example.com"))
    assert names(said) == ["customer-known", "case-opened", "cases-linked"]
    assert [e.why for e in said if isinstance(e, CasesLinked)] == ["foreign-sender"]
    assert opened(said).customer != opening.customer
    assert opened(said).follows is None


def test_a_message_for_no_case_is_refused_as_a_command_and_opens_one_as_a_fact() -> None:
    with pytest.raises(Refused) as refused:
        scene().when(wrote("nowhere"), command=True)
    assert refused.value.status == 404
    assert names(scene().when(wrote("nowhere"))) == ["customer-known", "case-opened"]


def test_a_spam_tag_of_the_classifier_moves_an_unanswered_case_to_spam() -> None:
    at, opening = with_case()
    [change] = at.when(classified(opening, tags=("spam",)))
    assert isinstance(change, StatusChanged)
    assert (change.category, change.by) == ("spam", "rule")


def test_an_answered_case_is_no_spam() -> None:
    at, opening = with_case()
    at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="Bakıyoruz"))
    assert at.when(classified(opening, tags=("spam",))) == []


def test_the_classifiers_labels_are_remembered_for_the_resolution() -> None:
    at, opening = with_case()
    assert at.when(classified(opening)) == []
    at.when(assigned(opening))
    resolved = at.when(resolve(opening.case))[0]
    values = resolved.model_dump()
    assert (values["kind"], values["topic"], values["language"], values["agent"], values["team"]) == (
        "complaint", "billing", "tr", "agent:1", "t1",
    )  # fmt: skip


def test_an_assigned_new_case_is_open() -> None:
    at, opening = with_case()
    assert names(at.when(assigned(opening))) == ["status-changed"]
    assert at.when(assigned(opening)) == []


def test_a_recovery_gets_a_case_of_its_own_and_another_round_brings_it_back() -> None:
    at, opening = with_resolved()
    said = at.when(recovery(opening))
    assert names(said) == ["case-opened", "cases-linked"]
    assert (opened(said).recovery, opened(said).follows) == ("r1", opening.case)
    assert opened(said).subject == f"{opening.number} sonrası memnuniyetsizlik"
    assert at.when(recovery(opening)) == []
    at.when(resolve(opened(said).case, cause="carrier", action="refunded"))
    again = at.when(recovery(opening, 2))
    assert [(e.case, e.cause) for e in again if isinstance(e, CaseReopened)] == [(opened(said).case, "recovery")]


def test_a_recovery_is_no_contact_of_the_customer() -> None:
    at, opening = with_resolved()
    at.when(recovery(opening))
    assert opened(at.when(complaint())).contacts_before == 1


def test_yes_closes_and_no_brings_back() -> None:
    at, opening = with_resolved()
    assert names(at.when(Confirm(case=opening.case, contact=AYSE, solved=True))) == ["case-confirmed", "case-closed"]
    assert at.when(Confirm(case=opening.case, contact=AYSE, solved=True)) == []
    said = at.when(Confirm(case=opening.case, contact=AYSE, solved=False, text="Hayır, yine bozuk"))
    assert names(said) == ["message-received", "case-reopened"]
    assert [e.cause for e in said if isinstance(e, CaseReopened)] == ["customer-said-no"]


contents = st.sampled_from(["a", "b", "c"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from([AYSE, ALI]), contents, st.integers(0, 90)), max_size=25))
def test_numbers_have_no_gaps_and_one_mail_makes_one_case_in_any_order(mails: list[tuple[int, str, str, int]]) -> None:
    at = scene()
    for number, contact, text, minutes in mails:
        at.later(minutes=minutes).when(mail(number, contact, text))
    openings = [e for e in at.said if e.TOPIC == "intake.case-opened.v1"]
    assert [e.model_dump()["number"] for e in openings] == [f"V-2026-{n:06}" for n in range(1, len(openings) + 1)]
    seen = {(number, contact, text) for number, contact, text, _ in mails}
    assert len(openings) <= len(seen)
    ended = {e.message for e in at.said if isinstance(e, MailSeen) and e.case}
    assert ended == {f"m{number}" for number, *_ in mails}
