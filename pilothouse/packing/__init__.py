"""Packing: a torch module and the data it was trained on become a model package.

`pack` is the whole of it; it alone of the library needs torch, and only when it is called.
"""

from pilothouse.packing.build import Packed, pack

__all__ = ["Packed", "pack"]
