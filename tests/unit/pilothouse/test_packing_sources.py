"""A reference from a frame, a file, a folder of images or arrays; and every refusal names what is wrong."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pilothouse.errors import PackageError
from pilothouse.packing.sources import ReferenceOptions, read_reference
from pilothouse.tasks import TASKS

FRAME = pd.DataFrame({"size": [1.0, 2.0, 3.0], "kind": ["a", "b", "a"], "price": [10.0, 20.0, 30.0]})
BINARY, NUMBER = TASKS["binary"], TASKS["regression"]
REGRESSION = ReferenceOptions(NUMBER, target="price")


def images(count=4, channels=1):
    return np.arange(count * 6 * 5 * channels, dtype=np.uint8).reshape(count, 6, 5, channels)


def image_folder(root, size=(5, 6), modes=("L", "L")):
    for name, mode in zip(("bag", "shirt"), modes, strict=True):
        (root / name).mkdir()
        Image.new(mode, size, 7 if mode == "L" else (7, 8, 9)).save(root / name / "1.png")
    return root


def test_a_frame_gives_rows_and_labels():
    data = read_reference(FRAME, REGRESSION)
    assert data.rows == [(1.0, "a"), (2.0, "b"), (3.0, "a")]
    assert data.labels == [10.0, 20.0, 30.0]
    assert data.tensors()["categories"].tolist() == [[0], [1], [0]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_gives_what_its_frame_gives(tmp_path, suffix):
    path = tmp_path / f"frame.{suffix}"
    FRAME.to_csv(path, index=False) if suffix == "csv" else FRAME.to_parquet(path)
    assert read_reference(path, REGRESSION).rows == read_reference(FRAME, REGRESSION).rows


def test_a_large_frame_is_sampled_and_the_same_rows_every_time():
    frame = pd.DataFrame({"x": np.arange(1000.0), "price": np.arange(1000.0)})
    options = ReferenceOptions(NUMBER, target="price", rows=100)
    first, again = read_reference(frame, options), read_reference(frame, options)
    assert first.rows == again.rows and len(first.rows) == 100
    assert [row[0] for row in first.rows] == first.labels
    assert 300 < np.mean(first.labels) < 700


def test_the_range_is_that_of_the_whole_frame_and_not_of_the_sample():
    frame = pd.DataFrame({"x": np.arange(1000.0), "price": np.arange(1000.0)})
    spec = read_reference(frame, ReferenceOptions(NUMBER, target="price", rows=3)).spec
    assert spec.features[0].maximum >= 1998


def test_arrays_give_images_with_their_size_and_mode():
    data = read_reference((images(), [0, 1, 0, 1]), ReferenceOptions(BINARY, classes=("bag", "shirt")))
    assert (data.spec.width, data.spec.height, data.spec.mode) == (5, 6, "L")
    assert data.labels == ["bag", "shirt", "bag", "shirt"]
    assert data.tensors()["image"].shape == (4, 6, 5, 1)


def test_colour_images_also_log_their_saturation():
    assert (
        read_reference((images(channels=3), list("abab")), ReferenceOptions(BINARY)).spec.statistics[-1] == "saturation"
    )


def test_a_folder_of_images_is_labelled_by_its_folders(tmp_path):
    data = read_reference(image_folder(tmp_path), ReferenceOptions(BINARY))
    assert data.labels == ["bag", "shirt"] == list(data.classes)
    assert data.rows[0].shape == (6, 5, 1) and (data.rows[0] == 7).all()


def test_a_folder_is_resized_when_a_size_is_given(tmp_path):
    data = read_reference(
        image_folder(tmp_path, size=(50, 60), modes=("RGB", "RGB")), ReferenceOptions(BINARY, size=(6, 5))
    )
    assert data.rows[0].shape == (6, 5, 3)


@pytest.mark.parametrize(
    ("reference", "options", "sentence"),
    [
        (FRAME.iloc[:0], REGRESSION, "is empty"),
        (FRAME, ReferenceOptions(NUMBER), "`target` must name"),
        (
            FRAME,
            ReferenceOptions(NUMBER, target="cost"),
            "no column 'cost' for the labels; it has size, kind, price",
        ),
        (pd.DataFrame([[1, 2, 3]], columns=["x", "x", "price"]), REGRESSION, "two columns of the same name: x"),
        (
            FRAME,
            ReferenceOptions(NUMBER, "price", features={"size": {"maximum": 2}}),
            "instances.2..size: must be at most 2",
        ),
        ((images()[:0], []), ReferenceOptions(BINARY), "is empty"),
        ((images(), [0, 1]), ReferenceOptions(BINARY), "4 images have 2 labels"),
        ((images().astype(float), [0] * 4), ReferenceOptions(BINARY), "must be uint8"),
        ((images(channels=2), [0] * 4), ReferenceOptions(BINARY), "1 or 3 channels"),
    ],
)
def test_a_wrong_reference_is_refused(reference, options, sentence):
    with pytest.raises(PackageError, match=sentence):
        read_reference(reference, options)


def test_a_wrong_path_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad" / "class").mkdir(parents=True)
    (tmp_path / "bad" / "class" / "1.png").write_bytes(b"no image")
    for name, sentence in {"none.csv": "does not exist", "empty": "holds no images", "bad": "not an image"}.items():
        with pytest.raises(PackageError, match=sentence):
            read_reference(tmp_path / name, ReferenceOptions(BINARY, target="x"))
