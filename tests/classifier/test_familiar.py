"""Texts whose words the model does not know wait for a person; a short ordinary concern is answered as before."""

import pytest

from contracts.classifier import CaseClassified, ReviewRequested
from services.classifier import domain

from .desk import Desk, first, opening

NO_WORDS = [
    "asdf qwer zxcv",
    "xkjhg 8273 qqwpo",
    "fjdkslajfkdlsajfkdl djskalfjdkslajf",
    "asdasd",
    "jkljkl",
    "hmm",
    "aaa bbb ccc",
    "blabla",
    "qwertyuiop",
]
NUMBERS = ["48213", "48213 nolu", "V-2026-000123", "TR123456789", "ABC-9981-XX", "12.03.2026", "0532 000 00 00"]
FOREIGN = [
    "Wo bleibt meine Bestellung? Ich warte seit einer Woche auf mein Paket.",
    "wo ist mein paket",
    "Das Gerät ist kaputt und niemand antwortet mir",
    "Où est ma commande ? J'attends depuis deux semaines",
    "Ma facture est fausse",
    "¿Dónde está mi pedido? Llevo dos semanas esperando",
    "La factura es incorrecta, me cobraron dos veces",
    "Il mio pacco non è arrivato",
    "Mijn pakket is niet aangekomen",
    "Minha encomenda não chegou",
    "Nie dostałem paczki",
    "Sifarişim gəlmədi",
    "Где мой заказ?",
    "أين طلبي",
    "我的包裹在哪里",
]
ORDINARY = [
    ("kargo nerede", "delivery"),
    ("siparis 48213", "delivery"),
    ("48213 nolu siparişim gelmedi", "delivery"),
    ("modem", "fault"),
    ("otp gelmiyor", "fault"),
    ("netflix açılmıyor", "fault"),
    ("şifre", "account"),
    ("lanet turkcell", None),
    ("ürün bozuk", "quality"),
    ("faturamı anlamadım", "billing"),
    ("buzdolabı ses yapıyor", None),
    ("kurye suratsız", "delivery"),
    ("refund", "refund"),
    ("app crashes", "fault"),
    ("login fails", "account"),
    ("passcode retrieval", None),
    ("password", "account"),
    ("cracked screen", "quality"),
    ("wrong size", "return"),
    ("my paket is late", None),
    ("Wizz Air uçuşum iptal oldu", None),
    ("Samsung Galaxy S24 Ultra ekranı kırık geldi", None),
]


@pytest.mark.parametrize("text", NO_WORDS + NUMBERS + FOREIGN)
def test_a_text_of_unknown_words_chooses_nothing_and_a_person_is_asked(text: str) -> None:
    said = Desk().when(opening(text))
    classified = first(CaseClassified, said)
    assert (classified.topic.chosen, classified.kind.chosen, classified.urgency.chosen) == (None, None, None)
    assert (classified.sentiment.chosen, classified.action.chosen) == (None, None)
    assert {event.head for event in said if isinstance(event, ReviewRequested)} == {"topic", "kind"}
    assert classified.priority == "normal"


@pytest.mark.parametrize(("text", "topic"), ORDINARY)
def test_a_short_concern_of_known_words_is_answered_as_before(
    text: str, topic: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Desk().opened(text)
    assert said.topic.chosen == topic or topic is None
    monkeypatch.setattr(domain, "familiar", lambda *_: True)
    assert Desk().opened(text) == said


def test_a_rule_and_the_sender_still_choose_where_the_model_knows_no_word() -> None:
    said = Desk().opened("xkjhg qqwpo zxcv plugh acil!", topic="fault")
    assert (said.topic.chosen, said.urgency.chosen, said.kind.chosen) == ("fault", "2", None)
