"""Packing: a torch module and the data it was trained on become a model package.

`pack` alone needs torch, and only when it is called. `pack_external` makes a package of an external model from what it
answered.
"""

from pilothouse.packing.external_model import pack_external
from pilothouse.packing.torch_model import Packed, pack

__all__ = ["Packed", "pack", "pack_external"]
