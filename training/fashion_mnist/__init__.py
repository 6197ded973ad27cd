"""Fashion-MNIST: 70,000 grey images of clothes, 28 by 28, in ten classes (Zalando Research, MIT).

`splits` needs no torch, so that tests and the demo can replay the test images anywhere.
"""

from training.fashion_mnist.data import CLASSES, Images, ImageSplits, splits

__all__ = ["CLASSES", "ImageSplits", "Images", "splits"]
