"""Labels, targets and masks by their value, whatever type of array they come in."""

from __future__ import annotations

import cases
import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, Objective, metrics

OBJECTIVE = Objective([(1.0, Dice()), (0.5, CrossEntropy())], activation="softmax", pool="batch")
LOGITS, LABELS = cases.logits_for("softmax"), cases.labels_for()
UNKNOWN = np.zeros(LABELS.shape, dtype=bool)
UNKNOWN[0, 0], UNKNOWN[1, 1, 2] = True, True


def same(found, wanted):
    """Loss and gradient, bit for bit."""
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


def known(**settings):
    """Of the known voxels only."""
    return OBJECTIVE.loss_and_gradient(LOGITS, LABELS, mask=~UNKNOWN, **settings)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "float64"])
@pytest.mark.parametrize("ignored", [256, -100, -1, 1 << 40])
def test_what_a_type_does_not_have_is_ignored_nowhere(dtype, ignored):
    wanted = OBJECTIVE.loss_and_gradient(LOGITS, LABELS)
    same(OBJECTIVE.loss_and_gradient(LOGITS, LABELS.astype(dtype), ignore_index=ignored), wanted)


@pytest.mark.parametrize(
    ("dtype", "label", "ignored", "text"),
    [
        ("uint64", 2**64 - 1, -1, "18446744073709551615"),
        ("float64", 1.000000000001, None, "1.000000000001"),
        ("float64", 16777217.0, 16777216, "16777217"),
        ("float32", 2.0**31, 2**31 - 1, "21474836[0-9]+"),
        ("uint32", 2**32 - 1, -1, "4294967295"),
    ],
)
def test_labels_neither_wrap_nor_round(dtype, label, ignored, text):
    labels = LABELS.astype(dtype)
    labels[0, 0, 1] = label
    with pytest.raises(ValueError, match=f"found label {text}, wanted 0 to 2"):
        OBJECTIVE.loss(LOGITS, labels, ignore_index=ignored)


@pytest.mark.parametrize(("dtype", "ignored"), [("uint64", 1 << 40), ("float64", 16777217)])
def test_wide_labels_are_ignored_by_their_value(dtype, ignored):
    labels = np.where(UNKNOWN, ignored, LABELS).astype(dtype)
    same(OBJECTIVE.loss_and_gradient(LOGITS, labels, ignore_index=ignored), known())


@pytest.mark.parametrize("dtype", [complex, np.longdouble])
def test_labels_that_would_lose_a_part_are_refused(dtype):
    with pytest.raises(TypeError, match=f"labels: found {np.dtype(dtype).name}, wanted"):
        OBJECTIVE.loss(LOGITS, LABELS.astype(dtype))


def test_a_mask_that_only_float32_would_round_to_zero_counts():
    wanted = OBJECTIVE.loss_and_gradient(LOGITS.astype(np.float32), LABELS, mask=~UNKNOWN)
    mask = np.where(UNKNOWN, 0.0, 1e-50)
    same(OBJECTIVE.loss_and_gradient(LOGITS.astype(np.float32), LABELS, mask=mask), wanted)


@pytest.mark.parametrize("what", ["logits", "target", "mask", "voxel_weight"])
def test_masked_voxels_do_not_count(what):
    logits, counted = LOGITS.copy(), {}
    logits[np.broadcast_to(UNKNOWN[:, None], logits.shape)] = np.nan
    arrays = {"logits": logits, "target": np.where(UNKNOWN, 99, LABELS)}
    if what in arrays:
        hidden = UNKNOWN if what == "target" else np.isnan(logits)
        arrays[what] = np.ma.masked_array(arrays[what], hidden)
    else:
        counted[what] = np.ma.masked_array(np.ones(LABELS.shape), UNKNOWN)
    same(OBJECTIVE.loss_and_gradient(**arrays, **counted), known())


def test_masked_arrays_compose_with_a_mask_and_each_other():
    first, second = UNKNOWN.copy(), UNKNOWN.copy()
    first[0], second[1] = False, False
    third = np.ones(LABELS.shape, dtype=bool)
    third[1, 0, 0] = False
    target = np.ma.masked_array(cases.one_hot(LABELS, 3), np.stack([first] * 3, axis=1))
    mask = np.ma.masked_array(third, second)[:, None]
    found = OBJECTIVE.loss_and_gradient(LOGITS, target, mask=mask)
    wanted = OBJECTIVE.loss_and_gradient(LOGITS, LABELS, mask=~UNKNOWN & third)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-14)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-16)


def test_a_masked_class_is_not_annotated():
    valid = np.ma.masked_array(np.ones((2, 3), dtype=bool), [[0, 0, 1], [0, 1, 0]])
    found = OBJECTIVE.loss_and_gradient(LOGITS, LABELS, class_valid=valid)
    same(found, OBJECTIVE.loss_and_gradient(LOGITS, LABELS, class_valid=~valid.mask))


@pytest.mark.parametrize("what", ["logits", "target"])
def test_a_voxel_masked_in_some_classes_is_refused(what):
    arrays = {"logits": LOGITS, "target": cases.one_hot(LABELS, 3)}
    hidden = np.zeros(LOGITS.shape, dtype=bool)
    hidden[1, 2, 0, 1] = True
    arrays[what] = np.ma.masked_array(arrays[what], hidden)
    wanted = rf"{what}: found sample 1, voxel \(0, 1\) masked in some classes only, wanted all"
    with pytest.raises(ValueError, match=wanted):
        OBJECTIVE.loss(**arrays)


def test_a_list_of_masked_arrays_keeps_its_masks():
    labels = list(np.ma.masked_array(np.where(UNKNOWN, 99, LABELS), UNKNOWN))
    same(OBJECTIVE.loss_and_gradient(LOGITS, labels), known())


def test_metrics_leave_out_what_is_masked():
    prediction = LOGITS.argmax(1)
    wanted = metrics.dice_coefficient(prediction, LABELS, classes=3, mask=~UNKNOWN)
    first, second = UNKNOWN.copy(), UNKNOWN.copy()
    first[0], second[1] = False, False
    pair = (
        np.ma.masked_array(np.where(first, 99, prediction), first),
        np.ma.masked_array(np.where(second, 99, LABELS), second),
    )
    np.testing.assert_array_equal(metrics.dice_coefficient(*pair, classes=3), wanted)
    mask = np.ma.masked_array(np.ones(LABELS.shape), UNKNOWN)
    found = metrics.dice_coefficient(prediction, LABELS, classes=3, mask=mask)
    np.testing.assert_array_equal(found, wanted)
    masks = [cases.one_hot(array, 3) for array in (prediction, LABELS)]
    masks[1] = np.ma.masked_array(masks[1], np.stack([UNKNOWN] * 3, axis=1))
    np.testing.assert_array_equal(metrics.dice_coefficient(*masks), wanted)
    masks[1][0, 0, 0] = np.ma.masked
    masks[1].mask[0, 0, 1, 1] = True
    with pytest.raises(ValueError, match=r"reference: found .* masked in some classes only"):
        metrics.dice_coefficient(*masks)


def test_metrics_compare_labels_by_value():
    labels = LABELS.astype(np.uint64)
    labels[0, 0, 0] = 2**64 - 1
    with pytest.raises(ValueError, match="found label 18446744073709551615, wanted 0 to 2"):
        metrics.counts(LABELS.astype(np.uint64), labels, classes=3, ignore_index=-1)
    with pytest.raises(ValueError, match="found label 18446744073709551615 beside int64 labels"):
        metrics.counts(LABELS, labels, classes=3, ignore_index=-1)
    wanted = metrics.counts(LABELS, LABELS, classes=3)
    found = metrics.counts(LABELS, LABELS.astype(np.uint64), classes=3, ignore_index=-1)
    np.testing.assert_array_equal(found.true_positives, wanted.true_positives)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rounding_outside_of_0_to_1_is_0_or_1(dtype):
    dense = cases.one_hot(LABELS, 3).astype(dtype)
    wanted = OBJECTIVE.loss_and_gradient(LOGITS, dense)
    slack = 4 * np.finfo(dtype).eps
    nearly = np.where(dense == 1, 1 + slack, -slack).astype(dtype)
    same(OBJECTIVE.loss_and_gradient(LOGITS, nearly), wanted)
    nearly[0, 0, 0, 0] = 1 + 2 * slack
    recipe = r"wanted 0 to 1, up to 4 roundings; clamp .*, target\.clamp\(0, 1\)"
    with pytest.raises(ValueError, match=recipe):
        OBJECTIVE.loss(LOGITS, nearly)


def test_the_mean_of_ten_raters_is_taken():
    raters = np.stack([cases.one_hot(LABELS, 3)] * 10).astype(np.float32)
    summed = np.zeros_like(raters[0])
    for rater in raters:
        summed += rater * np.float32(0.1)
    assert summed.max() > 1
    same(
        OBJECTIVE.loss_and_gradient(LOGITS, summed),
        OBJECTIVE.loss_and_gradient(LOGITS, cases.one_hot(LABELS, 3).astype(np.float32)),
    )
