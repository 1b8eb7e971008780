"""What was set aside: read, released as if it had come in now, or dismissed; neither is done twice."""

from typing import Any

import pytest

from contracts.intake import (
    CaseOpened,
    CasesLinked,
    DismissMessage,
    EraseMessage,
    MailReceived,
    MailSeen,
    MailUnreadable,
    MessageErased,
    MessageKeyDestroyed,
    MessageReceived,
    MessageReleased,
    ReleaseMessage,
)
from shared.core.world import Refused
from tests.intake.words import ALI, AYSE, mail, opened, scene, with_case, with_resolved
from tests.scene import Scene, names


def item(at: Scene) -> str:
    [key] = at.tables["set_aside"]
    return str(key)


def state(at: Scene) -> str:
    return str(at.tables["set_aside"][item(at)]["state"])


def release(at: Scene, contact: str = ALI, text: str = "Kargom gelmedi.", **more: Any) -> ReleaseMessage:
    values = {
        "item": item(at), "by": "agent:1", "contact": contact, "address": f"{contact[0]}@example.com",
        "content": "c" * 32, "subject": "Kargo", "text": text,
    } | more  # fmt: skip
    return ReleaseMessage.model_validate(values)


def dismiss(at: Scene, reason: str = "bülten") -> DismissMessage:
    return DismissMessage(item=item(at), by="agent:1", reason=reason)


def set_aside(event: MailReceived | MailUnreadable | None = None, at: Scene | None = None) -> Scene:
    at = at or scene()
    at.when(event or mail(1, ALI, automatic="auto-replied"))
    return at


def test_what_was_set_aside_becomes_a_case_whose_clocks_count_from_when_it_came() -> None:
    at = set_aside()
    came = at.at
    said = at.later(hours=5).when(release(at))
    assert names(said) == ["customer-known", "case-opened", "mail-seen", "message-released"]
    opening = opened(said)
    assert (opening.silent, opening.received_at, opening.text) == ("released", came, "Kargom gelmedi.")
    [released] = [e for e in said if isinstance(e, MessageReleased)]
    assert (released.case, released.by) == (opening.case, "agent:1")
    assert (state(at), at.tables["set_aside"][item(at)]["case"]) == ("released", opening.case)


def test_it_becomes_part_of_the_case_that_it_answers() -> None:
    at, opening = with_case()
    set_aside(mail(1, AYSE, automatic="auto-replied", case=opening.case), at)
    said = at.when(release(at, AYSE))
    assert [(e.case, e.silent) for e in said if isinstance(e, MessageReceived)] == [(opening.case, "released")]


def test_it_reopens_a_resolved_case_and_a_thanks_does_not() -> None:
    for text, expected in (("Yine bozuldu.", True), ("Teşekkürler", False)):
        at, opening = with_resolved()
        set_aside(mail(1, AYSE, automatic="auto-replied", case=opening.case), at)
        assert ("case-reopened" in names(at.when(release(at, AYSE, text)))) is expected


def test_a_foreign_senders_is_a_linked_case() -> None:
    at, opening = with_case()
    set_aside(mail(1, ALI, automatic="auto-replied", case=opening.case), at)
    assert [e.other for e in at.when(release(at)) if isinstance(e, CasesLinked)] == [opening.case]


def test_an_agent_may_append_it_to_any_case() -> None:
    at, opening = with_case()
    set_aside(at=at)
    said = at.when(release(at, into=opening.case))
    assert names(said) == ["customer-known", "message-received", "mail-seen", "message-released"]
    assert [(e.case, e.contact) for e in said if isinstance(e, MessageReceived)] == [(opening.case, ALI)]


def test_answers_to_what_was_released_find_its_case() -> None:
    at = set_aside()
    opening = opened(at.when(release(at)))
    said = at.when(mail(2, ALI, text="Ek bilgi.", references=("m1",)))
    assert [e.case for e in said if isinstance(e, MailSeen)] == [opening.case]


def test_a_copy_that_is_released_is_a_case_of_its_own() -> None:
    at = scene()
    first = opened(at.when(mail(1, ALI)))
    at.when(mail(2, ALI))
    assert opened(at.when(release(at))).case != first.case


def test_what_nothing_could_read_is_released_too() -> None:
    at = set_aside(MailUnreadable(message="m1", contact=ALI, reason="timed-out"))
    assert isinstance(at.when(release(at))[1], CaseOpened)


def refusal(at: Scene, command: Any) -> tuple[str, int]:
    with pytest.raises(Refused) as refused:
        at.when(command)
    return refused.value.code, refused.value.status


def test_nothing_is_released_or_dismissed_twice() -> None:
    at = set_aside()
    at.when(release(at))
    assert refusal(at, release(at)) == ("released", 409)
    assert refusal(at, dismiss(at)) == ("released", 409)
    at = set_aside()
    assert names(at.when(dismiss(at))) == ["message-dismissed"]
    assert state(at) == "dismissed"
    assert refusal(at, dismiss(at)) == ("dismissed", 409)


def test_what_was_dismissed_by_mistake_can_be_released() -> None:
    at = set_aside()
    at.when(dismiss(at))
    assert "case-opened" in names(at.when(release(at)))
    assert state(at) == "released"


def test_what_is_not_there_or_not_said_is_refused() -> None:
    at = set_aside()
    assert refusal(at, dismiss(at, "  ")) == ("required", 422)
    assert refusal(at, release(at, into="nothing")) == ("unknown-case", 404)
    assert refusal(at, release(at, item="x")) == ("unknown-item", 404)
    assert state(at) == "waiting"


NOBODY = MailUnreadable(message="m1", contact="unknown.m1", reason="no-sender")


def erase(at: Scene, regime: str = "kvkk") -> EraseMessage:
    return EraseMessage(item=item(at), regime=regime, by="lead")


def destroyed(at: Scene, *items: str) -> MessageKeyDestroyed:
    return MessageKeyDestroyed(
        item=item(at), items=items or (item(at),), regime="kvkk", by="lead", destroyed_at=at.at,
        rotation_outstanding=True, keys=("k1",),
    )  # fmt: skip


def test_a_mail_that_names_nobody_is_erased_once() -> None:
    at = set_aside(NOBODY)
    assert at.when(erase(at)) == []
    assert state(at) == "waiting"
    [said] = at.when(destroyed(at))
    assert isinstance(said, MessageErased)
    assert (said.contact, said.regime, said.by, said.keys) == ("unknown.m1", "kvkk", "lead", ("k1",))
    assert state(at) == "erased"
    assert at.tables["destroyed"]["k1"]["item"] == item(at)
    assert at.when(destroyed(at)) == []
    for command in (erase(at), dismiss(at), release(at)):
        assert refusal(at, command) == ("erased", 410)


def test_what_was_dismissed_can_be_erased_and_what_is_part_of_a_case_not() -> None:
    at = set_aside(NOBODY)
    at.when(dismiss(at))
    at.when(erase(at))
    assert names(at.when(destroyed(at))) == ["message-erased"]
    at = set_aside(NOBODY)
    at.when(release(at))
    assert refusal(at, erase(at)) == ("released", 409)
    assert at.when(destroyed(at)) == []
    assert state(at) == "released"


def test_the_key_of_a_customer_is_not_destroyed_by_a_mail_of_his() -> None:
    at, _ = with_case()
    set_aside(mail(1, AYSE, automatic="auto-replied"), at)
    assert refusal(at, erase(at)) == ("a-customers", 409)
    at = set_aside()  # nobody's customer
    assert at.when(erase(at)) == []


def test_an_erasure_names_a_law_that_the_policy_knows() -> None:
    at = set_aside(NOBODY)
    assert refusal(at, erase(at, "kvk")) == ("unknown-regime", 422)


def test_every_reason_is_a_row_and_the_day_counts_them() -> None:
    at = scene()
    for number, sign in enumerate(("auto-replied", "bounce", "delayed", "own-id", "bulk")):
        at.when(mail(number, ALI, automatic=sign))
    at.when(MailUnreadable(message="b1", contact="unknown", reason="unreadable"))
    at.when(mail(10))
    at.when(mail(11))
    reasons = [row["reason"] for row in at.tables["set_aside"].values()]
    assert reasons == ["auto-replied", "bounce", "delayed", "own-id", "bulk", "unreadable", "copy"]
    [day] = at.tables["volume"].values()
    assert (day["set_aside"], day["opened"]) == (7, 1)
