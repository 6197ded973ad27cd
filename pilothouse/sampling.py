"""Where a record lies in the sampling order, so that an unbiased sample never needs a scan.

The collector samples its tables by it, and who reads the archive samples that by it: the same records either way.

The random bits of an id are mixed into 64 uniform bits. `level` is the number of their trailing zeros: every level
holds half as many records as the one below, whatever is in them, so the records at or above some level are a simple
random sample of any window. It is stored and indexed. The bits above give the order in which a level is thinned.
(The same idea as the levels of a skip list, and as the adaptive sampling of Wegman, described by Flajolet, 1990.)

The mixer is the finaliser of splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195), a bijection: ids that
count up instead of being random are spread evenly too.

All ids of a batch are mixed as one whole number, 128 bits for each: a product of 62 and 64 bits stays within its own.
That is as fast as numpy, which would be a sixth of the collector's image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

TOP_LEVEL = 30
INDEXED_LEVEL = 3  # an index over an eighth of the rows; below it, reading the whole window is as cheap
_TOGETHER = 18  # levels from here up hold a row in 2^18 together, and are read at once

_LOW_62, _LOW_64 = ((1 << 62) - 1).to_bytes(16), ((1 << 64) - 1).to_bytes(16)
_ZEROS = bytes([8, *((byte & -byte).bit_length() - 1 for byte in range(1, 256))])  # that a byte ends in


def mix(ids: Sequence[bytes]) -> list[int]:
    """64 uniform bits for each id of 16 bytes."""
    return [mixed for (mixed,) in struct.iter_unpack(">8xQ", _mixed(ids))]


def levels(ids: Sequence[bytes]) -> list[int]:
    """The level of each id, 0 to TOP_LEVEL. For all but one id in 256 the lowest byte tells it."""
    mixed = _mixed(ids)
    found = list(mixed[15::16].translate(_ZEROS))
    for row, level in enumerate(found):
        if level == 8:
            bits = int.from_bytes(mixed[16 * row : 16 * row + 16]) | 1 << TOP_LEVEL
            found[row] = (bits & -bits).bit_length() - 1
    return found


def _mixed(ids: Sequence[bytes]) -> bytes:
    """16 bytes for each id, of which the last 8 are its uniform bits."""
    low_64 = int.from_bytes(_LOW_64 * len(ids))
    bits = int.from_bytes(b"".join(ids)) & int.from_bytes(_LOW_62 * len(ids))
    bits = (bits ^ bits >> 30 & low_64) * 0xBF58476D1CE4E5B9 & low_64
    bits = (bits ^ bits >> 27 & low_64) * 0x94D049BB133111EB & low_64
    return (bits ^ bits >> 31 & low_64).to_bytes(16 * len(ids))


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
    ranks = [mixed >> TOP_LEVEL + 1 for mixed in mix(ids)]
    return [ids[i] for i in sorted(range(len(ids)), key=ranks.__getitem__)[:rows]]
