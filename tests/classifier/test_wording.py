"""What the lines of a rule stand for: words, stems, alternatives, spelling, nearness; and what they cost."""

import pytest

from services.classifier.policy import Rule
from services.classifier.wording import Wording, found
from tests.growth import in_proportion


@pytest.mark.parametrize(
    ("rule", "text", "there"),
    [
        ("pass", "my pass is lost", True),
        ("pass", "a compass", False),
        ("pass", "a passport", False),
        ("iade*", "ürünün İADESİNİ istiyorum", True),
        ("iade*", "iade", True),
        ("iade*", "ziyade", False),
        ("müşteri hizmet*", "MUSTERI HIZMETLERI açmıyor", True),
        ("müşteri hizmet*", "müşteri-hizmetleri", True),
        ("müşteri hizmet*", "müşteri bir hizmet", False),
        ("müşteri* temsilci*", "müşterilerin temsilcisi", True),
        ("kart", "kart", True),
        ("vefa", "Vefa'dan aldım", True),
        ("c.i", "cxi", False),
    ],
)
def test_a_rule_finds_whole_words_and_stems_only(rule: str, text: str, there: bool) -> None:
    assert found([rule], text) == ((rule,) if there else ())


def test_rules_are_named_as_they_were_written_and_in_their_order() -> None:
    assert found(["ACİL", "yangın*", "avukat*"], "Avukatım arayacak, acil!") == ("ACİL", "avukat*")


def test_rules_that_overlap_are_all_found() -> None:
    assert found(["iade*", "iade talep*"], "iade talebim var") == ("iade*",)
    assert found(["iade*", "iade tale*"], "iade talebim var") == ("iade*", "iade tale*")


@pytest.mark.parametrize("rule", ["", "*", " ** ", "ia*de", "*iade", "iade**", "iade *"])
def test_a_rule_that_cannot_be_meant_is_refused_by_name(rule: str) -> None:
    with pytest.raises(ValueError, match="write whole words"):
        Wording.of([rule])


@pytest.mark.parametrize(
    ("rule", "text", "there"),
    [
        ("=acil", "acil", True), ("=acil", "Acil", True), ("=acil", "ACİL", True), ("=acil", "ACIL", True),
        ("=acil", "açıl", False), ("=acil", "AÇIL", False), ("=acil*", "açılmıyor", False), ("=acil*", "acilen", True),
        ("=ölü*", "ölüyorum", True), ("=ölü*", "olur mu", False), ("=ölü*", "ÖLÜ", True), ("=şık", "sık", False),
        ("=kız", "kiz", False), ("=kız", "KIZ", True), ("=sınır*", "sinirliyim", False), ("=sinir*", "sınırda", False),
        ("=sınır*", "SINIRDA", True), ("=kar", "kâr", False), ("=İade", "iade", True), ("=iade", "i\u0307ade", True),
        ("kız", "kiz", True), ("sınır*", "sinirliyim", True),
    ],
)  # fmt: skip
def test_a_word_with_its_spelling_is_no_other_word(rule: str, text: str, there: bool) -> None:
    assert bool(found([rule], text)) == there


@pytest.mark.parametrize(
    ("rule", "text", "there"),
    [
        ("el|kol ağrı*", "kol ağrıyor", True), ("el|kol ağrı*", "bacak ağrıyor", False), ("el | kol", "kol", True),
        ("gaz ~ koku*", "gaz kokusu", True), ("gaz ~ koku*", "kokuyor, galiba gaz", True),
        ("gaz ~ koku*", "gaz", False),
        ("gaz ~ koku*", "Gaz kesildi. Çok kötü kokuyor.", False), ("gaz ~ koku*", "gaz 1 2 3 4 5 6 kokuyor", True),
        ("gaz ~ koku*", "gaz 1 2 3 4 5 6 7 kokuyor", False), ("gaz ~ koku*", "gaz gaz 1 2 3 4 5 6 kokuyor", True),
        ("a ~ b ~ c", "c x a y b", True), ("a ~ b ~ c", "a b", False), ("a b ~ c", "c, a b", True),
        ("a b ~ c", "a c b", False), ("gaz ~ koku*", "Gaz saat 12. günde kokuyor", True),
        ("gaz|koku ~ koku", "koku", False),
        ("gaz ~ koku*", "gaz\n\nkoku", False), ("gaz ~ koku*", "gaz\nkoku", True),
    ],
)  # fmt: skip
def test_words_near_one_another_stand_in_one_sentence_and_close(rule: str, text: str, there: bool) -> None:
    assert bool(found([rule], text)) == there


@pytest.mark.parametrize("rule", ["a|*", "=", "~", "a ~ *", "=*", "a|b* c**", "|"])
def test_a_sign_that_means_nothing_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="write whole words"):
        Wording.of([rule])


def rule(**more: object) -> Rule:
    return Rule.model_validate({"name": "r", "then": {"urgency": 2}, **more})


def test_words_within_a_phrase_that_is_not_meant_do_not_count() -> None:
    popcorn = rule(words=["patla*"], but_not=["patlamış mısır"])
    assert not popcorn.holds("Patlamış mısır var mı?", {})
    assert popcorn.holds("Patlamış mısır makinesi patladı", {})


def test_with_a_word_of_unless_a_rule_does_not_hold_at_all() -> None:
    praise = rule(words=["teşekkür*"], unless=["ama"])
    assert praise.holds("Teşekkürler", {})
    assert not praise.holds("Teşekkürler ama gelmedi", {})


def test_a_rule_may_want_several_different_words() -> None:
    offer = rule(words=["seo", "backlink*", "ranking"], least=2)
    assert not offer.holds("seo, seo, SEO!", {})
    assert offer.holds("seo and backlinks", {})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"words": ["a"], "least": 2}, "least is 2 of 1 words; lower it, or add words"),
        ({"channel": ["web"], "unless": ["a"]}, "but_not and unless are for words"),
        ({"words": ["a"], "but_not": ["b**"]}, r"rule 'b\*\*': write whole words"),
        ({"words": ["a"], "unless": [""]}, "rule '': write whole words"),
    ],
)
def test_what_a_rule_cannot_mean_is_named(more: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rule(**more)


@pytest.mark.parametrize("unit", ["a", "a b ", "gaz ", "kokugaz ", ". "])
def test_a_long_text_takes_time_in_proportion(unit: str) -> None:
    lines = ["a* a* a* b", "gaz ~ koku* ~ a*", "a|b|gaz a|b|gaz c"]
    assert in_proportion(lambda size: found(lines, unit * (size // len(unit))), 200_000)
