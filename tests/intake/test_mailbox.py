"""What becomes of a mail."""

import pytest

from contracts.intake import (
    AutomaticNoted,
    CaseOpened,
    CasesLinked,
    ContactBounced,
    KeysDestroyed,
    LoopSuspected,
    MailReceived,
    MailSeen,
    MailUnreadable,
    MessageReceived,
)
from services.intake.state import MOST, Mail
from tests.intake.words import ALI, AYSE, case_in, complaint, mail, opened, scene, with_case, with_resolved
from tests.scene import names


def test_a_mail_becomes_a_case() -> None:
    said = scene().when(mail())
    assert names(said) == ["customer-known", "case-opened", "mail-seen"]
    assert (opened(said).channel, opened(said).verified) == ("email", False)


def test_the_same_mail_makes_nothing_new_for_ever() -> None:
    at = scene()
    at.when(mail(1))
    assert at.later(days=100).when(mail(1)) == []


def test_the_same_message_id_with_other_content_is_another_mail() -> None:
    at = scene()
    first = opened(at.when(mail(1)))
    assert opened(at.when(mail(1, text="Faturam da yanlış."))).case != first.case


def test_the_same_message_id_of_another_sender_is_another_mail() -> None:
    at = scene()
    at.when(mail(1))
    assert opened(at.when(mail(1, ALI))).contact == ALI


def test_a_message_id_that_is_forged_again_and_again_grows_no_state_without_end_and_stays_its_first_senders() -> None:
    at, opening = with_case()
    first = opened(at.when(mail(1)))
    for number in range(MOST + 5):
        at.when(mail(1, f"{number:032x}", case=opening.case))
    state = at.memory["mail:m1"]
    assert isinstance(state, Mail)
    assert (len(state.cases), state.cases[AYSE]) == (MOST, first.case)
    assert len(case_in(at, opening.case).linked) == MOST


def test_the_same_content_under_another_id_within_an_hour_makes_nothing_new() -> None:
    at = scene()
    first = opened(at.when(mail(1)))
    [seen] = at.later(minutes=60).when(mail(2))
    assert isinstance(seen, MailSeen)
    assert (seen.repeat, seen.case) == (True, first.case)
    [row] = at.tables["set_aside"].values()
    assert (row["group"], row["reason"], row["case"], row["state"]) == ("noted", "copy", first.case, "waiting")


def test_the_same_words_to_another_case_or_another_question_are_another_message() -> None:
    at = scene()
    cases = [opened(at.when(complaint(text=text))).case for text in ("Kargom gelmedi.", "Faturam yanlış.")]
    answers = [(cases[0], "q1"), (cases[1], "q2"), (cases[0], "q3")]
    for number, (case, question) in enumerate(answers):
        said = at.when(mail(number, text="Hayır, çözülmedi.", case=case, references=(question,)))
        assert names(said) == ["message-received", "mail-seen"]
    for number, (case, question) in enumerate(answers, 10):
        [copy] = at.when(mail(number, text="Hayır, çözülmedi.", case=case, references=(question,)))
        assert isinstance(copy, MailSeen)
        assert (copy.repeat, copy.case) == (True, case)


def test_what_an_erased_customer_writes_again_is_no_copy() -> None:
    at = scene()
    first = opened(at.when(mail(1)))
    at.when(KeysDestroyed(
        customer=first.customer, contacts=(AYSE,), regime="kvkk", destroyed_at=at.at, rotation_outstanding=False
    ))  # fmt: skip
    assert opened(at.when(mail(2))).customer != first.customer


def test_the_same_content_after_an_hour_is_a_new_case_however_often_it_came_between() -> None:
    at = scene()
    at.when(mail(1))
    at.later(minutes=40).when(mail(2))
    assert "case-opened" in names(at.later(minutes=40).when(mail(3)))


def test_a_token_brings_the_sender_to_his_case() -> None:
    at, opening = with_case()
    said = at.when(mail(case=opening.case))
    assert names(said) == ["message-received", "mail-seen"]


def test_references_bring_the_sender_to_his_case() -> None:
    at = scene()
    first = opened(at.when(mail(1)))
    said = at.later(hours=2).when(mail(2, text="Ek bilgi", references=("m99", "m1")))
    assert [e.case for e in said if isinstance(e, MailSeen)] == [first.case]
    assert names(said) == ["message-received", "mail-seen"]


def test_a_token_of_somebody_else_opens_a_linked_case() -> None:
    at, opening = with_case()
    said = at.when(mail(1, ALI, case=opening.case))
    assert names(said) == ["customer-known", "case-opened", "cases-linked", "mail-seen"]
    assert [e.why for e in said if isinstance(e, CasesLinked)] == ["foreign-sender"]


def test_a_mail_reopens_a_resolved_case_and_thanks_do_not() -> None:
    at, opening = with_resolved()
    assert names(at.when(mail(1, case=opening.case, text="Teşekkürler"))) == ["message-received", "mail-seen"]
    assert names(at.when(mail(2, case=opening.case))) == ["message-received", "case-reopened", "mail-seen"]


def test_an_automatic_mail_is_noted_on_its_case_and_opens_none() -> None:
    at, opening = with_case()
    [noted] = at.when(mail(case=opening.case, automatic="auto-submitted"))
    assert isinstance(noted, AutomaticNoted)
    assert (noted.sign, noted.case) == ("auto-submitted", opening.case)
    assert names(at.when(mail(2, ALI, automatic="daemon"))) == ["automatic-noted"]


def test_a_bounce_with_our_token_marks_who_could_not_be_reached_once() -> None:
    at, opening = with_case()
    bounce = mail(1, ALI, case=opening.case, automatic="bounce", bounced=AYSE)
    assert names(at.when(bounce)) == ["automatic-noted", "contact-bounced"]
    assert at.tables["contacts"][AYSE]["bounced"] is True
    assert names(at.when(mail(2, ALI, case=opening.case, automatic="bounce", bounced=AYSE))) == ["automatic-noted"]


def test_each_notice_that_comes_back_is_told_once_by_name() -> None:
    at, opening = with_case()
    for number, notice in enumerate(("n1", "n2", "n1")):
        at.when(mail(number, ALI, case=opening.case, automatic="bounce", bounced=AYSE, returned=notice))
    assert [e.notice for e in at.said if isinstance(e, ContactBounced)] == ["n1", "n2"]


def test_a_delayed_report_changes_nothing() -> None:
    at, opening = with_case()
    assert names(at.when(mail(1, ALI, case=opening.case, automatic="delayed"))) == ["automatic-noted"]


def test_a_bounce_marks_nobody_who_takes_no_part_in_the_case() -> None:
    at, opening = with_case()
    at.when(mail(1, ALI))
    said = at.when(mail(2, "c" * 32, case=opening.case, automatic="bounce", bounced=ALI))
    assert names(said) == ["automatic-noted"]


def test_a_bounce_that_only_claims_to_answer_marks_nobody() -> None:
    at = scene()
    at.when(mail(1))
    assert names(at.when(mail(2, ALI, references=("m1",), automatic="bounce"))) == ["automatic-noted"]


def many(count: int, minutes: float = 1) -> tuple[list[str], list[LoopSuspected], list[str | None]]:
    at = scene()
    said = [names(at.later(minutes=minutes).when(mail(n, text=f"text {n}"))) for n in range(count)]
    silent = [e.silent for e in at.said if isinstance(e, CaseOpened)]
    return ["+".join(s) for s in said], [e for e in at.said if isinstance(e, LoopSuspected)], silent


def test_more_than_twenty_mails_in_an_hour_are_suspected_once_and_then_cases_that_nothing_automatic_answers() -> None:
    said, suspected, silent = many(25)
    assert said[19] == "case-opened+mail-seen"
    assert said[20] == "loop-suspected+case-opened+mail-seen"
    assert said[21:] == ["case-opened+mail-seen"] * 4
    assert [(e.count, e.window) for e in suspected] == [(21, 3600)]
    assert silent == [None] * 20 + ["loop"] * 5


def test_twenty_mails_an_hour_are_no_loop() -> None:
    assert many(60, minutes=3.2)[1] == []


def test_a_suspected_sender_still_reaches_his_own_case() -> None:
    at, opening = with_case()
    for n in range(22):
        at.when(mail(n, text=f"text {n}"))
    said = at.when(mail(99, text="önemli", case=opening.case))
    assert [(e.case, e.silent) for e in said if isinstance(e, MessageReceived)] == [(opening.case, "loop")]


@pytest.mark.parametrize("sign", ["precedence", "auto-generated", "auto-response-suppress"])
def test_a_sign_that_asks_for_silence_sets_nothing_aside(sign: str) -> None:
    at = scene()
    opening = opened(at.when(mail(silent=sign)))
    assert (opening.silent, at.tables["cases"][opening.case]["silent"]) == (sign, sign)
    said = at.when(mail(2, case=opening.case, text="Bir de kapağı kırık.", silent=sign))
    assert [e.silent for e in said if isinstance(e, MessageReceived)] == [sign]
    assert "set_aside" not in at.tables


def test_what_machines_do_is_set_aside_also_after_a_suspicion() -> None:
    at, opening = with_case()
    for n in range(25):
        at.when(mail(n, text=f"text {n}"))
    assert names(at.when(mail(99, case=opening.case, automatic="auto-replied"))) == ["automatic-noted"]


def test_an_unreadable_mail_is_quarantined_once() -> None:
    at = scene()
    broken = MailUnreadable(message="m1", contact="unknown", reason="timed-out")
    assert names(at.when(broken)) == ["message-quarantined"]
    assert at.when(broken) == []
    [row] = at.tables["set_aside"].values()
    assert (row["group"], row["reason"], row["state"]) == ("quarantined", "timed-out", "waiting")


def test_ten_answered_ids_are_looked_up_at_most() -> None:
    at = scene()
    at.when(mail(1))
    far = mail(2, text="b", references=(*(f"x{n}" for n in range(10)), "m1"))
    assert isinstance(far, MailReceived)
    assert "case-opened" in names(at.when(far))
