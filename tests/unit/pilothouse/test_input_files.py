import datetime

import pandas as pd
import pytest

from pilothouse.commands.predictions import pace
from pilothouse.errors import InputError
from pilothouse.input_files import feature_objects, read_frame, read_requests
from pilothouse.manifest import Feature, ImageInput, Manifest, Output, TabularInput

FEATURES = (
    Feature(name="area", type="number"),
    Feature(name="rooms", type="integer", required=False),
    Feature(name="garden", type="boolean"),
    Feature(name="sold", type="datetime"),
)


def manifest(spec=None):
    return Manifest(
        name="m", version="1", task="regression", input=spec or TabularInput(features=FEATURES), output=Output()
    )


FRAME = pd.DataFrame(
    {
        "area": [1.5, 2.0],
        "rooms": [3.0, None],
        "garden": [1, 0],
        "sold": pd.to_datetime(["1998-02-03", "1999-01-01"]),
        "price": [10, 20],
    }
)


def test_a_column_with_one_bad_cell_keeps_the_numbers_of_the_others():
    frame = FRAME.assign(area=["1.5", "1_0"], rooms=["3", "inf"], garden=["True", "perhaps"])
    made = list(feature_objects(frame, manifest()))
    assert [(row["area"], row["rooms"], row["garden"]) for row in made] == [(1.5, 3, True), ("1_0", "inf", "perhaps")]


def test_rows_become_json_objects_of_the_models_features_only():
    assert list(feature_objects(FRAME, manifest())) == [
        {"area": 1.5, "rooms": 3, "garden": True, "sold": "1998-02-03T00:00:00"},
        {"area": 2.0, "rooms": None, "garden": False, "sold": "1999-01-01T00:00:00"},
    ]


def test_a_file_without_a_required_column_names_it():
    with pytest.raises(InputError) as caught:
        list(feature_objects(FRAME.drop(columns="area"), manifest()))
    assert [f.path for f in caught.value.faults] == ["area"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_csv_and_parquet_give_the_same_requests(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    FRAME.to_csv(path, index=False) if kind == "csv" else FRAME.to_parquet(path)
    first = read_requests(path, manifest())[0]
    assert datetime.datetime.fromisoformat(first.pop("sold")) == datetime.datetime(1998, 2, 3)
    assert first == {"area": 1.5, "rooms": 3, "garden": True}


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "rows.xlsx").touch()
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        read_frame(tmp_path / "rows.xlsx")


def test_a_folder_gives_its_images_in_order(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    assert read_requests(tmp_path, manifest(ImageInput(width=4, height=4))) == [b"a.JPG", b"b.png"]


def test_a_folder_without_images_says_so(tmp_path):
    with pytest.raises(InputError, match="no image files"):
        read_requests(tmp_path, manifest(ImageInput(width=4, height=4)))


def test_the_pace_waits_until_each_request_is_due():
    now, slept = [100.0], []
    wait = pace(10, lambda: now[0], slept.append)
    for number, moment in ((0, 100.0), (5, 100.2), (10, 102.0)):
        now[0] = moment
        wait(number)
    assert slept == pytest.approx([0.0, 0.3, 0.0])


def test_no_rate_is_no_waiting():
    assert pace(0, lambda: 0.0, lambda _: None) is None
