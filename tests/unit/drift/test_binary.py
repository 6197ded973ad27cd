"""A binary model whose positives are rare, with risk tiers: what its verdict looks like."""

import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, Manifest, Output, RiskTier, TabularInput
from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import profile_reference
from services.drift.verdict import judge

FRAUD = Manifest(
    name="fraud",
    version="1",
    task="binary",
    input=TabularInput(
        features=(
            Feature(name="amount", type="number"),
            Feature(name="hour", type="integer"),
            Feature(name="country", type="category", categories=("de", "fr", "us", "br")),
            Feature(name="known_device", type="boolean", required=False),
        )
    ),
    output=Output(
        classes=("fine", "fraud"),
        risk_tiers=(RiskTier(name="low", from_probability=0), RiskTier(name="high", from_probability=0.5)),
    ),
)


def payments(rows, seed, fraud=0.01, missing=0.05):
    """Fraud is dear, at night and on unknown devices; the probability is nearly always close to 0."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(rows) < fraud
    amount = rng.lognormal(3, 1, rows) * np.where(is_fraud, 8, 1)
    hour = np.where(is_fraud, rng.integers(0, 6, rows), rng.integers(6, 24, rows))
    known = np.where(rng.random(rows) < missing, None, (rng.random(rows) < np.where(is_fraud, 0.1, 0.9)).tolist())
    probability = np.where(is_fraud, rng.beta(8, 2, rows), rng.beta(1, 60, rows))
    return pa.table(
        {
            "amount": amount,
            "hour": hour,
            "country": rng.choice(["de", "fr", "us", "br"], rows, p=[0.5, 0.3, 0.15, 0.05]).tolist(),
            "known_device": pa.array(known.tolist(), pa.bool_()),
            "prediction": np.where(probability >= 0.5, "fraud", "fine").tolist(),
            "probability_fine": 1 - probability,
            "probability_fraud": probability,
            "risk": np.where(probability >= 0.5, "high", "low").tolist(),
        }
    )


@pytest.fixture(scope="module")
def said():
    reference = profile_reference(FRAUD, payments(4000, 0), "sha")
    thresholds = calibrate(reference, (100, 300, 1000), draws=400)
    return lambda window: judge(FRAUD, reference, thresholds, window)


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_windows_with_more_or_fewer_of_the_few_positives_are_seldom_called_drift(said, rows):
    alarms = [said(payments(rows, 10 + seed)).verdict == "drift" for seed in range(60)]
    assert sum(alarms) <= 3


def test_five_times_the_positives_are_drift_of_what_the_model_says(said):
    result = said(payments(1000, 5, fraud=0.05))
    assert result.verdict == "drift"
    assert set(result.drifted) & {"prediction", "probability_fraud"}


def test_no_positives_at_all_have_a_verdict_with_finite_scores(said):
    result = said(payments(1000, 5, fraud=0.0))
    assert result.verdict in ("drift", "no drift")
    assert np.isfinite([c.score for c in result.columns] + [result.joint[0].score]).all()


def test_the_probability_of_the_other_class_is_not_counted_twice(said):
    assert [c.name for c in said(payments(300, 1)).columns] == [
        "amount", "hour", "country", "known_device", "prediction", "probability_fraud",
    ]  # fmt: skip


def test_a_feature_that_is_no_longer_filled_in_is_drift(said):
    result = said(payments(300, 1, missing=0.6))
    assert result.verdict == "drift"
    assert "known_device" in result.drifted
