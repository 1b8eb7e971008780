"""What tests wait for, and what they say when it does not come."""

import pytest

from tests.waiting import until, until_true


def test_what_never_comes_is_named_by_what_was_asked() -> None:
    heard = 3
    with pytest.raises(AssertionError, match=r"not so: until_true\(lambda: heard == 4"):
        until_true(lambda: heard == 4, seconds=0)


def test_it_is_named_by_its_words_where_there_are_some() -> None:
    with pytest.raises(AssertionError, match="nobody acts, for 0 s"):
        until_true(lambda: False, "nobody acts", seconds=0)


async def test_on_a_loop_too() -> None:
    seen = list[int]()
    await until(lambda: seen.append(1) or len(seen) > 2)
    with pytest.raises(AssertionError, match="len\\(seen\\) > 99"):
        await until(lambda: len(seen) > 99, seconds=0)
