"""What the report worker is given: harmless names, and as many categories as there are."""

import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import LABEL, profile_reference
from services.drift.report.job import LEAST_LABELS, build_job, harmless_names
from services.drift.verdict import judge

LONG = "x" * 80


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["a", "b", "a"], {"a": "a", "b": "b"}),
        (["<b>", "\u2039b\u203a"], {"<b>": "\u2039b\u203a", "\u2039b\u203a": "\u2039b\u203a (2)"}),
        (
            [LONG + "1", LONG + "2", LONG + "3"],
            {LONG + "1": LONG, LONG + "2": "x" * 72 + " (2)", LONG + "3": "x" * 72 + " (3)"},
        ),
    ],
)
def test_no_two_labels_have_one_harmless_name(labels, names):
    assert harmless_names(labels) == names


def stream(body):
    return pa.ipc.open_stream(body).read_all()


def test_categories_that_begin_alike_stay_apart_in_the_report():
    first, second = LONG + " north", LONG + " south"
    spec = Manifest(
        name="m", version="1", task="binary", output=Output(classes=(first, second)),
        input=TabularInput(features=(Feature(name="side", type="category", categories=(first, second)),)),
    )  # fmt: skip
    values = [first, second] * LEAST_LABELS * 2
    table = pa.table({"side": values, "prediction": values, LABEL: values})
    reference = profile_reference(spec, table, "sha")
    result = judge(spec, reference, calibrate(reference, (100,), draws=20), table)
    job = build_job(spec, reference, result, table)
    for shown in (stream(job.reference), stream(job.current)):
        assert [len(set(shown.column(n).to_pylist())) for n in shown.column_names] == [2] * shown.num_columns
        assert job.positive_class in shown.column(LABEL).to_pylist()
