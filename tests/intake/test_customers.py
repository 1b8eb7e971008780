"""Customers and their contact points: known, changed, allowed, bounced, erased."""

import pytest

from contracts.intake import (
    ChangeConsent,
    ConsentGiven,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    DuplicateSuspected,
    EraseCustomer,
    KeysDestroyed,
    MasterKeyRotated,
    RotateMasterKey,
    RotationTried,
)
from contracts.notification import NoticeBounced
from contracts.outside import ConsentChanged, CustomerChanged
from shared.core.world import Refused
from tests.intake.words import ALI, AYSE, complaint, contact_in, mail, opened, scene, with_case, wrote
from tests.scene import Scene, names


def changed(contact: str = AYSE, **more: object) -> CustomerChanged:
    return CustomerChanged(contact=contact, contact_kind="mail", address=f"{contact[0]}@example.com", **more)


def test_another_system_makes_a_customer_known() -> None:
    [known] = scene().when(changed(name="Ayşe Kaya", tier="gold", tags=("vip",), language="tr"))
    assert isinstance(known, CustomerKnown)
    assert (known.first, known.tier, known.tags, known.language) == (True, "gold", ("vip",), "tr")


def test_what_is_known_is_not_said_again() -> None:
    at = scene()
    at.when(changed(tier="gold"))
    assert at.when(changed(tier="gold")) == []
    assert names(at.when(changed(tier="silver"))) == ["customer-known"]


def test_a_known_language_is_the_language_of_the_next_case() -> None:
    at = scene()
    at.when(changed(language="en"))
    assert opened(at.when(complaint())).language == "en"


def consent(given: bool, **more: object) -> ConsentChanged:
    return ConsentChanged(contact=AYSE, channel="email", given=given, origin="web", **more)


def test_a_consent_is_said_when_it_changes() -> None:
    at, _ = with_case()
    assert names(at.when(consent(True))) == ["consent-given"]
    assert at.when(consent(True)) == []
    assert names(at.when(consent(False))) == ["consent-withdrawn"]


def test_a_consent_of_somebody_new_makes_him_known() -> None:
    assert names(scene().when(consent(True, contact_kind="mail", address="a@example.com"))) == [
        "customer-known", "consent-given",
    ]  # fmt: skip


def test_a_consent_of_a_customer_is_for_the_contact_points_that_the_channel_reaches() -> None:
    at, opening = with_case()
    said = at.when(ChangeConsent(customer=opening.customer, channel="email", given=True, origin="call"))
    assert [e.contact for e in said if isinstance(e, ConsentGiven)] == [AYSE]
    with pytest.raises(Refused, match="sms"):
        at.when(ChangeConsent(customer=opening.customer, channel="sms", given=True, origin="call"))
    with pytest.raises(Refused, match="contact"):
        at.when(ChangeConsent(customer=opening.customer, contact=ALI, channel="email", given=True, origin="call"))


def test_a_bounce_is_said_once_until_the_customer_writes() -> None:
    at, opening = with_case()
    bounce = NoticeBounced(notice="n", contact=AYSE, template="t", case=opening.case, cause="c", cause_topic="x")
    assert names(at.when(bounce)) == ["contact-bounced"]
    assert at.when(bounce) == []
    at.when(mail())
    assert names(at.when(bounce)) == ["contact-bounced"]


def test_a_bounce_of_staff_is_nobodys() -> None:
    bounce = NoticeBounced(notice="n", contact="agent:1", template="t", cause="c", cause_topic="x")
    assert scene().when(bounce) == []


def erased() -> tuple[Scene, str, str]:
    at, opening = with_case()
    assert at.when(EraseCustomer(customer=opening.customer, regime="kvkk", by="sup")) == []
    return at, opening.customer, opening.case


def destroyed(at: Scene, customer: str) -> KeysDestroyed:
    return KeysDestroyed(
        customer=customer, contacts=(AYSE,), regime="kvkk", destroyed_at=at.at, rotation_outstanding=True
    )


def test_an_erasure_opens_an_effect_and_is_certified_when_the_keys_are_gone() -> None:
    at, customer, _ = erased()
    assert at.tables["effects"][f"erase:{customer}"]["kind"] == "erase"
    forgotten, gone = at.when(destroyed(at, customer))
    assert isinstance(forgotten, ContactForgotten)
    assert isinstance(gone, CustomerErased)
    assert forgotten.certificate == gone.certificate
    assert at.tables["effects"] == {}
    assert at.when(destroyed(at, customer)) == []


def test_an_exchange_of_the_master_key_is_tried_until_it_is_done_and_then_said() -> None:
    at = scene()
    assert at.when(RotateMasterKey(by="ops")) == []
    assert at.tables["effects"]["rotate"]["attempt"] == 0
    assert at.when(RotationTried(rotated_at=None, problem="PermissionError", attempt=1)) == []
    assert at.tables["effects"]["rotate"]["attempt"] == 1
    assert at.when(RotationTried(rotated_at=at.at, attempt=2)) == [MasterKeyRotated(rotated_at=at.at)]
    assert at.tables["effects"] == {}
    assert [row["at"] for row in at.tables["rotations"].values()] == [at.at]


def test_an_unknown_regime_and_an_unknown_customer_are_refused() -> None:
    at, opening = with_case()
    with pytest.raises(Refused, match="kvkk"):
        at.when(EraseCustomer(customer=opening.customer, regime="kvk", by="sup"))
    with pytest.raises(Refused, match="no such customer"):
        at.when(EraseCustomer(customer="nobody", regime="kvkk", by="sup"))


def test_an_erased_customer_is_gone() -> None:
    at, customer, _ = erased()
    at.when(destroyed(at, customer))
    with pytest.raises(Refused) as refused:
        at.when(EraseCustomer(customer=customer, regime="kvkk", by="sup"))
    assert refused.value.status == 410


def test_the_next_message_of_a_forgotten_contact_is_a_new_customers() -> None:
    at, customer, _ = erased()
    at.when(destroyed(at, customer))
    assert contact_in(at).customer is None
    said = at.later(days=1).when(complaint())
    assert names(said) == ["customer-known", "case-opened"]
    assert opened(said).customer != customer
    assert opened(said).contacts_before == 0


def test_an_answer_to_a_case_of_an_erased_customer_opens_a_case_that_is_linked_to_nothing() -> None:
    at, customer, case = erased()
    at.when(destroyed(at, customer))
    said = at.when(wrote(case, contact_kind="mail", address="a@example.com"))
    assert names(said) == ["customer-known", "case-opened"]
    assert opened(said).follows is None


def test_numbers_and_counts_stay_as_they_were_after_an_erasure() -> None:
    at, customer, case = erased()
    before = {name: dict(at.tables[name]) for name in ("cases", "volume", "numbers", "messages")}
    at.when(destroyed(at, customer))
    assert {name: at.tables[name] for name in before} == before
    assert at.tables["customers"][customer]["certificate"]
    assert at.tables["contacts"][AYSE]["forgotten"] is True
    assert at.tables["cases"][case]["customer"] == customer


# one person with several addresses
def customers(said: list[object]) -> list[str]:
    return [e.customer for e in said if isinstance(e, CustomerKnown)]


def test_a_second_address_with_the_same_id_elsewhere_is_the_same_customer() -> None:
    at = scene()
    [first] = customers(at.when(changed(external_id="crm-7")))
    [known] = at.when(changed(ALI, external_id="crm-7"))
    assert isinstance(known, CustomerKnown)
    assert (known.customer, known.contact, known.first) == (first, ALI, False)


def test_what_both_addresses_write_is_one_customers() -> None:
    at = scene()
    [first] = customers(at.when(changed(external_id="crm-7")))
    at.when(changed(ALI, external_id="crm-7"))
    assert {opened(at.when(complaint(who))).customer for who in (AYSE, ALI)} == {first}


def test_another_id_elsewhere_is_another_customer() -> None:
    at = scene()
    at.when(changed(external_id="crm-7"))
    [known] = at.when(changed(ALI, external_id="crm-8"))
    assert isinstance(known, CustomerKnown)
    assert known.first


def test_two_customers_with_one_id_elsewhere_are_offered_as_one_and_not_merged() -> None:
    at = scene()
    ayse, ali = opened(at.when(complaint(AYSE))).customer, opened(at.when(complaint(ALI))).customer
    at.when(changed(AYSE, external_id="crm-7"))
    [suspected] = at.when(changed(ALI, external_id="crm-7"))
    assert isinstance(suspected, DuplicateSuspected)
    assert (suspected.customer, suspected.other) == (ayse, ali)
    assert at.memory[f"contact:{ALI}"].customer == ali
    assert at.when(changed(ALI, external_id="crm-7")) == []
    assert [row["other"] for row in at.tables["duplicates"].values()] == [ali]


def test_an_id_elsewhere_that_comes_later_belongs_to_who_was_known() -> None:
    at = scene()
    ayse = opened(at.when(complaint(AYSE))).customer
    assert customers(at.when(changed(AYSE, external_id="crm-7"))) == [ayse]
    assert customers(at.when(changed(ALI, external_id="crm-7"))) == [ayse]


def test_the_id_of_somebody_who_was_erased_leads_nowhere() -> None:
    at = scene()
    [first] = customers(at.when(changed(external_id="crm-7")))
    at.when(KeysDestroyed(
        customer=first, contacts=(AYSE,), regime="kvkk", destroyed_at=at.at, rotation_outstanding=False
    ))  # fmt: skip
    [known] = at.when(changed(ALI, external_id="crm-7"))
    assert isinstance(known, CustomerKnown)
    assert known.first
    assert known.customer != first
