"""Arrays as users have them: every element type, layout and way to say what counts."""

from __future__ import annotations

import cases
import dice_loss
import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, Objective, _arrays

OBJECTIVE = Objective([(1.0, Dice()), (0.5, CrossEntropy())], activation="softmax", pool="batch")


def batch(shape=cases.SHAPE):
    return cases.logits_for("softmax", shape), cases.labels_for(shape)


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [("float64", 1e-14), ("float32", 1e-6), ("float16", 2e-3), ("bfloat16", 2e-2)],
)
def test_logits_of_every_float_type(dtype, precision):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x, labels = batch()
    narrow = x.astype(dtype)
    wanted, slopes = OBJECTIVE.loss_and_gradient(narrow.astype(np.float64), labels)
    value, gradient = OBJECTIVE.loss_and_gradient(narrow, labels)
    assert gradient.dtype == narrow.dtype and gradient.shape == x.shape
    # Read exactly, summed up wide: of a narrow type only the gradient is rounded.
    assert value == pytest.approx(wanted, rel=1e-6)
    scale = np.abs(slopes).max()
    np.testing.assert_allclose(gradient.astype(np.float64), slopes, atol=precision * scale)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"]
)
def test_labels_of_every_type(dtype):
    x, labels = batch()
    wanted = OBJECTIVE.loss_and_gradient(x, labels)
    found = OBJECTIVE.loss_and_gradient(x, labels.astype(dtype))
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_dense_targets_of_every_type(dtype):
    x, labels = batch()
    wanted = OBJECTIVE.loss_and_gradient(x, labels)
    found = OBJECTIVE.loss_and_gradient(x, cases.one_hot(labels, 3).astype(dtype))
    assert found[0] == pytest.approx(wanted[0], rel=1e-14)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-16)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_masks_of_every_type(dtype):
    x, labels = batch()
    mask = np.random.default_rng(2).random(labels.shape) < 0.5
    wanted = OBJECTIVE.loss_and_gradient(x, labels, voxel_weight=mask.astype(np.float64))
    found = OBJECTIVE.loss_and_gradient(x, labels, mask=mask.astype(dtype))
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


def arranged(array, arrangement):
    """The same values, laid out otherwise."""
    last = array.ndim - 1
    if arrangement == "channels last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, last)), last, 1)
    if arrangement == "slice":
        wide = np.zeros((array.shape[0] + 1, array.shape[1] + 2, *array.shape[2:]), array.dtype)
        wide[1:, 1:-1] = array
        return wide[1:, 1:-1]
    if arrangement == "padded rows":
        wide = np.zeros((*array.shape[:-1], array.shape[-1] + 1), array.dtype)
        wide[..., :-1] = array
        return wide[..., :-1]
    if arrangement == "backwards":
        return np.ascontiguousarray(array[:, :, ::-1])[:, :, ::-1]
    if arrangement == "Fortran":
        return np.asfortranarray(array)
    if arrangement == "big-endian":
        return array.astype(array.dtype.newbyteorder(">"))
    if arrangement == "unaligned":
        raw = np.zeros(array.nbytes + 1, np.uint8)
        moved = np.frombuffer(raw.data, array.dtype, array.size, offset=1).reshape(array.shape)
        moved[:] = array
        return moved
    return array


@pytest.mark.parametrize(
    ("arrangement", "is_lent"),
    [
        ("channels last", True),
        ("slice", True),
        ("padded rows", False),
        ("backwards", False),
        ("Fortran", False),
        ("big-endian", False),
        ("unaligned", False),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_any_layout(arrangement, is_lent, dtype):
    x, labels = batch((2, 3, 4, 5))
    x = x.astype(dtype)
    laid_out = arranged(x, arrangement)
    wanted = OBJECTIVE.loss_and_gradient(x, labels)
    value, gradient = OBJECTIVE.loss_and_gradient(laid_out, labels)
    assert value == pytest.approx(wanted[0], rel=1e-6 if dtype == "float32" else 1e-14)
    np.testing.assert_allclose(gradient, wanted[1], atol=1e-8 if dtype == "float32" else 1e-16)
    assert np.shares_memory(_arrays.Lent(laid_out, labels).logits, laid_out) == is_lent
    if arrangement == "channels last":
        assert gradient.strides == laid_out.strides


@pytest.mark.parametrize("arrangement", ["slice", "padded rows", "backwards", "Fortran"])
def test_targets_and_masks_of_any_layout(arrangement):
    x, labels = batch((2, 3, 4, 5))
    mask = np.random.default_rng(2).random(labels.shape) < 0.7
    weight = np.random.default_rng(3).random(labels.shape)
    wanted = OBJECTIVE.loss_and_gradient(x, labels, mask=mask, voxel_weight=weight)
    found = OBJECTIVE.loss_and_gradient(
        x,
        arranged(labels, arrangement),
        mask=arranged(mask, arrangement),
        voxel_weight=arranged(weight, arrangement),
    )
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize("spatial", [(), (7,), (3, 4), (2, 3, 4), (2, 2, 2, 3)])
def test_any_number_of_spatial_axes(spatial):
    x, labels = batch((2, 3, *spatial))
    value, gradient = OBJECTIVE.loss_and_gradient(x, labels)
    wanted = OBJECTIVE.loss_and_gradient(x.reshape(2, 3, -1), labels.reshape(2, -1))
    assert value == wanted[0]
    np.testing.assert_array_equal(gradient.reshape(2, 3, -1), wanted[1])


def test_a_channel_axis_of_one_is_no_axis():
    x, labels = batch()
    mask = labels != 1
    weight = np.random.default_rng(3).random(labels.shape)
    wanted = OBJECTIVE.loss_and_gradient(x, labels, mask=mask, voxel_weight=weight)
    found = OBJECTIVE.loss_and_gradient(
        x, labels[:, None], mask=mask[:, None], voxel_weight=weight[:, None]
    )
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


def test_one_channel_takes_labels_masks_and_soft_targets():
    x = cases.logits_for("sigmoid", (2, 1, 6))
    labels = np.random.default_rng(1).integers(0, 2, size=(2, 6))
    wanted = dice_loss.dice(x, labels, activation="sigmoid")
    for target in (labels[:, None], labels.astype(bool), labels[:, None].astype(np.float32)):
        value, gradient = dice_loss.dice(x, target, activation="sigmoid")
        assert value == pytest.approx(wanted[0], rel=1e-14)
        np.testing.assert_allclose(gradient, wanted[1], atol=1e-16)
    labels[0, :2] = 255
    value, gradient = dice_loss.dice(x, labels, activation="sigmoid", ignore_index=255)
    masked = dice_loss.dice(x, labels % 255, activation="sigmoid", mask=labels != 255)
    assert value == masked[0] and not gradient[0, :, :2].any()


def test_what_does_not_count_contributes_nothing_whatever_it_is():
    x, labels = batch()
    labels[0, 0] = 9
    poisoned = x.copy()
    poisoned[0, :, 0] = np.nan
    poisoned[1, :, 1, 1] = np.inf
    mask = np.ones(labels.shape, bool)
    mask[1, 1, 1] = False
    wanted = OBJECTIVE.loss_and_gradient(x, labels, ignore_index=9, mask=mask)
    value, gradient = OBJECTIVE.loss_and_gradient(poisoned, labels, ignore_index=9, mask=mask)
    assert value == wanted[0]
    np.testing.assert_array_equal(gradient, wanted[1])
    assert not gradient[0, :, 0].any() and not gradient[1, :, 1, 1].any()


def test_nan_that_counts_is_seen():
    x, labels = batch()
    x[0, 0, 0, 0] = np.nan
    value, gradient = OBJECTIVE.loss_and_gradient(x, labels)
    assert np.isnan(value) and np.isnan(gradient).any()


def test_half_precision_does_not_overflow():
    x = np.full((1, 2, 512, 512), 3.0, np.float16)
    labels = np.zeros((1, 512, 512), np.uint8)
    value, gradient = dice_loss.dice(x, labels)
    assert value == pytest.approx(1 - 1 / 1.5, rel=1e-6)
    # ∂/∂p of 1 − 2Σp / (Σp + n) is −2n / (Σp + n)², p = ½ everywhere; ∂p/∂x is ¼ and −¼.
    slope = -2.0 / (2.25 * 512**2) / 4
    wanted = np.broadcast_to(np.array([slope, -slope])[:, None, None], x.shape)
    # Half of the smallest float16.
    np.testing.assert_allclose(gradient.astype(float), wanted, rtol=0, atol=2.0**-25)


def test_class_valid_of_all_samples():
    x, labels = batch()
    valid = np.array([True, False, True])
    found = dice_loss.dice(x, labels, class_valid=valid)
    wanted = dice_loss.dice(x, labels, class_valid=np.stack([valid, valid]))
    assert found[0] == wanted[0]


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 3, 0), (0, 3, 0)])
def test_empty_batches(shape):
    x, labels = np.zeros(shape), np.zeros((shape[0], shape[2]), np.int64)
    value, gradient = OBJECTIVE.loss_and_gradient(x, labels)
    assert value == 0.0 and gradient.shape == shape


def test_lists_are_arrays():
    value, gradient = dice_loss.dice([[[2.0], [0.0]]], [[0]])
    assert 0 < value < 1 and gradient.shape == (1, 2, 1)


X, LABELS = batch()
REFUSED = {
    "integers as logits": (
        lambda: OBJECTIVE.loss(LABELS, LABELS),
        TypeError,
        "logits: found int64, wanted float32 or float64",
    ),
    "too few axes": (lambda: OBJECTIVE.loss(X[0, 0, 0], LABELS), ValueError, r"\(N, C, spatial…\)"),
    "labels of another shape": (
        lambda: OBJECTIVE.loss(X, LABELS.swapaxes(1, 2)),
        ValueError,
        r"target: found shape \(2, 3, 2\), wanted \(2, 2, 3\) or \(2, 1, 2, 3\) for labels",
    ),
    "a label outside the classes": (
        lambda: OBJECTIVE.loss(X, LABELS + 5),
        ValueError,
        r"sample 0, voxel \(0, 0\): found label",
    ),
    "a fraction as label": (
        lambda: OBJECTIVE.loss(X, LABELS + np.float32(0.5)),
        ValueError,
        "found label",
    ),
    "a dense target outside [0, 1]": (
        lambda: OBJECTIVE.loss(X, np.full(X.shape, 2)),
        ValueError,
        "found target 2, wanted 0 to 1",
    ),
    "a complex target": (
        lambda: OBJECTIVE.loss(X, X.astype(complex)),
        TypeError,
        "target: found complex128, wanted bool",
    ),
    "a mask of another shape": (
        lambda: OBJECTIVE.loss(X, LABELS, mask=np.ones((2, 3, 2), bool)),
        ValueError,
        r"mask: found shape \(2, 3, 2\), wanted \(2, 2, 3\)",
    ),
    "a negative weight": (
        lambda: OBJECTIVE.loss(X, LABELS, voxel_weight=np.full(LABELS.shape, -1.0)),
        ValueError,
        "found voxel weight -1",
    ),
    "a mask of words": (
        lambda: OBJECTIVE.loss(X, LABELS, mask=np.full(LABELS.shape, "yes")),
        TypeError,
        "mask: found str",
    ),
    "validity of another shape": (
        lambda: OBJECTIVE.loss(X, LABELS, class_valid=[True, False]),
        ValueError,
        r"class_valid: found shape \(2,\), wanted \(N, C\) = \(2, 3\) or \(3,\)",
    ),
    "validity in floats": (
        lambda: OBJECTIVE.loss(X, LABELS, class_valid=np.ones((2, 3))),
        TypeError,
        "class_valid: found float64, wanted bool",
    ),
    "a region of no channel": (
        lambda: OBJECTIVE.loss(X, LABELS, regions=[[], [0], [7]]),
        ValueError,
        "regions, label 2: found .*channel 7.*, wanted channels below 3",
    ),
    "regions that are no lists": (
        lambda: OBJECTIVE.loss(X, LABELS, regions=[0, 1, 2]),
        TypeError,
        "regions, label 0: found 0, wanted a sequence",
    ),
    "a fraction to ignore": (
        lambda: OBJECTIVE.loss(X, LABELS, ignore_index=1.5),
        TypeError,
        "ignore_index: found 1.5, wanted an integer",
    ),
    "an ignored label of many channels": (
        lambda: OBJECTIVE.loss(X, cases.one_hot(LABELS, 3), ignore_index=1),
        ValueError,
        "use a voxel mask",
    ),
    "softmax of one channel": (
        lambda: OBJECTIVE.loss(X[:, :1], LABELS * 0),
        ValueError,
        "2 channels or more",
    ),
    "weights of other classes": (
        lambda: dice_loss.dice(X, LABELS, class_weights=[1, 2]),
        ValueError,
        "2 weights|3 weights",
    ),
    "a setting that does not exist": (
        lambda: dice_loss.dice(X, LABELS, smooth=1.0),
        TypeError,
        "smooth",
    ),
    "an upstream gradient of another shape": (
        lambda: OBJECTIVE.loss_and_gradient(X, LABELS, upstream=[1.0, 2.0]),
        ValueError,
        r"upstream: found shape \(2,\), wanted a number",
    ),
    "voxel and overlap values at once": (
        lambda: Objective([Dice(), CrossEntropy()], activation="softmax", reduction="none"),
        ValueError,
        "reduction none",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()
