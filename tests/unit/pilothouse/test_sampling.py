"""Levels halve, and neither they nor the order within them have anything to do with time."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pilothouse.sampling import TOP_LEVEL, id_bytes, levels, mix, thin

_FIXED = 0x7 << 76 | 0b10 << 62


def random_ids(count, seed=0):
    octets = np.random.default_rng(seed).integers(0, 256, (count, 16), np.uint8)
    octets[:, 6] = octets[:, 6] & 0x0F | 0x70
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    return octets


def counting_ids(count):
    """What a generator makes that counts up within a millisecond, as RFC 9562 allows."""
    return id_bytes([(1_795_000_000_000 << 80 | _FIXED | i).to_bytes(16) for i in range(count)])


def fits_halving(octets):
    found = np.bincount(levels(octets), minlength=9)
    observed = [*found[:8], found[8:].sum()]
    expected = [len(octets) / 2 ** (k + 1) for k in range(8)] + [len(octets) / 2**8]
    return stats.chisquare(observed, expected).pvalue


def test_each_level_holds_half_of_the_one_below():
    assert fits_halving(random_ids(200_000)) > 0.01


def test_ids_that_count_up_have_the_same_levels():
    assert fits_halving(counting_ids(200_000)) > 0.01


def test_the_mixer_is_splitmix64():
    """Against the reference's finaliser in whole numbers of Python."""
    octets = random_ids(100, seed=3)
    mask = 2**64 - 1
    for row, mixed in zip(octets, mix(octets).tolist(), strict=True):
        z = int.from_bytes(row[8:].tobytes()) & (2**62 - 1)
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        assert mixed == z ^ (z >> 31)


def test_a_level_is_its_count_of_trailing_zeros():
    octets = random_ids(5000, seed=4)
    expected = [min((m & -m).bit_length() - 1 if m else TOP_LEVEL, TOP_LEVEL) for m in mix(octets).tolist()]
    assert levels(octets) == expected


def test_thinning_is_even_over_time_in_every_level():
    octets = counting_ids(64_000)
    found = np.asarray(levels(octets))
    for level in (0, 1, 3):
        ids = [octets[i].tobytes() for i in np.flatnonzero(found == level)]
        chosen = [int.from_bytes(i) & (2**62 - 1) for i in thin(ids, len(ids) // 3)]
        cells = np.bincount(np.asarray(chosen) // 8000, minlength=8)
        assert stats.chisquare(cells).pvalue > 0.01


@given(st.integers(0, 40), st.integers(0, 50))
def test_thinning_gives_as_many_as_asked_for_and_always_the_same(count, rows):
    ids = [octets.tobytes() for octets in random_ids(count, seed=count)]
    chosen = thin(ids, rows)
    assert len(chosen) == min(count, rows)
    assert set(chosen) <= set(ids)
    assert set(thin(ids[::-1], rows)) == set(chosen)


def test_a_smaller_sample_is_part_of_a_larger_one():
    ids = [octets.tobytes() for octets in random_ids(300)]
    for smaller, larger in itertools.pairwise((0, 1, 50, 299, 300)):
        assert set(thin(ids, smaller)) <= set(thin(ids, larger))
