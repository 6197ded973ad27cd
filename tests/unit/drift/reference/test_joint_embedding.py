"""Drift of an embedding: what it sees, what it does not mind, and every state of the records."""

import numpy as np
import pytest

from services.drift.reference.calibration import calibrate
from services.drift.reference.joint_embedding import EmbeddingProfile, Kernel, discrepancy
from services.drift.reference.reference import profile_reference
from services.drift.verdict import judge
from testkit.drift.frames import replaced
from testkit.drift.images import SIZE, embeddings, image_manifest, scans, vector_column

SPEC = image_manifest()


@pytest.fixture(scope="module")
def reference():
    return profile_reference(SPEC, scans(2000, seed=1), "sha")


@pytest.fixture(scope="module")
def thresholds(reference):
    return calibrate(reference, (50, 200, 1000), draws=300)


@pytest.fixture(scope="module")
def said(reference, thresholds):
    return lambda window, *embeddings: judge(SPEC, reference, thresholds, window, *embeddings)


def test_the_discrepancy_is_that_of_the_gaussian_kernel():
    """Against the kernel itself, summed over all pairs (Gretton et al. 2012, equation 5)."""
    before, after = embeddings(150, 1, size=8) / 5, embeddings(120, 2, size=8, shift=1.0) / 5
    kernel = Kernel.of(before)
    squares = ((before[:, None] - before) ** 2).sum(axis=2)
    width = np.median(squares[np.triu_indices(150, 1)])

    def mean(first, second):
        return np.exp(-((first[:, None] - second) ** 2).sum(axis=2) / width).mean()

    exact = np.sqrt(mean(before, before) + mean(after, after) - 2 * mean(before, after))
    ours = discrepancy(kernel.features(before).mean(axis=0), kernel.features(after).mean(axis=0))
    assert float(ours) == pytest.approx(exact, rel=0.1)


def test_a_shift_of_the_embedding_is_drift_that_no_column_shows(said):
    result = said(scans(300, seed=7, shift=1.0))
    (joint,) = result.joint
    assert result.verdict == "drift"
    assert result.drifted == ()
    assert (joint.name, joint.stattest, joint.status, joint.drifted, joint.rows) == (
        "embedding", "mmd", "compared", True, 300,
    )  # fmt: skip
    assert result.message == "0 of 1 columns drifted; the embedding drifted"


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_windows_that_did_not_drift_are_seldom_said_to(said, rows):
    alarms = [said(scans(rows, seed=100 + i)).verdict == "drift" for i in range(60)]
    assert sum(alarms) <= 3


def test_axes_are_not_compared_on_the_rows_they_were_fitted_to():
    """With more numbers than rows, the reference would look unlike every window."""
    size = 512
    spec = image_manifest(size)

    def noise(rows, seed):
        return np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)

    reference = profile_reference(spec, scans(800, vectors=noise(800, 0)), "sha")
    thresholds = calibrate(reference, (300,), draws=200)
    windows = [scans(300, seed, vectors=noise(300, seed)) for seed in range(1, 21)]
    assert sum(judge(spec, reference, thresholds, w).joint[0].drifted for w in windows) <= 1


def test_a_difference_too_small_to_matter_is_no_drift_however_large_the_window(reference, thresholds):
    mixed = np.concatenate((embeddings(960, 3), embeddings(40, 4, shift=1.0)))
    assert thresholds.joint_score("embedding", EmbeddingProfile.floor, 10**6) >= EmbeddingProfile.floor
    assert not judge(SPEC, reference, thresholds, scans(1000, 3, vectors=mixed)).joint[0].drifted


def test_half_of_the_embeddings_missing_is_drift_and_says_so(said):
    vectors = [None if i % 2 else v for i, v in enumerate(embeddings(300, 3))]
    (joint,) = said(scans(300, 3, vectors=vectors)).joint
    assert (joint.status, joint.drifted) == ("missing", True)
    assert joint.message == "50.0% of the embeddings are missing or unusable, in the reference 0.0%"


def test_one_missing_embedding_is_not(said):
    assert said(scans(300, 3, vectors=[None, *embeddings(299, 3)])).verdict == "no drift"


@pytest.mark.parametrize("value", [None, [], [1.0], [float("inf")] * SIZE, [1e300] * SIZE])
def test_a_window_without_one_usable_embedding_is_drift(said, value):
    assert said(scans(300, 3, vectors=[value] * 300)).joint[0].drifted


def test_records_without_an_embedding_are_no_all_clear(said):
    result = said(scans(300, 3).drop_columns(["embedding"]))
    assert (result.verdict, result.reason) == ("unknown", "columns-not-comparable")
    assert result.joint[0].status == "absent-from-records"
    assert "the embedding could not be compared" in result.message


def test_an_empty_sample_of_embeddings_is_no_all_clear(said):
    """The records went while they were read."""
    window = scans(300, 3)
    assert said(window, window.slice(0, 0)).reason == "columns-not-comparable"


def test_a_reference_without_embeddings_leaves_the_columns_watched():
    reference = profile_reference(SPEC, scans(500).drop_columns(["embedding"]), "sha")
    result = judge(SPEC, reference, calibrate(reference, (200,), draws=100), scans(200, 5))
    assert result.verdict == "no drift"
    assert result.joint[0].status == "absent-from-reference"


@pytest.mark.parametrize("vectors", [[[1.0] * SIZE] * 300, [None] * 300, list(embeddings(99)) + [None] * 201])
def test_a_reference_whose_embeddings_cannot_be_compared_with_says_so(vectors):
    reference = profile_reference(SPEC, scans(300, vectors=vectors), "sha")
    result = judge(SPEC, reference, calibrate(reference, (200,), draws=100), scans(200, 5))
    assert result.joint[0].status == "absent-from-reference"


def test_it_can_be_switched_off_and_is_shown_all_the_same():
    spec = image_manifest(joint=False)
    reference = profile_reference(spec, scans(500), "sha")
    result = judge(spec, reference, calibrate(reference, (200,), draws=100), scans(300, seed=7, shift=1.0))
    assert (result.verdict, result.joint[0].status) == ("no drift", "absent")
    assert "monitoring.joint" in result.joint[0].message
    assert reference.embedding is not None


def test_embeddings_that_were_missing_in_the_reference_too_are_compared_by_those_there_are():
    def thinned(rows, seed, **shift):
        kept = np.random.default_rng(seed).random(rows) < 0.7
        return [v if k else None for v, k in zip(embeddings(rows, seed, **shift), kept, strict=True)]

    reference = profile_reference(SPEC, scans(2000, 1, vectors=thinned(2000, 1)), "sha")
    thresholds = calibrate(reference, (200, 1000), draws=300)
    usual, moved = (scans(500, 5, vectors=thinned(500, 5, shift=s)) for s in (0.0, 1.0))
    assert judge(SPEC, reference, thresholds, usual).verdict == "no drift"
    assert judge(SPEC, reference, thresholds, moved).joint[0].status == "compared"
    assert judge(SPEC, reference, thresholds, moved).joint[0].drifted


def test_embeddings_where_the_reference_has_one_constant_number_are_compared():
    """Dead units are common in trained networks."""
    dead = embeddings(600, 1)
    dead[:, 5:30] = 0
    reference = profile_reference(SPEC, scans(600, vectors=dead), "sha")
    thresholds = calibrate(reference, (200,), draws=200)
    other = embeddings(200, 2)
    other[:, 5:30] = 0
    assert not judge(SPEC, reference, thresholds, scans(200, vectors=other)).joint[0].drifted


def test_whatever_comes_the_score_is_finite(said):
    window = replaced(scans(300), "embedding", vector_column([[1e30] * SIZE] * 300))
    (joint,) = said(window).joint
    assert joint.drifted
    assert np.isfinite([joint.score, joint.threshold]).all()
