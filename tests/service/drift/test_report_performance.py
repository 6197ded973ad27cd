"""Evidently's performance numbers in the report are those of /performance: the same rows, the same metrics."""

import msgspec
import pytest

from testkit.drift.real import MODELS, house_frames, house_inputs, image_inputs, packed, parts
from testkit.drift.running import running_drift
from testkit.drift.stack import running_collector
from training import fashion_mnist, house_prices

ROWS, LABELS = 300, 200
WAIT = 240
CLASSIFICATION = {"accuracy": "Accuracy", "f1": "F1Score"}
REGRESSION = {"mae": "MAE", "rmse": "RMSE", "mape": "MAPE", "r2": "R2Score", "bias": "MeanError"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Both packed models, each with labels for some of its newest records."""
    with running_collector(tmp_path_factory.mktemp("collector")) as collector:
        sales = house_frames()["held_out"].iloc[:ROWS]
        images = fashion_mnist.splits().held_out
        send(collector, "house-prices", house_inputs(sales), sales[house_prices.TARGET].tolist())
        send(collector, "fashion-mnist", image_inputs(images.pixels[:ROWS, ..., 0]), images.names[:ROWS])
        with running_drift(MODELS, tmp_path_factory.mktemp("drift"), collector.url) as client:
            yield client


def send(collector, name, inputs, labels):
    model = packed(name)
    collector.announce(model.manifest)
    rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
    ids = collector.log(model.manifest, [c.name for c in model.columns_logged], rows)
    collector.label(ids[:LABELS], labels[:LABELS])


def number(value):
    return value if isinstance(value, float | int) else value.get("mean", value.get("value"))


@pytest.mark.parametrize(("model", "names"), [("fashion-mnist", CLASSIFICATION), ("house-prices", REGRESSION)])
def test_the_report_and_performance_say_the_same(client, model, names):
    query = {"model": model, "window": f"rows={ROWS}"}
    answer = client.get("/drift-report", params={**query, "format": "json", "wait": WAIT})
    assert answer.status_code == 200, answer.text
    theirs = {}
    for metric in msgspec.json.decode(answer.content, strict=True)["evidently"]["metrics"]:
        theirs.setdefault(metric["metric_name"].partition("(")[0], metric["value"])
    said = client.get("/performance", params=query).json()
    assert said["labelled_rows"] == LABELS
    for ours, name in names.items():
        assert name in theirs, sorted(theirs)
        expected = said["measured"]["metrics"][ours]["value"] * (100 if ours == "mape" else 1)
        if ours == "bias":
            assert abs(number(theirs[name])) == pytest.approx(abs(expected), rel=1e-6)
            continue
        assert number(theirs[name]) == pytest.approx(expected, rel=1e-6), name
