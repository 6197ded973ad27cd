"""Where a record lies in the sampling order, so that an unbiased sample never needs a scan.

The collector samples its tables by it, and who reads the archive samples that by it: the same records either way.

The random bits of an id are mixed into 64 uniform bits. `level` is the number of their trailing zeros: every level
holds half as many records as the one below, whatever is in them, so the records at or above some level are a simple
random sample of any window. It is stored and indexed. The bits above give the order in which a level is thinned.
(The same idea as the levels of a skip list, and as the adaptive sampling of Wegman, described by Flajolet, 1990.)

The mixer is the finaliser of splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195), a bijection: ids that
count up instead of being random are spread evenly too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

TOP_LEVEL = 30
INDEXED_LEVEL = 3  # an index over an eighth of the rows; below it, reading the whole window is as cheap
_TOGETHER = 18  # levels from here up hold a row in 2^18 together, and are read at once

_LOW_62 = np.uint64((1 << 62) - 1)


def mix(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64 uniform bits for each id; `ids` is (rows, 16) bytes."""
    bits = ids[:, 8:].copy().view(">u8").ravel().astype(np.uint64) & _LOW_62
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def levels(ids: NDArray[np.uint8]) -> list[int]:
    """The level of each id, 0 to TOP_LEVEL."""
    bits = mix(ids)
    trailing = np.bitwise_count((bits & -bits) - np.uint64(1))
    zeros: list[int] = np.minimum(trailing, TOP_LEVEL).tolist()
    return zeros


def id_bytes(ids: list[bytes]) -> NDArray[np.uint8]:
    """Ids of 16 bytes each as (rows, 16)."""
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16)


def walk() -> Iterator[tuple[int, list[int]]]:
    """Groups of levels from the top down, each with its lowest level; the levels without an index come together."""
    yield _TOGETHER, list(range(_TOGETHER, TOP_LEVEL + 1))
    for level in range(_TOGETHER - 1, INDEXED_LEVEL - 1, -1):
        yield level, [level]
    yield 0, list(range(INDEXED_LEVEL))


def thin(ids: list[bytes], rows: int) -> list[bytes]:
    """`rows` of the ids, the same ones each time, chosen by bits that have nothing to do with their level."""
    if len(ids) <= rows:
        return ids
    rank = mix(id_bytes(ids)) >> np.uint64(TOP_LEVEL + 1)
    chosen = np.argpartition(rank, rows)[:rows] if rows else np.empty(0, np.int64)
    return [ids[i] for i in chosen.tolist()]
