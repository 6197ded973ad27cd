"""Makes `numbers.json`: what NannyML 0.13.1 estimates of seeded data, for `test_nannyml.py`.

Not run by the tests, because NannyML is heavy (statsmodels, lightgbm, plotly): in an environment of its own,
`pip install nannyml==0.13.1`, then `NML_DISABLE_USAGE_LOGGING=1 python make.py`. The data are made by `data.py`, from
seeds, with numpy alone, here and in the test.
"""

import json
from pathlib import Path

import nannyml
import pandas as pd
from data import ROWS, binary, many, regression

HERE = Path(__file__).parent
CLASSES = ("a", "b", "c")


def estimates(estimator, reference, analysis, names):
    """Of each window (a chunk of ROWS rows), by metric."""
    estimator.fit(pd.DataFrame(reference))
    frame = estimator.estimate(pd.DataFrame(analysis)).filter(period="analysis").to_df()
    return {ours: [float(v) for v in frame[(theirs, "value")]] for ours, theirs in names.items()}


def of_binary():
    estimator = nannyml.CBPE(
        y_pred_proba="score", y_pred="prediction", y_true="label", problem_type="classification_binary",
        metrics=["accuracy", "f1", "roc_auc", "average_precision"], chunk_size=ROWS,
    )  # fmt: skip
    names = {"accuracy": "accuracy", "f1": "f1", "roc_auc": "roc_auc", "pr_auc": "average_precision"}
    return estimates(estimator, binary("reference"), binary("analysis"), names)


def of_many():
    estimator = nannyml.CBPE(
        y_pred_proba={c: f"score_{c}" for c in CLASSES}, y_pred="prediction", y_true="label",
        problem_type="classification_multiclass", metrics=["accuracy", "f1", "roc_auc"], chunk_size=ROWS,
    )  # fmt: skip
    return estimates(estimator, many("reference"), many("analysis"), {n: n for n in ("accuracy", "f1", "roc_auc")})


def of_regression():
    estimator = nannyml.DLE(
        feature_column_names=["x", "z"], y_pred="prediction", y_true="label", metrics=["mae", "rmse", "mape"],
        chunk_size=ROWS,
    )  # fmt: skip
    names = {n: n for n in ("mae", "rmse", "mape")}
    return estimates(estimator, regression("reference"), regression("analysis"), names)


if __name__ == "__main__":
    numbers = {"nannyml": nannyml.__version__, "binary": of_binary(), "many": of_many(), "regression": of_regression()}
    (HERE / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
