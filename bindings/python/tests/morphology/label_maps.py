"""Maps that the tests ask about, and spacings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

GENERATOR = np.random.default_rng(14)
SHAPES = [(50,), (31, 44), (12, 17, 20), (1, 9, 8), (5, 1, 7)]
#: Axis by axis, the last axes' of fewer.
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.5, 1.0), (2.7, 0.8, 1.1)]

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_spacing = pytest.mark.parametrize("spacing", SPACINGS, ids=str)


def masks(shape):
    """Noise, sparse noise, something with smooth borders, one voxel."""
    smooth = ndimage.gaussian_filter(GENERATOR.normal(size=shape), 2) > 0
    one = np.zeros(shape, bool)
    one[tuple(size // 2 for size in shape)] = True
    return [GENERATOR.random(shape) < 0.5, GENERATOR.random(shape) < 0.03, smooth, one]


def label_map(shape, labels=4):
    """Regions of 0 to `labels` with smooth borders."""
    fields = [ndimage.gaussian_filter(GENERATOR.normal(size=shape), 2) for _ in range(labels + 1)]
    return np.argmax(fields, axis=0)
