"""Levels halve, and neither they nor the order within them have anything to do with time."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pilothouse.sampling import TOP_LEVEL, levels, mix, thin

_FIXED = 0x7 << 76 | 0b10 << 62


def random_ids(count, seed=0):
    octets = np.random.default_rng(seed).integers(0, 256, (count, 16), np.uint8)
    octets[:, 6] = octets[:, 6] & 0x0F | 0x70
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    return [row.tobytes() for row in octets]


def counting_ids(count):
    """What a generator makes that counts up within a millisecond, as RFC 9562 allows."""
    return [(1_795_000_000_000 << 80 | _FIXED | i).to_bytes(16) for i in range(count)]


def fits_halving(ids):
    found = np.bincount(levels(ids), minlength=9)
    observed = [*found[:8], found[8:].sum()]
    expected = [len(ids) / 2 ** (k + 1) for k in range(8)] + [len(ids) / 2**8]
    return stats.chisquare(observed, expected).pvalue


def test_each_level_holds_half_of_the_one_below():
    assert fits_halving(random_ids(200_000)) > 0.01


def test_ids_that_count_up_have_the_same_levels():
    assert fits_halving(counting_ids(200_000)) > 0.01


def test_the_mixer_is_splitmix64():
    """Against the reference's finaliser in numpy's 64 bits, which overflow as C's do."""
    ids = random_ids(5000, seed=3)
    z = np.frombuffer(b"".join(ids), ">u8")[1::2].astype(np.uint64) & np.uint64(2**62 - 1)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    assert mix(ids) == (z ^ (z >> np.uint64(31))).tolist()


def test_a_level_is_its_count_of_trailing_zeros():
    ids = random_ids(5000, seed=4)
    assert levels(ids) == [min(f"{m:b}"[::-1].find("1"), TOP_LEVEL) for m in mix(ids)]


def test_the_level_of_an_id_without_random_bits_is_the_top_one():
    assert levels([(1_795_000_000_000 << 80 | _FIXED).to_bytes(16)]) == [TOP_LEVEL]


def test_thinning_is_even_over_time_in_every_level():
    counting = counting_ids(64_000)
    found = levels(counting)
    for level in (0, 1, 3):
        ids = [i for i, own in zip(counting, found, strict=True) if own == level]
        chosen = [int.from_bytes(i) & (2**62 - 1) for i in thin(ids, len(ids) // 3)]
        cells = np.bincount(np.asarray(chosen) // 8000, minlength=8)
        assert stats.chisquare(cells).pvalue > 0.01


@given(st.integers(0, 40), st.integers(0, 50))
def test_thinning_gives_as_many_as_asked_for_and_always_the_same(count, rows):
    ids = random_ids(count, seed=count)
    chosen = thin(ids, rows)
    assert len(chosen) == min(count, rows)
    assert set(chosen) <= set(ids)
    assert set(thin(ids[::-1], rows)) == set(chosen)


def test_a_smaller_sample_is_part_of_a_larger_one():
    ids = random_ids(300)
    for smaller, larger in itertools.pairwise((0, 1, 50, 299, 300)):
        assert set(thin(ids, smaller)) <= set(thin(ids, larger))
