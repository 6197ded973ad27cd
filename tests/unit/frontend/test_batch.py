"""A file of many rows: each is predicted, or says why not."""

import io

import pandas as pd
import pytest

from pilothouse.errors import Fault, InputError
from pilothouse.wire.predictions import Prediction
from services.frontend.errors import ServiceAway, ServiceRefused
from services.frontend.views.predict import batch
from testkit.frontend.manifests import EXAMPLE, houses, pneumonia


def frame(rows):
    return pd.DataFrame([EXAMPLE | {"year_built": 1900 + i, "note": f"n{i}"} for i in range(rows)])


def refuse(*rows):
    faults = [Fault(f"instances[{i}].year_built", "out_of_range", "must be at least 1800") for i in rows]
    return ServiceRefused("inference", "http://x", 422, title="Invalid", detail="", faults=faults)


def answer(record_id, prediction, **more):
    return Prediction(id=record_id, model="houses", version="1", prediction=prediction, **more)


class Service:
    """Refuses rows of the year 1913 as the real one does: at most two faults an answer, and no row predicted then."""

    def __init__(self, bad=(1913,)):
        self.bad, self.calls = bad, 0

    def __call__(self, rows):
        self.calls += 1
        wrong = [i for i, row in enumerate(rows) if row["year_built"] in self.bad]
        if wrong:
            raise refuse(*wrong[:2])
        return [answer(f"id-{row['year_built']}", float(row["year_built"])) for row in rows]


def run(service, rows):
    return [outcome for piece in batch.predict_all(service, rows) for outcome in piece]


def test_a_csv_and_a_parquet_file_give_the_same_instances():
    table = frame(3)
    parquet = io.BytesIO()
    table.to_parquet(parquet)
    one = batch.instances(batch.read("a.csv", table.to_csv(index=False).encode(), houses()), houses())
    other = batch.instances(batch.read("a.parquet", parquet.getvalue(), houses()), houses())
    assert one == other
    assert one[0] == EXAMPLE | {"year_built": 1900}


def test_a_category_that_looks_like_a_number_stays_text():
    data = frame(1).assign(garage="01").to_csv(index=False).encode()
    (instance,) = batch.instances(batch.read("a.csv", data, houses()), houses())
    assert instance["garage"] == "01"


def test_a_cell_that_is_no_number_costs_its_own_row_only():
    table = frame(3).astype({"year_built": object, "living_m2": object})
    table.loc[1, "year_built"] = "n/k"
    table.loc[2, "living_m2"] = "1,234.5"
    made = batch.instances(batch.read("a.csv", table.to_csv(index=False).encode(), houses()), houses())
    assert [row["year_built"] for row in made] == [1900, "n/k", 1902]
    assert [row["living_m2"] for row in made] == [EXAMPLE["living_m2"], EXAMPLE["living_m2"], "1,234.5"]


@pytest.mark.parametrize(("separator", "named"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_file_with_other_separators_says_so(separator, named):
    data = frame(2).to_csv(index=False, sep=separator).encode()
    with pytest.raises(InputError) as raised:
        batch.read("a.csv", data, houses())
    assert raised.value.faults[0].message == f"has {named} between its columns; write it with commas"


@pytest.mark.parametrize("data", [b"", b"PAR1 no", b"\xff\xfe\x00bad\x00"])
@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_what_is_no_such_file_is_refused(name, data):
    with pytest.raises(InputError):
        batch.instances(batch.read(name, data, houses()), houses())


def test_a_file_without_rows_or_with_too_many_is_refused(monkeypatch):
    monkeypatch.setattr(batch, "MOST_ROWS", 5)
    for rows in (0, 6):
        with pytest.raises(InputError, match="rows"):
            batch.read("a.csv", frame(6).head(rows).to_csv(index=False).encode(), houses())


def test_every_missing_column_is_named():
    with pytest.raises(InputError) as refused:
        batch.instances(frame(2).drop(columns=["year_built", "corner"]), houses())
    assert [f.path for f in refused.value.faults] == ["year_built", "corner"]


def test_a_bad_row_costs_itself_only():
    outcomes = run(Service(), batch.instances(frame(20), houses()))
    assert outcomes[13] == "year_built: must be at least 1800"
    assert [o.prediction for o in outcomes if isinstance(o, Prediction)] == [1900.0 + i for i in range(20) if i != 13]


def test_more_bad_rows_than_one_answer_names_are_all_found():
    outcomes = run(Service(bad=range(1903, 1912)), batch.instances(frame(20), houses()))
    assert [i for i, o in enumerate(outcomes) if isinstance(o, str)] == list(range(3, 12))


def test_rows_go_in_pieces_and_come_back_in_order():
    service = Service(bad=())
    rows = [{"year_built": i} for i in range(batch.PIECE_ROWS * 2 + 1)]
    assert [o.prediction for o in run(service, rows)] == [float(i) for i in range(len(rows))]
    assert service.calls == 3


def test_a_service_that_goes_away_leaves_what_was_answered():
    def leave(rows):
        if rows[0]["year_built"]:
            raise ServiceAway("inference", "http://x", "no answer in time")
        return [answer("1", 0.0) for _ in rows]

    pieces = batch.predict_all(leave, [{"year_built": i} for i in range(batch.PIECE_ROWS + 1)])
    assert len(next(pieces)) == batch.PIECE_ROWS
    with pytest.raises(ServiceAway):
        next(pieces)


def test_results_keep_the_file_and_add_what_came_of_it():
    outcomes = run(Service(), batch.instances(frame(15), houses()))
    table = batch.results(frame(15), outcomes, houses())
    assert table["note"].tolist() == [f"n{i}" for i in range(15)]
    assert table["prediction"].isna().tolist() == [i == 13 for i in range(15)]
    assert table["error"].notna().sum() == 1


def test_results_of_a_classifier_have_probabilities_and_risk():
    outcome = answer("7", "pneumonia", probabilities={"normal": 0.1, "pneumonia": 0.9}, risk="high")
    table = batch.results(pd.DataFrame({"a": [1], "id": ["theirs"]}), [outcome], pneumonia())
    assert table.to_dict("records") == [{"a": 1, "prediction": "pneumonia", "probability_normal": 0.1,
                                         "probability_pneumonia": 0.9, "risk": "high", "id": "7"}]  # fmt: skip
