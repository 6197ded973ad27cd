"""Images: bytes to pixels with bounds, and the statistics that are logged in their place.

The statistics are chosen so that each of the usual faults moves at least one of them: brightness and contrast
(exposure), sharpness (blur), noise (sensor), ink share (framing, inversion), edge balance and asymmetry (rotation),
saturation (colour). All are computed on grey values in 0..1, for a whole batch at once.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pilothouse.errors import Fault, NotAnImage, TooLarge
from pilothouse.manifest import ImageInput

Pixels = NDArray[np.uint8]
Grey = NDArray[np.float32]
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def decode(data: bytes, spec: ImageInput, path: str = "file") -> Pixels:
    """Decode an image to uint8 (height, width, channels) of the model's size and mode.

    The header's size is checked before any pixel is decoded: a 20 kB PNG may hold 169 megapixels.
    Raises NotAnImage or TooLarge, naming `path`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, smaller bound follows
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > spec.max_pixels:
                message = f"{image.width}x{image.height} is over the limit of {spec.max_pixels} pixels"
                raise TooLarge([Fault(path, "too_many_pixels", message)])
            pixels = _fit(image, spec, path)
    except Image.DecompressionBombError as error:
        raise TooLarge([Fault(path, "too_many_pixels", f"over the limit of {spec.max_pixels} pixels")]) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAnImage([Fault(path, "not_an_image", _reason(data, error))]) from error
    return pixels


def _reason(data: bytes, error: Exception) -> str:
    if not data:
        return "is empty"
    if isinstance(error, UnidentifiedImageError):
        return f"is not an image of a supported format ({', '.join(FORMATS)})"
    return f"is a damaged image ({error})"


def _fit(image: Image.Image, spec: ImageInput, path: str) -> Pixels:
    size = (spec.width, spec.height)
    if image.size != size and not spec.resize:
        message = f"is {image.width}x{image.height}; the model takes {spec.width}x{spec.height}"
        raise NotAnImage([Fault(path, "wrong_size", message)])
    if image.mode != spec.mode:
        image = _flatten(image).convert(spec.mode)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    channels = 1 if spec.mode == "L" else 3
    return np.asarray(image, dtype=np.uint8).reshape(spec.height, spec.width, channels)


def _flatten(image: Image.Image) -> Image.Image:
    """Put transparency on black and 16-bit grey into 8 bits, which `convert` alone would not do."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return image


def statistics(batch: Pixels, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Statistics of uint8 (images, height, width, channels): one float64 array (images,) for each name."""
    colour = batch.astype(np.float32) / np.float32(255)
    grey: Any = colour[..., 0] if batch.shape[-1] == 1 else colour @ _LUMA
    return {n: np.asarray(_STATISTICS[n](grey, colour), dtype=np.float64) for n in names}


def _brightness(grey: Grey, _: Grey) -> Grey:
    """Mean grey value, 0..1."""
    return grey.mean(axis=(1, 2))  # type: ignore[no-any-return]  # numpy types a reduction as Any


def _contrast(grey: Grey, _: Grey) -> Grey:
    """Standard deviation of the grey values, 0..0.5."""
    return grey.std(axis=(1, 2))  # type: ignore[no-any-return]  # as above


def _laplacian(grey: Grey) -> Grey:
    inner = grey[:, 1:-1, 1:-1]
    return grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * inner


def _sharpness(grey: Grey, _: Grey) -> Any:
    """Logarithm of the Laplacian's variance relative to the contrast: falls with blur, whatever the exposure."""
    energy = _laplacian(grey).var(axis=(1, 2)) / (grey.var(axis=(1, 2)) + 1e-6)
    return np.log10(energy + 1e-6)


def _noise(grey: Grey, _: Grey) -> Any:
    """Standard deviation of Gaussian noise after Immerkaer (1996), doi:10.1006/cviu.1996.0060.

    The Laplacian of the Laplacian in one 3x3 mask cancels edges; the mean of its absolute values estimates noise.
    """
    g = grey
    mask = (
        g[:, :-2, :-2] + g[:, :-2, 2:] + g[:, 2:, :-2] + g[:, 2:, 2:] + 4 * g[:, 1:-1, 1:-1]
        - 2 * (g[:, :-2, 1:-1] + g[:, 2:, 1:-1] + g[:, 1:-1, :-2] + g[:, 1:-1, 2:])
    )  # fmt: skip
    return np.abs(mask).mean(axis=(1, 2)) * np.sqrt(np.pi / 2) / 6


def _ink_share(grey: Grey, _: Grey) -> Any:
    """Share of pixels brighter than 0.1, 0..1."""
    return (grey > 0.1).mean(axis=(1, 2))


def _edge_balance(grey: Grey, _: Grey) -> Any:
    """Share of gradient energy that is horizontal, 0..1: a rotation by 90 degrees turns x into 1 - x."""
    horizontal = np.square(np.diff(grey, axis=2)).sum(axis=(1, 2))
    vertical = np.square(np.diff(grey, axis=1)).sum(axis=(1, 2))
    return (horizontal + 1e-9) / (horizontal + vertical + 2e-9)


def _asymmetry(grey: Grey, _: Grey) -> Any:
    """Mean absolute difference of the image and its mirror image over its brightness: rises when a subject tilts."""
    return np.abs(grey - grey[:, :, ::-1]).mean(axis=(1, 2)) / (grey.mean(axis=(1, 2)) + 1e-6)


def _saturation(_: Grey, colour: Grey) -> Any:
    """Mean distance of the largest and the smallest channel, 0..1; 0 for grey images."""
    return (colour.max(axis=3) - colour.min(axis=3)).mean(axis=(1, 2))


_STATISTICS: dict[str, Callable[[Grey, Grey], Any]] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "sharpness": _sharpness,
    "noise": _noise,
    "ink_share": _ink_share,
    "edge_balance": _edge_balance,
    "asymmetry": _asymmetry,
    "saturation": _saturation,
}
