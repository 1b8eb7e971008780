"""Whose mails go on with which case: colleagues in copy, second addresses, and who takes part."""

from typing import Any

import pytest

from contracts.intake import (
    CaseOpened,
    CasesLinked,
    Copied,
    CustomerKnown,
    LinkCases,
    MessageReceived,
    ParticipantAdded,
    Reply,
    StatusChanged,
)
from services.intake import domain
from services.intake.policy import IntakePolicy
from services.intake.views import views
from tests.intake.words import ALI, AYSE, POLICY, case_in, complaint, mail, opened, scene, with_case
from tests.scene import Scene, names

CEM = "c" * 32


def copied(*contacts: str) -> tuple[Copied, ...]:
    return tuple(Copied(contact=c, address=f"{c[0]}@example.com", name=c[0].upper()) for c in contacts)


def joining() -> Scene:
    document = POLICY.model_copy(update={"mail": POLICY.mail.model_copy(update={"participants": "join"})})
    return Scene(
        domain.decider, views, {"intake": ("intake", document.model_dump_json())},
        parsers={"intake": IntakePolicy.model_validate_json},
    )  # fmt: skip


def cases(said: list[Any]) -> list[str]:
    return [e.case for e in said if isinstance(e, MessageReceived | CaseOpened)]


def test_the_second_mail_of_a_foreign_sender_goes_on_with_the_case_of_the_first() -> None:
    at, opening = with_case()
    first = opened(at.when(mail(1, ALI, case=opening.case, text="Ben de ekleyeyim.")))
    for number, text in enumerate(("Disk de doldu.", "Hâlâ bekliyoruz."), 2):
        assert cases(at.when(mail(number, ALI, case=opening.case, text=text))) == [first.case]
    assert len(at.tables["cases"]) == 2


def test_so_does_who_answers_a_mail_of_the_customer_without_a_token() -> None:
    at = scene()
    at.when(mail(1))
    first = opened(at.when(mail(2, ALI, references=("m1",), text="Ben de.")))
    assert cases(at.when(mail(3, ALI, references=("m1",), text="Ben de, yine."))) == [first.case]


def test_two_foreign_senders_have_a_case_each() -> None:
    at, opening = with_case()
    first = {contact: opened(at.when(mail(1, contact, case=opening.case))).case for contact in (ALI, CEM)}
    assert len(set(first.values())) == 2
    for contact, case in first.items():
        assert cases(at.when(mail(2, contact, case=opening.case, text="Dahası var."))) == [case]


def test_another_matter_of_the_foreign_sender_is_a_case_of_its_own() -> None:
    at, opening = with_case()
    first = opened(at.when(mail(1, ALI, case=opening.case)))
    assert opened(at.when(mail(2, ALI, text="Faturam yanlış."))).case != first.case


def test_a_foreign_sender_never_writes_into_the_case_itself() -> None:
    at, opening = with_case()
    before = case_in(at, opening.case).version
    for number in range(3):
        at.when(mail(number, ALI, case=opening.case, text=f"Söz {number}"))
    assert case_in(at, opening.case).version == before


def test_the_customer_who_answers_the_colleagues_case_goes_on_with_his_own() -> None:
    at, opening = with_case()
    of_colleague = opened(at.when(mail(1, ALI, case=opening.case)))
    assert cases(at.when(mail(2, AYSE, case=of_colleague.case, text="Ayşe burada."))) == [opening.case]


def test_a_link_by_hand_brings_the_owner_of_the_other_case_to_that_one() -> None:
    at, opening = with_case()
    other = opened(at.when(complaint(ALI)))
    at.when(LinkCases(case=opening.case, other=other.case, by="agent:1"))
    assert cases(at.when(mail(1, ALI, case=opening.case, text="Ek bilgi."))) == [other.case]


def test_whom_a_mail_went_to_as_well_is_known_and_takes_part() -> None:
    at = scene()
    said = at.when(mail(copies=copied(ALI, CEM)))
    opening = opened(said)
    assert [e.contact for e in said if isinstance(e, ParticipantAdded)] == [ALI, CEM]
    known = {e.contact: e.customer for e in said if isinstance(e, CustomerKnown)}
    assert len(set(known.values())) == 3
    assert {row["contact"] for row in at.tables["participants"].values()} == {ALI, CEM}
    assert "participant-added" not in names(at.when(mail(2, case=opening.case, text="Ek.", copies=copied(ALI))))


def test_the_customers_own_second_address_is_no_participant() -> None:
    at, opening = with_case()
    said = at.when(mail(1, case=opening.case, text="Ek.", copies=copied(AYSE)))
    assert "participant-added" not in names(said)


def test_a_case_has_twenty_participants_at_most() -> None:
    at = scene()
    opening = opened(at.when(mail(copies=copied(*(f"{n:032x}" for n in range(30))))))
    assert len(case_in(at, opening.case).participants) == 20


def test_a_foreign_senders_copies_take_part_in_his_case_and_not_in_the_customers() -> None:
    at, opening = with_case()
    own = opened(at.when(mail(1, ALI, case=opening.case, copies=copied(CEM))))
    assert [e.case for e in at.said if isinstance(e, ParticipantAdded)] == [own.case]


def waiting(at: Scene, **more: Any) -> CaseOpened:
    opening = opened(at.when(mail(copies=copied(ALI), **more)))
    at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="Hangi model?", status="waiting_customer"))
    return opening


@pytest.mark.parametrize(("text", "after"), [("Model X200.", "open"), ("Teşekkürler", "waiting_customer")])
def test_a_participants_answer_is_a_linked_case_and_ends_waiting(text: str, after: str) -> None:
    at = scene()
    opening = waiting(at)
    said = at.when(mail(2, ALI, case=opening.case, text=text))
    own = opened(said)
    assert [(e.case, e.other, e.why, e.contact) for e in said if isinstance(e, CasesLinked)] == [
        (own.case, opening.case, "participant", ALI)
    ]
    assert case_in(at, opening.case).category == after


def test_a_strangers_answer_does_not_end_waiting() -> None:
    at = scene()
    opening = waiting(at)
    assert not [e for e in at.when(mail(2, CEM, case=opening.case, text="Model X200.")) if isinstance(e, StatusChanged)]


def test_a_participants_later_answers_end_waiting_too() -> None:
    at = scene()
    opening = waiting(at)
    own = opened(at.when(mail(2, ALI, case=opening.case, text="Model X200.")))
    at.when(Reply(case=opening.case, contact=AYSE, by="agent:1", text="Seri no?", status="waiting_customer"))
    assert cases(at.when(mail(3, ALI, case=opening.case, text="4711."))) == [own.case]
    assert case_in(at, opening.case).category == "open"


def test_where_participants_join_their_mails_become_part_of_the_case() -> None:
    at = joining()
    opening = waiting(at)
    assert cases(at.when(mail(2, ALI, case=opening.case, text="Model X200."))) == [opening.case]
    assert case_in(at, opening.case).category == "open"
    assert opened(at.when(mail(3, CEM, case=opening.case, text="Ben de."))).case != opening.case
