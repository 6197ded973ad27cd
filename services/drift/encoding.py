"""Bodies that are kept compressed, sent as the caller can take them."""

from __future__ import annotations

import gzip
import re

_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]*)?))?\s*(?:,|$)", re.IGNORECASE)


def encode(compressed: bytes, accept_encoding: str | None) -> tuple[bytes, dict[str, str]]:
    """The body and its headers for a request's Accept-Encoding: as it is, or unpacked."""
    accepted = _GZIP.search(accept_encoding or "")
    if accepted and float(accepted[1] or 1) > 0:
        return compressed, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding, Accept"}
    return gzip.decompress(compressed), {"Vary": "Accept-Encoding, Accept"}
