"""Texts that say nearly the same: they must stay on one side of any split, or a figure measures memory."""

import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core.text import fold, words

_ALIKE = 0.7
_BANDS, _ROWS = 10, 3
_PRIME = (1 << 31) - 1


def groups(texts: Sequence[str]) -> list[int]:
    """A group number per text; texts that share at least 70 % of their words (Jaccard) are in one group.

    A group is named by the position of its first text. Found by min-hashing (10 bands of 3), so a pair at the
    very edge may be missed; the same texts always give the same groups.
    """
    bags = [frozenset(words(fold(text))) for text in texts]
    parent = list(range(len(texts)))
    for bucket in _buckets(bags):
        for at, other in enumerate(bucket[1:], 1):
            for one in bucket[max(0, at - 20) : at]:
                if _alike(bags[one], bags[other]):
                    _join(parent, one, other)
    return [_root(parent, number) for number in range(len(texts))]


def share_of(group: int, texts: Sequence[str]) -> float:
    """A number in [0, 1) fixed by the words of the group's first text, to split by without chance."""
    return zlib.crc32(" ".join(sorted(set(words(fold(texts[group]))))).encode()) / 2**32


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _ALIKE * len(one | other)


def _buckets(bags: Sequence[frozenset[str]]) -> list[list[int]]:
    mixers = np.random.default_rng(7).integers(1, _PRIME, size=(2, _BANDS * _ROWS), dtype=np.uint64)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for number, bag in enumerate(bags):
        signature = _signature(bag, mixers)
        for band in range(_BANDS):
            buckets[band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()].append(number)
    return [bucket for bucket in buckets.values() if len(bucket) > 1]


def _signature(bag: frozenset[str], mixers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    hashes = np.array([zlib.crc32(word.encode()) % _PRIME for word in bag] or [0], dtype=np.uint64)
    mixed: NDArray[np.uint64] = (hashes[:, None] * mixers[0] + mixers[1]) % np.uint64(_PRIME)
    lowest: NDArray[np.uint64] = mixed.min(axis=0)
    return lowest


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def _join(parent: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
