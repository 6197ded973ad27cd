"""The published images: found, verified by sha256, unpacked, and divided.

They are Debian's package `dataset-fashion-mnist` or the official download, which hold the same bytes packed
differently; so the checksums are of the unpacked bytes. The format is IDX: http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.errors import MissingData, WrongData

CLASSES = (
    "t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
OFFICIAL_ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
UNPACKED_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
IMAGES_HEADER, LABELS_HEADER = 16, 8

REFERENCE_ROWS = 4_000
CALIBRATION_ROWS = 2_000
SPLIT_SEED = 20170825  # the day Fashion-MNIST was published


class Images(NamedTuple):
    """Pixels uint8 (rows, 28, 28, 1), and the class of each as its position in CLASSES."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Images:
        return Images(self.pixels[rows], self.labels[rows])

    @property
    def names(self) -> list[str]:
        return [CLASSES[label] for label in self.labels]


class ImageSplits(NamedTuple):
    """Four parts that share no image.

    `train` fits the weights. `calibration` sets the softmax temperature. `reference` is what drift compares with: the
    model has never seen it, because confidence on fitted rows is higher than on new ones and would look like drift
    for ever. `held_out` is the published test set.
    """

    train: Images
    calibration: Images
    reference: Images
    held_out: Images


def splits(folder: Path | None = None) -> ImageSplits:
    """Divide the 60,000 training images with a fixed seed, and add the 10,000 test images.

    Raises MissingData and WrongData.
    """
    training = _read("train", folder)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(training.labels))
    reference, calibration, train = np.split(order, [REFERENCE_ROWS, REFERENCE_ROWS + CALIBRATION_ROWS])
    return ImageSplits(
        train=training.take(train),
        calibration=training.take(calibration),
        reference=training.take(reference),
        held_out=_read("t10k", folder),
    )


def _read(prefix: str, folder: Path | None) -> Images:
    pixels = np.frombuffer(_unpacked(f"{prefix}-images-idx3-ubyte", folder), np.uint8, offset=IMAGES_HEADER)
    labels = np.frombuffer(_unpacked(f"{prefix}-labels-idx1-ubyte", folder), np.uint8, offset=LABELS_HEADER)
    return Images(pixels.reshape(-1, 28, 28, 1), labels.astype(np.int64))


def _unpacked(name: str, folder: Path | None) -> bytes:
    path = _find(f"{name}.gz", folder)
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise WrongData(f"{path} cannot be unpacked: {error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != UNPACKED_SHA256[name]:
        raise WrongData(f"{path} is not the published file: sha256 {found}, expected {UNPACKED_SHA256[name]}")
    return data


def _find(file: str, folder: Path | None) -> Path:
    """The installed file, else the cached one, else a download into the cache. A given folder is taken at its word."""
    if folder is not None:
        if not (folder / file).is_file():
            raise MissingData(f"{folder / file} does not exist")
        return folder / file
    cached = _cache_folder() / file
    for path in (DEBIAN_FOLDER / file, cached):
        if path.is_file():
            return path
    _download(OFFICIAL_ADDRESS + file, cached)
    return cached


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "pilothouse" / "fashion-mnist"


def _download(url: str, target: Path) -> None:
    """Fetch to a temporary name and rename, so that a broken download is never taken for the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # a constant http address
            partial.write_bytes(answer.read())
    except (urllib.error.URLError, OSError) as error:
        raise MissingData(
            f"Fashion-MNIST is not installed and {url} cannot be downloaded ({error}); "
            "on Debian or Ubuntu: apt-get install dataset-fashion-mnist"
        ) from error
    partial.replace(target)
