"""Turkish, English or other, however it is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.language import detect
from services.classifier.train import seed_examples
from shared.core.text import fold

TURKISH = """kargom nerede|iade|para iadesi|paramı geri verin|internet yok|IADE ISTIYORUM|tesekkurler|faturam yuksek
hat cekmiyor|iptal|siparis gelmedi|merhaba|ŞİFREMİ UNUTTUM|sifremi unuttum|kart limiti doldu|Vefa'dan aldım, bozuk çıktı
This Is Us dizisini izliyordum ve yayın kesildi|iki haftadir bekliyorum hala ses yok"""
ENGLISH = """where is my order|refund|money back|no internet|thanks|my bill is too high|cancel|hello|forgot password
order not arrived|WHERE IS MY PARCEL|terrible service|I can't log in|my order from Çankaya has not arrived"""
OTHER = """Wo bleibt meine Bestellung?|Ich warte seit zwei Wochen auf mein Paket|Où est mon colis ?|Bonjour
Je n'ai jamais reçu ma commande|¿Dónde está mi pedido?|No he recibido mi dinero|Dov'è il mio pacco?
Non ho ancora ricevuto il rimborso|Onde está minha encomenda?|Waar blijft mijn bestelling?|Ik wil mijn geld terug
Gdzie jest moja paczka?|Где мой заказ?|أين طلبي؟|我的包裹在哪里|Mənim sifarişim haradadır|Πού είναι το δέμα μου;
Var är mitt paket?|Unde este coletul meu?|Hol van a csomagom?"""


def lines(listed: str) -> list[str]:
    return listed.replace("\n", "|").split("|")


@pytest.mark.parametrize("text", lines(TURKISH))
def test_short_turkish_is_turkish_also_in_ascii(text: str) -> None:
    assert detect(text).language == detect(fold(text)).language == "tr"


@pytest.mark.parametrize("text", lines(ENGLISH))
def test_short_english_is_english_also_in_capitals(text: str) -> None:
    assert detect(text).language == detect(text.upper()).language == "en"


@pytest.mark.parametrize("text", lines(OTHER))
def test_another_language_is_other(text: str) -> None:
    assert detect(text).language == "other"


def test_our_own_texts_are_found_in_their_language_as_written_in_ascii_and_in_capitals() -> None:
    texts = [example.text for example in seed_examples()]
    turkish = [text for text in texts if any(letter in "ığşçöü" for letter in text)]
    for typed in (str, fold, str.upper):
        missed = [text for text in turkish if detect(typed(text)).language != "tr"]
        assert len(missed) < 0.01 * len(turkish), missed


@pytest.mark.parametrize("text", ["", "  ", "12345 !!", "https://ornek.example/iade", "destek@ornek.example", "🙂"])
def test_a_text_without_words_is_other_and_says_that_nothing_spoke_for_it(text: str) -> None:
    assert (detect(text).language, detect(text).score) == ("other", 0.0)


def test_a_link_or_handle_does_not_decide() -> None:
    assert detect("@the_best_of_you kargom nerede https://where.is/my/order").language == "tr"


@given(st.text(max_size=200))
def test_any_text_has_a_language_and_a_score(text: str) -> None:
    found = detect(text)
    assert found.language in ("tr", "en", "other")
    assert 0 <= found.score <= 1
