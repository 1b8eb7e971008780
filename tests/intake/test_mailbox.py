"""What becomes of a mail."""

from contracts.intake import AutomaticNoted, CasesLinked, LoopSuspected, MailReceived, MailSeen, MailUnreadable
from tests.intake.words import ALI, AYSE, mail, names, opened, scene, with_case, with_resolved


def test_a_mail_becomes_a_case() -> None:
    said = scene().when(mail())
    assert names(said) == ["customer-known", "case-opened", "mail-seen"]
    assert (opened(said).channel, opened(said).verified) == ("email", False)


def test_the_same_message_id_makes_nothing_new_for_ever() -> None:
    at = scene()
    at.when(mail(1))
    assert at.later(days=100).when(mail(1, text="changed")) == []


def test_the_same_message_id_of_another_sender_is_another_mail() -> None:
    at = scene()
    at.when(mail(1))
    assert opened(at.when(mail(1, ALI))).contact == ALI


def test_the_same_content_under_another_id_within_an_hour_makes_nothing_new() -> None:
    at = scene()
    first = opened(at.when(mail(1)))
    [seen] = at.later(minutes=60).when(mail(2))
    assert isinstance(seen, MailSeen)
    assert (seen.repeat, seen.case) == (True, first.case)


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


def test_a_bounce_marks_nobody_who_takes_no_part_in_the_case() -> None:
    at, opening = with_case()
    at.when(mail(1, ALI))
    said = at.when(mail(2, "c" * 32, case=opening.case, automatic="bounce", bounced=ALI))
    assert names(said) == ["automatic-noted"]


def test_a_bounce_that_only_claims_to_answer_marks_nobody() -> None:
    at = scene()
    at.when(mail(1))
    assert names(at.when(mail(2, ALI, references=("m1",), automatic="bounce"))) == ["automatic-noted"]


def many(count: int, minutes: float = 1) -> tuple[list[str], list[LoopSuspected]]:
    at = scene()
    said = [names(at.later(minutes=minutes).when(mail(n, text=f"text {n}"))) for n in range(count)]
    return ["+".join(s) for s in said], [e for e in at.said if isinstance(e, LoopSuspected)]


def test_more_than_twenty_mails_in_an_hour_are_suspected_once_and_then_noted() -> None:
    said, suspected = many(25)
    assert said[19] == "case-opened+mail-seen"
    assert said[20] == "loop-suspected+automatic-noted"
    assert said[21:] == ["automatic-noted"] * 4
    assert [(e.count, e.window) for e in suspected] == [(21, 3600)]


def test_twenty_mails_an_hour_are_no_loop() -> None:
    assert many(60, minutes=3.2)[1] == []


def test_a_suspected_sender_still_reaches_his_own_case() -> None:
    at, opening = with_case()
    for n in range(22):
        at.when(mail(n, text=f"text {n}"))
    assert "message-received" in names(at.when(mail(99, text="önemli", case=opening.case)))


def test_an_unreadable_mail_is_quarantined_once() -> None:
    at = scene()
    broken = MailUnreadable(message="m1", contact="unknown", reason="timed-out")
    assert names(at.when(broken)) == ["message-quarantined"]
    assert at.when(broken) == []
    assert at.tables["quarantine"]["m1"]["reason"] == "timed-out"


def test_every_mail_is_in_the_view_with_what_became_of_it() -> None:
    at = scene()
    at.when(mail(1))
    at.when(mail(2))
    at.when(mail(3, automatic="precedence"))
    assert [(r.get("sign"), r.get("repeat")) for r in at.tables["mails"].values()] == [
        (None, False), (None, True), ("precedence", None),
    ]  # fmt: skip


def test_ten_answered_ids_are_looked_up_at_most() -> None:
    at = scene()
    at.when(mail(1))
    far = mail(2, text="b", references=(*(f"x{n}" for n in range(10)), "m1"))
    assert isinstance(far, MailReceived)
    assert "case-opened" in names(at.when(far))
