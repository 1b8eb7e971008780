"""Given, when, then: rules before the model before the default, what a person set stays, and each says why."""

from typing import Any

import pytest

from contracts.classifier import CaseClassified, ClassificationCorrected, ReviewRequested
from shared.core.personal import Personal
from shared.core.world import Refused

from .desk import SURE, UNSURE, Desk, document, first, opening

STRICT = {"auto": 0.999, "suggest": 0.998}
"""Bands that leave to a person whatever has no fitted threshold of its own."""


def rule(name: str, *words: str, **then: Any) -> dict[str, Any]:
    return {"name": name, "words": list(words), "then": then}


# what decides
def test_the_model_labels_a_text_and_says_how_sure_it_is_and_by_which_words() -> None:
    topic = Desk().opened(SURE).topic
    assert (topic.value, topic.source, topic.band) == ("delivery", "model", "auto")
    assert topic.score is not None
    assert topic.score > 0.9
    assert len(topic.top) == 3
    assert topic.top[0].value == "delivery"
    assert "parcel" in topic.words


def test_a_rule_overrules_model_and_sender_and_is_named() -> None:
    desk = Desk(rules=[rule("parcels", "parcel", topic="quality", kind="praise", urgency=0)])
    said = desk.opened(SURE, topic="refund", kind="complaint")
    assert [(label.value, label.source, label.rule) for label in (said.topic, said.kind, said.urgency)] == [
        ("quality", "rule", "parcels"), ("praise", "rule", "parcels"), ("0", "rule", "parcels"),
    ]  # fmt: skip


def test_the_first_rule_has_the_last_word_and_the_others_fill_what_it_leaves_open() -> None:
    desk = Desk(
        rules=[rule("first", "parcel", urgency=2, tags=["a"]), rule("second", "late", urgency=0, topic="other")]
    )
    said = desk.opened(SURE)
    assert (said.urgency.rule, said.topic.rule, said.tags) == ("first", "second", ("a",))


def test_what_the_sender_said_is_kept_where_no_rule_speaks() -> None:
    said = Desk().opened(SURE, topic="refund", kind="praise", language="en")
    assert [(label.value, label.source) for label in (said.topic, said.kind, said.language)] == [
        ("refund", "sender"), ("praise", "sender"), ("en", "sender"),
    ]  # fmt: skip


def test_a_topic_of_the_sender_that_the_company_does_not_have_is_left_to_the_model() -> None:
    assert Desk().opened(SURE, topic="astrology").topic.source == "model"


def test_a_topic_of_the_model_that_the_company_does_not_have_becomes_the_rest() -> None:
    topics = {name: topic for name, topic in document()["topics"].items() if name != "delivery"}
    topic = Desk(topics=topics).opened(SURE).topic
    assert (topic.value, topic.source) == ("other", "default")


@pytest.mark.parametrize(
    "text", ["İADE istiyorum", "iade istiyorum", "IADE ISTIYORUM", "ıade ıstıyorum", "İadem nerede"]
)
def test_a_rule_finds_a_word_in_any_letters_and_with_its_suffixes(text: str) -> None:
    said = Desk(rules=[rule("returns", "iade*", topic="return")]).opened(text)
    assert said.topic.rule == "returns"


def test_a_rule_does_not_find_a_word_within_another() -> None:
    said = Desk(rules=[rule("passes", "pass", topic="account")]).opened("The compass is broken")
    assert said.topic.rule is None


def test_a_rule_may_ask_for_channel_and_form() -> None:
    wanted = {"name": "calls", "channel": ["phone"], "form": ["complaint"], "then": {"urgency": 2}}
    desk = Desk(rules=[wanted])
    assert desk.opened(SURE, "a", channel="phone", form="complaint").urgency.rule == "calls"
    assert desk.opened(SURE, "b", channel="web").urgency.rule is None
    assert desk.opened(SURE, "c", channel="phone", form="lead").urgency.rule is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [("Ütü çarptı beni", "safety"), ("Avukatıma gidiyorum", "legal"), ("Kartım çalıntı, dolandırıldım", "fraud")],
)
def test_the_shipped_rules_make_safety_law_and_fraud_urgent(text: str, tag: str) -> None:
    said = Desk().opened(text)
    assert (said.urgency.value, said.tags, said.priority) == ("2", (tag,), "urgent")


@pytest.mark.parametrize(
    ("text", "language"),
    [("Kargom beş gündür gelmedi", "tr"), ("kargom bes gundur gelmedi", "tr"), (SURE, "en"),
     ("Wo bleibt meine Bestellung? Ich warte seit einer Woche auf mein Paket.", "other")],
)  # fmt: skip
def test_the_language_is_found_also_in_turkish_without_its_letters(text: str, language: str) -> None:
    assert Desk().opened(text).language.value == language


@pytest.mark.parametrize(("text", "source"), [("", "default"), ("12345", "default"), ("Kargom gelmedi", "model")])
def test_a_language_that_nothing_speaks_for_is_a_default(text: str, source: str) -> None:
    assert Desk().opened(text, subject="").language.source == source


def test_a_case_is_classified_once() -> None:
    desk = Desk()
    desk.opened()
    assert desk.when(opening()) == []


# bands
def test_an_unsure_label_waits_for_a_person_with_its_three_best() -> None:
    said = Desk().when(opening(UNSURE))
    review = next(e for e in said if isinstance(e, ReviewRequested) and e.head == "topic")
    classified = first(CaseClassified, said)
    assert classified.topic.band == "review"
    assert (review.value, review.score) == (classified.topic.value, classified.topic.score)
    assert len(review.top) == 3


def test_a_label_that_is_likely_is_offered_and_nobody_is_asked() -> None:
    said = Desk(bands={"auto": 0.999, "suggest": 0.1}).when(opening("merhaba"))
    assert first(CaseClassified, said).topic.band == "suggest"
    assert not [e for e in said if isinstance(e, ReviewRequested)]


def test_only_topic_and_kind_are_worth_a_question() -> None:
    said = Desk(bands={"auto": 0.999, "suggest": 0.998}).when(opening(f"{UNSURE} nedir"))
    assert {e.head for e in said if isinstance(e, ReviewRequested)} == {"topic", "kind"}


@pytest.mark.parametrize("text", [UNSURE, "asdf qwer", "hmm"])
def test_where_the_topic_is_unsure_a_case_is_normal_until_somebody_says(text: str) -> None:
    said = Desk(bands=STRICT).opened(text)
    assert (said.topic.band, said.topic.chosen, said.priority) == ("review", None, "normal")
    assert said.arithmetic.startswith("topic and urgency wait for a person")


def test_a_confirmed_topic_counts_and_then_the_models_urgency_counts_too() -> None:
    desk = Desk(bands=STRICT)
    value = desk.opened(UNSURE).topic.value
    said = first(CaseClassified, desk.corrected("topic", value))
    assert (said.topic.source, said.topic.chosen) == ("human", value)
    assert "topic" not in said.arithmetic.partition("=")[0]


def test_a_rule_chooses_beside_a_guess_that_waits() -> None:
    said = Desk(bands=STRICT).opened("xyzzy acil!")
    assert said.urgency.source == "rule"
    assert (said.topic.band, said.priority) == ("review", "high")
    assert said.arithmetic.startswith("topic waits for a person; impact 2 x urgency 2 = 4")


def test_what_a_sender_said_chooses_and_an_unsure_urgency_counts_as_one() -> None:
    said = Desk(bands=STRICT).opened(UNSURE, topic="fault")
    assert (said.urgency.chosen, said.priority) == (None, "high")
    assert said.arithmetic.startswith("urgency waits for a person; impact 3 x urgency 1 = 3")


@pytest.mark.parametrize("text", ["", " \n ", "...", "📷", "!!!"])
def test_a_photo_alone_is_about_nothing_in_particular_and_a_person_looks_at_it(text: str) -> None:
    said = Desk().when(opening(text))
    classified = first(CaseClassified, said)
    assert (classified.topic.value, classified.topic.source, classified.priority) == ("other", "default", "normal")
    assert [e.head for e in said if isinstance(e, ReviewRequested)] == ["kind"]


def test_a_subject_alone_is_read() -> None:
    said = Desk().opened("", subject=Personal("48213 nolu siparişim gelmedi, kargo nerede"))
    assert (said.topic.value, said.topic.band) == ("delivery", "auto")


def test_a_mail_of_thanks_is_praise_and_nobodys_complaint() -> None:
    said = Desk().opened("Kuryeniz çok nazikti, teşekkürler", channel="email", form="none")
    assert (said.kind.value, said.kind.source, said.priority) == ("praise", "rule", "low")


@pytest.mark.parametrize(
    "text",
    ["We offer guest posts, DA90+ backlinks and link building packages.", "Fatura satılır, uygun fiyata kesilir"],
)
def test_an_offer_is_low_and_spam_whatever_it_is_guessed_to_be_about(text: str) -> None:
    said = Desk().opened(text)
    assert (said.tags, said.priority) == (("spam",), "low")


@pytest.mark.parametrize("text", ["Bayiniz olmak istiyorum, şartlar nedir?", "Can I get a quote for 500 mugs?"])
def test_who_wants_to_buy_or_to_be_a_dealer_is_a_lead_and_nobody_is_asked(text: str) -> None:
    said = Desk().when(opening(text))
    labels = first(CaseClassified, said)
    assert (labels.kind.value, labels.kind.source, labels.topic.value, labels.tags) == ("lead", "rule", "other", ())
    assert not [event for event in said if isinstance(event, ReviewRequested)]


# priority
def test_a_priority_is_impact_times_urgency_plus_modifiers_in_words() -> None:
    desk = Desk(rules=[rule("urgent", "parcel", urgency=2)])
    desk.tier("gold")
    said = desk.opened(SURE, contacts_before=2)
    assert said.priority == "urgent"
    assert said.arithmetic == ("impact 2 x urgency 2 = 4; repeat contact +1; tier gold +1; 6 points -> urgent")


@pytest.mark.parametrize(("before", "priority"), [(1, "high"), (2, "high"), (9, "high")])
def test_a_contact_counts_as_repeated_from_the_second_on(before: int, priority: str) -> None:
    desk = Desk(rules=[rule("urgent", "parcel", urgency=2)], matrix=[1, 4, 9])
    said = desk.opened(SURE, contacts_before=before)
    assert ("repeat contact" in said.arithmetic, said.priority) == (before >= 2, priority)


def test_an_escalation_raises_the_priority_once_per_level() -> None:
    desk = Desk(rules=[rule("calm", "parcel", urgency=0)])
    assert desk.opened().priority == "low"
    assert first(CaseClassified, desk.escalated("near")).priority == "normal"
    assert desk.escalated("near") == []
    raised = first(CaseClassified, desk.escalated("over"))
    assert (raised.priority, raised.revision) == ("high", 3)
    assert "raised by escalation +2" in raised.arithmetic


# what a person sets
def test_a_correction_says_what_was_and_counts_the_priority_anew() -> None:
    desk = Desk(rules=[])
    before = desk.opened(SURE)
    said = desk.corrected("urgency", "2")
    corrected, again = first(ClassificationCorrected, said), first(CaseClassified, said)
    assert (corrected.before, corrected.value, corrected.by) == (before.urgency.value, "2", "ece")
    assert corrected.model == before.urgency.model
    assert (again.urgency.value, again.urgency.source, again.revision) == ("2", "human", 2)
    assert again.topic.model_copy(update={"words": ()}) == before.topic.model_copy(update={"words": ()})
    assert again.priority == "high"


def test_what_a_person_set_stays_when_a_machine_speaks_again() -> None:
    desk = Desk()
    desk.opened(SURE)
    desk.corrected("topic", "refund")
    assert first(CaseClassified, desk.escalated()).topic.source == "human"


def test_a_second_correction_is_not_held_against_the_model() -> None:
    desk = Desk()
    desk.opened(SURE)
    desk.corrected("topic", "refund")
    again = first(ClassificationCorrected, desk.corrected("topic", "billing"))
    assert (again.before, again.model) == ("refund", None)


def test_a_value_that_is_none_is_refused_with_those_that_are() -> None:
    desk = Desk()
    desk.opened()
    with pytest.raises(Refused, match=r"unknown-value.*delivery"):
        desk.corrected("topic", "astrology")
    with pytest.raises(Refused, match="use one of 0, 1, 2"):
        desk.corrected("urgency", "9")


def test_a_case_that_nobody_classified_is_not_corrected() -> None:
    with pytest.raises(Refused, match="unknown-case"):
        Desk().corrected("topic", "refund")
