import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pilothouse.errors import NotAnImage, TooLarge
from pilothouse.images import decode, statistics
from pilothouse.manifest import STATISTICS, ImageInput

GREY = ImageInput(width=4, height=3)


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def grey(pixels):
    return Image.fromarray(np.asarray(pixels, dtype=np.uint8))


PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def measured(name, pixels):
    return float(statistics(np.asarray(pixels, dtype=np.uint8)[None, ..., None], (name,))[name][0])


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


def test_pixels_come_back_as_they_were():
    assert (decode(encoded(grey(PIXELS)), GREY)[..., 0] == PIXELS).all()


def test_colour_becomes_grey_for_a_grey_model():
    assert decode(encoded(Image.new("RGB", (4, 3), (255, 255, 255))), GREY).tolist() == [[[255]] * 4] * 3


def test_transparency_becomes_black():
    assert decode(encoded(Image.new("RGBA", (4, 3), (255, 255, 255, 0))), GREY).max() == 0


def test_sixteen_bits_become_eight():
    deep = Image.fromarray(np.full((3, 4), 0xFF00, dtype=np.uint16))
    assert set(decode(encoded(deep), GREY).ravel().tolist()) == {255}


@pytest.mark.parametrize("data", [b"", b"no image", encoded(grey(PIXELS))[:40]], ids=["empty", "text", "truncated"])
def test_bytes_that_are_no_image_are_refused(data):
    with pytest.raises(NotAnImage) as caught:
        decode(data, GREY, "file[2]")
    assert caught.value.faults[0].path == "file[2]"


def test_another_size_is_refused_unless_the_model_resizes():
    data = encoded(Image.new("L", (8, 8), 9))
    with pytest.raises(NotAnImage, match="is 8x8; the model takes 4x3"):
        decode(data, GREY)
    assert decode(data, ImageInput(width=4, height=3, resize=True)).shape == (3, 4, 1)


def test_a_decompression_bomb_is_refused_by_its_header():
    header = struct.pack(">IIBBBBB", 13_000, 13_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(TooLarge, match="13000x13000"):
        decode(b"\x89PNG\r\n\x1a\n" + chunk + encoded(grey(PIXELS))[33:], ImageInput(width=4, height=3, resize=True))


def test_brightness_and_contrast_are_mean_and_deviation(photo):
    assert measured("brightness", photo) == pytest.approx(photo.mean() / 255, rel=1e-5)
    assert measured("contrast", photo) == pytest.approx(photo.std() / 255, rel=1e-5)


def test_noise_recovers_the_sigma_of_gaussian_noise():
    noisy = np.random.default_rng(1).normal(128, 12, (200, 200)).round().clip(0, 255)
    assert measured("noise", noisy) * 255 == pytest.approx(12, rel=0.05)


def test_ink_share_counts_bright_pixels():
    half = np.zeros((10, 10))
    half[:5] = 200
    assert measured("ink_share", half) == 0.5


def test_a_quarter_turn_mirrors_the_edge_balance(photo):
    photo = photo // 2 + np.linspace(0, 120, 28, dtype=np.uint8)[None, :]
    assert measured("edge_balance", np.rot90(photo)) == pytest.approx(1 - measured("edge_balance", photo), abs=1e-5)


def test_a_symmetric_image_has_no_asymmetry(photo):
    both = np.hstack([photo, photo[:, ::-1]])
    assert measured("asymmetry", both) == pytest.approx(0, abs=1e-6)


def test_sharpness_falls_with_blur_and_not_with_exposure(photo):
    soft = (photo.astype(float)[:, :-1] + photo[:, 1:]) / 2
    assert measured("sharpness", soft) < measured("sharpness", photo) - 0.1
    assert measured("sharpness", photo // 2) == pytest.approx(measured("sharpness", photo), abs=0.02)


def test_saturation_is_nought_for_grey_and_one_for_pure_colour():
    red = np.zeros((1, 3, 3, 3), dtype=np.uint8)
    red[..., 0] = 255
    assert statistics(red, ("saturation",))["saturation"][0] == 1.0
    assert measured("saturation", np.full((3, 3), 80)) == 0.0


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_image_has_finite_statistics(level):
    found = statistics(np.full((2, 28, 28, 1), level, dtype=np.uint8), STATISTICS)
    assert all(np.isfinite(values).all() for values in found.values())
