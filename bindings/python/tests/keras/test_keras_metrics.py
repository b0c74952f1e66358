"""Counts over batches, and what is made of them."""

import keras
import numpy as np
import pytest
from backends import numpy
from dice_loss import metrics
from dice_loss.keras import DiceScore, IoUScore

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(4, 5, 6, 4)).astype("float32")
LABELS = GENERATOR.integers(0, 3, size=(4, 5, 6))
# Class 3 is not in the reference; nor, here, predicted.
X[..., 3] = -9.0
MASKS = GENERATOR.random(X.shape) < 0.3


def in_batches(metric, target, x, *weights):
    for start in (0, 3):
        part = slice(start, start + 3)
        metric.update_state(target[part], x[part], *(weight[part] for weight in weights))
    return metric.result()


@pytest.mark.parametrize(("metric", "score"), [(DiceScore, "dice_coefficient"), (IoUScore, "iou")])
def test_scores_of_labels(metric, score):
    counts = metrics.counts(X.argmax(-1), LABELS, classes=4, pool="batch")
    wanted = getattr(counts, score)()
    np.testing.assert_allclose(
        numpy(in_batches(metric(4, average=None), LABELS, X)), wanted, rtol=1e-6
    )
    macro = in_batches(metric(4), LABELS, X)
    assert float(macro) == pytest.approx(np.nanmean(wanted), rel=1e-6)
    foreground = in_batches(metric(4, background=False), LABELS, X)
    assert float(foreground) == pytest.approx(np.nanmean(wanted[1:]), rel=1e-6)
    assert float(in_batches(metric(4, class_id=2), LABELS, X)) == pytest.approx(wanted[2])
    total = metrics.Counts(
        counts.true_positives.sum(), counts.false_positives.sum(), counts.false_negatives.sum()
    )
    micro = getattr(total, score)()
    assert float(in_batches(metric(4, average="micro"), LABELS, X)) == pytest.approx(micro)
    named = in_batches(
        metric(4, average=None, class_names="abcd", background=False, name="m"), LABELS, X
    )
    assert list(named) == ["m_b", "m_c", "m_d"]
    assert float(named["m_b"]) == pytest.approx(wanted[1])


def test_scores_of_masks():
    wanted = metrics.dice_coefficient(
        np.moveaxis(X >= 0, -1, 1), np.moveaxis(MASKS, -1, 1), pool="batch"
    )
    metric = DiceScore(4, average=None, threshold=0.5, from_logits=True)
    np.testing.assert_allclose(numpy(in_batches(metric, MASKS, X)), wanted, rtol=1e-6)
    one = DiceScore(1, axis=1)
    p = 1 / (1 + np.exp(-X[:, None, ..., 0]))
    assert float(in_batches(one, MASKS[..., 0], p)) == pytest.approx(wanted[0])


def test_what_does_not_count():
    labels, weight = LABELS.copy(), np.ones(LABELS.shape)
    labels[:, 0], weight[:, 1] = 255, 0
    counted = (labels != 255) & (weight > 0)
    wanted = metrics.dice_coefficient(X.argmax(-1), LABELS, classes=4, mask=counted, pool="batch")
    metric = DiceScore(4, average=None, ignore_index=255)
    np.testing.assert_allclose(numpy(in_batches(metric, labels, X, weight)), wanted, rtol=1e-6)


def test_weight_of_a_sample_multiplies_its_counts():
    metric = DiceScore(4, average=None)
    found = in_batches(metric, LABELS, X, np.array([1, 0, 1, 2], dtype="float32"))
    repeated = np.array([0, 2, 3, 3])
    again = DiceScore(4, average=None)
    wanted = in_batches(again, LABELS[repeated], X[repeated])
    np.testing.assert_allclose(numpy(found), numpy(wanted), rtol=1e-6)


def test_counts_are_exact_beyond_what_float32_holds():
    metric = DiceScore(2, average=None)
    x = np.zeros((1, 3, 2), dtype="float32")
    x[..., 1] = 1.0
    labels = np.array([[1, 1, 0]])
    metric.update_state(labels, x, np.array([2.0**23]))
    for _ in range(50):
        metric.update_state(labels, x, np.array([2.0**23 - 1]))
    low, high = numpy(metric.variables[0]).astype(float)
    true, false = (low + 2.0**20 * high)[:2, 1]
    assert true == 2 * (51 * 2**23 - 50) and false == 51 * 2**23 - 50


def test_reset_and_configuration():
    metric = IoUScore(4, average=None, class_names="abcd", ignore_index=3, name="mine")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is IoUScore and again.get_config() == metric.get_config()
    metric.update_state(LABELS, X)
    metric.reset_state()
    assert np.isnan(float(metric.result()["mine_a"]))


def test_wrong_options():
    with pytest.raises(ValueError, match="average: found 'weighted'"):
        DiceScore(2, average="weighted")
    with pytest.raises(ValueError, match="class_id: found 2, wanted 0 to 1"):
        DiceScore(2, class_id=2)
    with pytest.raises(ValueError, match="class_names: found 1, wanted 2"):
        DiceScore(2, class_names=["a"])
    with pytest.raises(ValueError, match="y_pred: found 4 classes, wanted 3"):
        DiceScore(3).update_state(LABELS, X)
