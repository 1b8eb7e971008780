"""The guard against what grows with the square, tried on both kinds."""

from collections.abc import Callable

import pytest

from tests.growth import in_proportion


@pytest.mark.parametrize(("steps", "found"), [(lambda n: 20 * n, True), (lambda n: n * n // 10, False)])
def test_what_grows_with_the_square_is_told_from_what_grows_in_proportion(
    steps: Callable[[int], int], found: bool
) -> None:
    assert in_proportion(lambda size: sum(range(steps(size // 10))), 100_000) is found
