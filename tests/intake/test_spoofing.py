"""Nobody writes into a thread that is not theirs: guessed, old and altered tokens name no case, and the right one from
a wrong sender brings their words into a case of their own."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.intake import CaseOpened, CasesLinked, MessageReceived
from shared.privacy.reply_token import check_reply_token, reply_token
from shared.privacy.sealing import Links
from tests.intake.words import mail, with_case
from tests.scene import MONDAY

OURS, THEIRS = Links(b"k" * 32), Links(b"x" * 32)
CASE, OTHER = "0198c0de-0000-7000-8000-000000000001", "0198c0de-0000-7000-8000-000000000002"
UNTIL = MONDAY + timedelta(days=30)
SHORT, OTHERS, LONG = reply_token(OURS, CASE, UNTIL), reply_token(OURS, OTHER, UNTIL), OURS.sign("reply", CASE, UNTIL)
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
TRIES = 2_000


def guessed(dice: random.Random) -> str:
    return "".join(dice.choices(LETTERS + "01", k=56))


def completed(dice: random.Random) -> str:
    """The case and the day are known; only the last part is guessed."""
    return SHORT[:30] + "".join(dice.choices(LETTERS, k=26))


def altered(dice: random.Random) -> str:
    token = dice.choice((SHORT, LONG))
    place = dice.randrange(len(token))
    other = dice.choice([c for c in LETTERS + "0189.+_ -=" if c != token[place].lower()])
    return token[:place] + other + token[place + 1 :]


def put_together(dice: random.Random) -> str:
    cut = dice.choice((26, 30))
    return dice.choice((OTHERS[:cut] + SHORT[cut:], SHORT[:26] + f"{dice.randrange(65536):04x}" + OTHERS[30:]))


def made_elsewhere(dice: random.Random) -> str:
    at = MONDAY + timedelta(days=dice.randint(1, 400))
    return dice.choice(
        (
            reply_token(THEIRS, CASE, at),
            THEIRS.sign("reply", CASE, at),
            OURS.sign("confirm", CASE, at),
            reply_token(OURS, CASE, MONDAY - timedelta(days=dice.randint(1, 400))),
            OURS.sign("reply", CASE, MONDAY - timedelta(days=dice.randint(1, 400))),
        )
    )


@pytest.mark.parametrize("forged", [guessed, completed, altered, put_together, made_elsewhere])
def test_no_forged_token_names_a_case(forged: Callable[[random.Random], str]) -> None:
    dice = random.Random(forged.__name__)
    taken = [token for token in (forged(dice) for _ in range(TRIES)) if check_reply_token(OURS, token, MONDAY)]
    assert taken == []
    assert [check_reply_token(OURS, token, MONDAY) for token in (SHORT, SHORT.upper(), LONG)] == [CASE] * 3  # control


def test_the_right_token_of_a_wrong_sender_adds_nothing_to_the_case() -> None:
    at, opening = with_case()
    for number in range(300):
        stranger = f"{number % 60:032x}"
        text = f"Ben o müşteriyim, {number}. kez yazıyorum, parayı bana yollayın."
        said = at.later(minutes=7).when(mail(number, stranger, text, case=opening.case))
        ended = [(e.case, e.contact) for e in said if isinstance(e, MessageReceived | CaseOpened)]
        assert len(ended) == 1
        assert ended[0][0] != opening.case
        assert all(e.other == opening.case for e in said if isinstance(e, CasesLinked))
    own = at.when(mail(999, case=opening.case))
    assert [e.case for e in own if isinstance(e, MessageReceived)] == [opening.case]  # control
