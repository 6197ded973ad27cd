"""Packing: a torch module and the data it was trained on become a model package.

`pack` is the whole of it; it alone of the library needs torch, and only when it is called. `pack_external` makes a
package of a model that is served elsewhere from what it answered.
"""

from pilothouse.packing.build import Packed, pack
from pilothouse.packing.external import pack_external

__all__ = ["Packed", "pack", "pack_external"]
