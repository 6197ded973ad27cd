"""Test images that the repository carries, so that the demo needs no network; `python -m training.fashion_mnist.sample`
writes them again.

They are 1,500 of the 10,000 published test images, drawn at random: the model was not fitted on them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from training.errors import MissingData
from training.fashion_mnist.data import CLASSES, Images, splits

SAMPLE = Path(__file__).parents[1] / "data" / "fashion_mnist_test_1500.parquet"
SAMPLE_ROWS, SAMPLE_SEED = 1_500, 7
_SHAPE = (28, 28, 1)


def draw(test: Images) -> Images:
    """The sample's images, in random order: any of its first rows are a sample too."""
    return test.take(np.random.default_rng(SAMPLE_SEED).permutation(len(test.labels))[:SAMPLE_ROWS])


def read(path: Path = SAMPLE) -> Images:
    """The images that are carried. Raises MissingData."""
    if not path.is_file():
        raise MissingData(f"{path} does not exist; it is part of the repository")
    frame = pd.read_parquet(path)
    pixels = np.frombuffer(b"".join(frame["pixels"]), np.uint8).reshape(-1, *_SHAPE)
    return Images(pixels, frame["article"].map(CLASSES.index).to_numpy(np.int64))


def write(images: Images, path: Path = SAMPLE) -> None:
    """A row an image: its 784 `pixels` as bytes, and the name of the `article`."""
    frame = pd.DataFrame({"pixels": [p.tobytes() for p in images.pixels], "article": images.names})
    frame.to_parquet(path, index=False, compression="zstd", compression_level=19)


if __name__ == "__main__":
    write(draw(splits().held_out))
