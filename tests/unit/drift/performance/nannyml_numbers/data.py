"""Seeded data for the comparison with NannyML, numpy alone: a reference, and windows that drift more and more."""

from __future__ import annotations

import numpy as np

ROWS, WINDOWS = 2_000, 4
REFERENCE_ROWS = 6_000
SHIFTS = (0.0, 0.25, 0.5, 0.75)
_SEEDS = {"reference": 1, "analysis": 2}


def _shifts(part):
    return np.zeros(REFERENCE_ROWS) if part == "reference" else np.repeat(SHIFTS, ROWS)


def binary(part):
    """A model whose probabilities are too low; the inputs move."""
    rng, shift = np.random.default_rng(_SEEDS[part]), _shifts(part)
    x = rng.normal(0, 1, len(shift)) + shift
    came = rng.random(len(shift)) < 1 / (1 + np.exp(-(1.5 * x - 1)))
    score = 1 / (1 + np.exp(-(0.9 * x - 1.2)))
    return {"score": score, "prediction": (score >= 0.3).astype(int), "label": came.astype(int), "x": x}


def many(part):
    """Three classes, of which the model is too sure."""
    rng, shift = np.random.default_rng(_SEEDS[part] + 10), _shifts(part)
    x = rng.normal(0, 1, (len(shift), 2)) + np.stack([shift, -shift], axis=1)
    logits = x @ np.array([[1.5, -0.5, 0.2], [0.3, 1.2, -1.0]])
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    came = (rng.random((len(shift), 1)) > np.cumsum(true, axis=1)).sum(axis=1).clip(0, 2)
    said = np.exp(1.6 * logits) / np.exp(1.6 * logits).sum(axis=1, keepdims=True)
    names = np.array(["a", "b", "c"])
    columns = {f"score_{c}": said[:, k] for k, c in enumerate("abc")}
    return columns | {"prediction": names[said.argmax(axis=1)], "label": names[came], "x": x[:, 0], "z": x[:, 1]}


def regression(part):
    """Errors that grow with an input, which moves."""
    rng, shift = np.random.default_rng(_SEEDS[part] + 20), _shifts(part)
    x, z = rng.normal(0, 1, len(shift)) + shift, rng.normal(0, 1, len(shift))
    truth = 100 + 5 * x + z
    error = rng.normal(0, 1, len(shift)) * (2 + 3 / (1 + np.exp(-2 * x)))
    return {"x": x, "z": z, "prediction": truth + error, "label": truth}
