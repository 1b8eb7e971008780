"""A reply finds its case; a guessed, altered or old token finds nothing."""

from datetime import timedelta

import pytest

from shared.privacy.reply_token import check_reply_token, reply_token, with_token
from shared.privacy.sealing import Links
from tests.scene import MONDAY

CASE = "0198c0de-0000-7000-8000-000000000001"
LINKS = Links(b"k" * 32)
TOKEN = reply_token(LINKS, CASE, MONDAY)
LONG = LINKS.sign("reply", CASE, MONDAY + timedelta(hours=1))


def test_a_token_fits_into_a_local_part_and_any_case_of_letters_will_do() -> None:
    address = with_token("servis@vefa.example", TOKEN)
    assert len(address.partition("@")[0]) <= 64
    assert TOKEN.isalnum()
    assert check_reply_token(LINKS, TOKEN.upper(), MONDAY) == CASE


def test_the_long_form_of_a_message_id_is_known_too() -> None:
    assert check_reply_token(LINKS, LONG, MONDAY) == CASE
    assert check_reply_token(LINKS, LONG, MONDAY + timedelta(hours=1)) is None
    assert check_reply_token(LINKS, LINKS.sign("survey", CASE, MONDAY + timedelta(hours=1)), MONDAY) is None


def test_a_sender_with_a_long_name_gets_no_token_rather_than_a_broken_address() -> None:
    assert with_token("musterihizmetleri@vefa.example", TOKEN) == "musterihizmetleri@vefa.example"


@pytest.mark.parametrize("place", range(0, 56, 5))
def test_an_altered_token_is_none(place: int) -> None:
    other = "b" if TOKEN[place] != "b" else "c"
    assert check_reply_token(LINKS, TOKEN[:place] + other + TOKEN[place + 1 :], MONDAY) is None


def test_a_case_is_spelt_in_one_way_only() -> None:
    found = [
        check_reply_token(LINKS, TOKEN[:25] + letter + TOKEN[26:], MONDAY) for letter in "abcdefghijklmnopqrstuvwxyz"
    ]
    assert found.count(CASE) == 1


def test_an_old_token_is_none_and_the_expiry_cannot_be_changed() -> None:
    assert check_reply_token(LINKS, TOKEN, MONDAY + timedelta(days=1)) is None
    later = reply_token(LINKS, CASE, MONDAY + timedelta(days=30))
    assert check_reply_token(LINKS, TOKEN[:26] + later[26:30] + TOKEN[30:], MONDAY) is None


@pytest.mark.parametrize("junk", ["", "servis", "1" * 56, "é" * 56, "a" * 55, "a.b.c.d", "1.zz.c.d"])
def test_what_is_no_token_is_none(junk: str) -> None:
    assert check_reply_token(LINKS, junk, MONDAY) is None


def test_a_token_of_another_installation_is_none() -> None:
    assert check_reply_token(Links(b"x" * 32), TOKEN, MONDAY) is None
