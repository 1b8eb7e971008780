"""Folding, words and n-grams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.text import char_ngrams, fold, marks, word_ngrams, words

TURKISH = "abcçdefgğhıijklmnoöprsştuüvyzâîû ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZÂÎÛ.,!'0123456789"


def turkish_capitals(text: str) -> str:
    return text.replace("i", "İ").replace("ı", "I").upper()


def without_diacritics(text: str) -> str:
    return text.translate(str.maketrans("çğıöşüâîûÇĞİÖŞÜÂÎÛI", "cgiosuaiuCGIOSUAIUI"))


@pytest.mark.parametrize(
    "written", ["iade şikâyeti", "İADE ŞİKÂYETİ", "iade sikayeti", "IADE SIKAYETI", "İade Şikayeti"]
)
def test_a_complaint_folds_the_same_however_it_is_typed(written: str) -> None:
    assert fold(written) == "iade sikayeti"


@given(st.text(alphabet=TURKISH))
def test_turkish_capitals_and_ascii_copies_fold_like_the_original(text: str) -> None:
    assert fold(turkish_capitals(text)) == fold(text) == fold(without_diacritics(text))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_capitals_of_any_alphabet_fold_like_small_letters(text: str) -> None:
    assert fold(text.upper()) == fold(text)


@pytest.mark.parametrize("hidden", ["ia\u00adde", "ia\u200bde", "i\u0307ade", "ｉａｄｅ", "İade", "I\u0307ade"])
def test_invisible_signs_and_wide_or_decomposed_letters_do_not_hide_a_word(hidden: str) -> None:
    assert fold(hidden) == "iade"


def test_letters_of_other_alphabets_stay() -> None:
    assert fold("Где ЗАКАЗ 我的包裹") == "где заказ 我的包裹"


def test_an_apostrophe_an_underscore_and_a_comma_end_a_word() -> None:
    assert words("vefa'dan gelen_kargo,2 gun") == ["vefa", "dan", "gelen", "kargo", "2", "gun"]


def test_words_come_with_their_neighbours() -> None:
    assert word_ngrams(["kargom", "hala", "yok"]) == ["kargom", "hala", "yok", "kargom hala", "hala yok"]


def test_character_runs_know_the_edges_of_a_word() -> None:
    assert char_ngrams("ab") == ["<a", "ab", "b>", "<ab", "ab>", "<ab>"]


def test_no_character_run_is_longer_than_five_or_crosses_a_word() -> None:
    grams = char_ngrams("teslimat")
    assert {len(gram) for gram in grams} == {2, 3, 4, 5}


def test_shouting_is_kept_short() -> None:
    assert marks("ne?? yeter!!!!! :)))") == ["??", "!!", ":)"]
