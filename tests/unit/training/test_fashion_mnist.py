"""The images: found, verified and divided; and the committed model, measured on the real test set."""

import gzip
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pilothouse.model import Model
from pilothouse.package import open_package
from training.errors import MissingData, WrongData
from training.fashion_mnist import CLASSES, data, splits
from training.fashion_mnist.evaluation import score

PACKAGE = Path(__file__).parents[3] / "models" / "fashion-mnist" / "1"


@pytest.fixture(scope="module")
def parts():
    try:
        return splits()
    except MissingData as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model():
    return Model(open_package(PACKAGE))


def test_the_parts_are_all_70000_images_and_share_none(parts):
    counts = [len(part.labels) for part in parts]
    assert counts == [54_000, 2_000, 4_000, 10_000]
    ours = np.concatenate([p.pixels for p in (parts.train, parts.calibration, parts.reference)]).reshape(60_000, -1)
    published = data._read("train", None).pixels.reshape(60_000, -1)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, published))


def test_a_second_split_is_the_same(parts):
    assert (splits().reference.pixels == parts.reference.pixels).all()


def test_every_part_holds_every_class_about_equally_often(parts):
    for part in parts:
        shares = np.bincount(part.labels, minlength=10) / len(part.labels)
        assert shares.min() > 0.07 and shares.max() < 0.13


def test_labels_go_with_their_images(parts):
    """A trouser is tall and narrow, a bag is wide: their mean images say which is which."""
    mean = {name: parts.train.pixels[parts.train.labels == code].mean(axis=0) for code, name in enumerate(CLASSES)}
    assert mean["trouser"][:, :5].mean() < 10 < mean["bag"][12:20, :5].mean()


def test_the_committed_model_meets_its_floor_on_the_real_test_images(parts, model):
    measured = score(model, parts.held_out)
    assert measured.rows == 10_000 and measured.accuracy >= 0.90
    assert f"| {measured.accuracy:.4f} |" in (PACKAGE / "MODEL_CARD.md").read_text()


def test_its_confidence_is_close_to_its_accuracy(parts, model):
    """Performance is estimated without labels from the probabilities, which must mean what they say."""
    measured = score(model, parts.held_out)
    assert abs(measured.confidence - measured.accuracy) < 0.02 and measured.calibration_error < 0.02


def test_its_reference_is_the_part_that_was_not_fitted(parts, model):
    table = pq.read_table(PACKAGE / "reference.parquet")
    assert table.num_rows == 4_000 and table["label"].to_pylist() == parts.reference.names
    brightness = parts.reference.pixels.mean(axis=(1, 2, 3)) / 255
    assert table["brightness"].to_numpy() == pytest.approx(brightness, abs=1e-5)


def test_inverted_images_are_misclassified_with_confidence(parts, model):
    """Why inputs are watched: the model is wrong about them and says so less than it should."""
    clean = data.Images(parts.held_out.pixels[:500], parts.held_out.labels[:500])
    inverted = score(model, data.Images(255 - clean.pixels, clean.labels))
    assert inverted.accuracy < 0.4 and inverted.confidence > inverted.accuracy + 0.3


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(MissingData, match=str(tmp_path)):
        splits(tmp_path)


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"other bytes"), gzip.compress(b"cut off")[:-6]])
def test_files_that_are_not_the_published_ones_are_refused(tmp_path, body):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(body)
    with pytest.raises(WrongData, match="train-images-idx3-ubyte"):
        splits(tmp_path)


@pytest.fixture
def archive(tmp_path):
    """A server on a free port that offers one small file."""
    (tmp_path / "offered").mkdir()
    (tmp_path / "offered" / "small.gz").write_bytes(gzip.compress(b"small"))

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "offered"))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_download_is_kept_whole(tmp_path, archive):
    target = tmp_path / "cache" / "small.gz"
    data._download(archive + "small.gz", target)
    assert gzip.decompress(target.read_bytes()) == b"small"
    assert [p.name for p in target.parent.iterdir()] == ["small.gz"]


def test_a_download_that_fails_says_what_to_install(tmp_path, archive):
    with pytest.raises(MissingData, match="apt-get install dataset-fashion-mnist"):
        data._download(archive + "none.gz", tmp_path / "cache" / "none.gz")
    assert list((tmp_path / "cache").iterdir()) == []
