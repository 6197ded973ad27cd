"""The test images that the repository carries: what they are, and that the script writes the same again."""

import numpy as np
import pytest

from testkit.sources import ROOT
from training.errors import MissingData
from training.fashion_mnist import sample, splits

BYTES_ALLOWED = 2_000_000


@pytest.fixture(scope="module")
def published():
    try:
        return splits()
    except MissingData as error:
        pytest.skip(str(error))


def test_they_are_images_of_every_class_and_small_enough_to_carry():
    images = sample.read()
    assert images.pixels.shape == (sample.SAMPLE_ROWS, 28, 28, 1) and images.pixels.dtype == np.uint8
    assert np.bincount(images.labels, minlength=10).min() > 0.07 * sample.SAMPLE_ROWS
    assert sum(file.stat().st_size for file in sample.SAMPLE.parent.iterdir()) < BYTES_ALLOWED


def test_they_are_published_test_images_with_their_labels(published):
    drawn, carried = sample.draw(published.held_out), sample.read()
    assert (drawn.pixels == carried.pixels).all() and (drawn.labels == carried.labels).all()


def test_the_model_was_fitted_on_none_of_them(published):
    fitted = {p.tobytes() for part in (published.train, published.reference) for p in part.pixels}
    assert not fitted & {p.tobytes() for p in sample.read().pixels}


def test_what_is_written_is_read_again_and_the_same_every_time(tmp_path):
    images = sample.read()
    for name in ("one", "two"):
        sample.write(images, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (sample.read(tmp_path / "one").pixels == images.pixels).all()


def test_a_file_that_is_away_is_named(tmp_path):
    with pytest.raises(MissingData, match=r"away\.parquet does not exist; it is part of the repository"):
        sample.read(tmp_path / "away.parquet")


def test_the_licence_stands_beside_the_file_and_in_the_card():
    assert "Copyright (c) 2017 Zalando SE" in (sample.SAMPLE.parent / "LICENSE.fashion-mnist").read_text()
    for card in ("training/fashion_mnist/card.md", "models/fashion-mnist/1/MODEL_CARD.md"):
        assert f"training/data/{sample.SAMPLE.name}`, MIT" in (ROOT / card).read_text()
