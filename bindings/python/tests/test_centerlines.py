"""clDice of hard segmentations."""

from __future__ import annotations

import numpy as np
import pytest
from dice_loss import metrics, morphology


def by_hand(found, wanted):
    """From the definition, of one mask each: topology precision and sensitivity."""
    precision = wanted[morphology.skeletonize(found)].mean()
    sensitivity = found[morphology.skeletonize(wanted)].mean()
    return precision, sensitivity


def tubes(shape, seed):
    """Masks with thick lines in them."""
    masks = np.random.default_rng(seed).random(shape) < 0.03
    return np.stack([[morphology.dilate(mask, 1.5) for mask in sample] for sample in masks])


@pytest.mark.parametrize("shape", [(2, 2, 24, 31), (1, 2, 9, 12, 15)])
def test_each_class_of_each_sample(shape):
    found, wanted = tubes(shape, 0), tubes(shape, 1)
    wanted |= found & (tubes(shape, 2) | tubes(shape, 3) | tubes(shape, 4))
    assert (found & wanted).any((-1, -2)).all()
    got = metrics.centerlines(found, wanted)
    for n in range(shape[0]):
        for k in range(shape[1]):
            precision, sensitivity = by_hand(found[n, k], wanted[n, k])
            assert got.precision()[n, k] == pytest.approx(precision)
            assert got.sensitivity()[n, k] == pytest.approx(sensitivity)
            mean = 2 * precision * sensitivity / (precision + sensitivity)
            assert metrics.cldice(found, wanted)[n, k] == pytest.approx(mean)


def test_label_maps_are_masks():
    rng = np.random.default_rng(3)
    found, wanted = (rng.integers(0, 3, (2, 20, 20)) // 2 for _ in range(2))
    masks = [np.stack([labels == k for k in range(2)], 1) for labels in (found, wanted)]
    of_masks = metrics.centerlines(*masks, pool="batch")
    of_labels = metrics.centerlines(found, wanted, classes=2, pool="batch")
    for field in ("reference", "found", "predicted", "right"):
        np.testing.assert_array_equal(getattr(of_labels, field), getattr(of_masks, field))
        assert getattr(of_labels, field).shape == (2,)


def test_a_gap_by_hand():
    wanted = np.zeros((1, 1, 5, 10), bool)
    wanted[..., 2, :] = True
    found = wanted.copy()
    found[..., 4] = False
    got = metrics.centerlines(found, wanted)
    assert got.reference == 10 and got.found == 9 and got.predicted == 9 and got.right == 9
    assert metrics.cldice(found, wanted) == pytest.approx(2 * 0.9 / 1.9)
    # Where the gap does not count, nothing is missed.
    counts = np.ones((1, 5, 10), bool)
    counts[..., 4] = False
    assert metrics.cldice(found, wanted, mask=counts) == 1.0


def test_voxels_to_ignore():
    wanted = np.zeros((1, 3, 8), np.int64)
    wanted[0, 1] = 1
    found = wanted.copy()
    found[0, 1, 5] = 0
    wanted[0, 1, 5] = 255
    assert metrics.cldice(found, wanted, classes=2, ignore_index=255)[0, 1] == 1.0


def test_nothing_at_all():
    none, some = np.zeros((1, 1, 4, 4), bool), np.ones((1, 1, 4, 4), bool)
    assert np.isnan(metrics.cldice(none, none))
    assert metrics.cldice(none, none, empty=1.0) == 1.0
    assert metrics.cldice(none, some) == 0.0
    assert metrics.cldice(some, none) == 0.0
    both = metrics.centerlines(some, some) + metrics.centerlines(none, some)
    assert both.sensitivity() == 0.5 and both.precision() == 1.0


def test_what_has_no_centreline():
    with pytest.raises(ValueError, match="found 4 spatial axes, wanted one to three"):
        metrics.cldice(np.ones((1, 1, 2, 2, 2, 2), bool), np.ones((1, 1, 2, 2, 2, 2), bool))
    with pytest.raises(ValueError, match="label 2"):
        metrics.cldice(np.full((1, 3, 3), 2), np.zeros((1, 3, 3), int), classes=2)
