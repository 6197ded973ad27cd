"""25,357 sales of single-family houses in Lucas County (Toledo), Ohio, 1993 to 1998 (CC0).

`read` and `splits` need no torch, so that tests and the demo can replay the sales anywhere.
"""

from training.house_prices.data import FEATURES, TARGET, SaleSplits, read, splits

__all__ = ["FEATURES", "TARGET", "SaleSplits", "read", "splits"]
