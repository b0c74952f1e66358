"""Weights of samples and voxels, masks, and reductions."""

import keras
import numpy as np
import pytest
from backends import NATIVE, numpy
from dice_loss import keras as losses
from dice_loss import terms
from keras.src.backend.common.masking import set_keras_mask

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(3, 4, 5, 3)).astype("float32")
LABELS = GENERATOR.integers(0, 3, size=(3, 4, 5))
WEIGHT = np.array([1.0, 0.0, 2.5], dtype="float32")


def of_each(loss_type, **settings):
    """The loss of every sample by itself."""
    loss = loss_type(from_logits=True, **settings)
    return np.array([float(loss(LABELS[n : n + 1], X[n : n + 1])) for n in range(3)])


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 1, 1), (3, 1, 1, 1)])
@pytest.mark.parametrize("loss_type", [losses.Dice, losses.GeneralizedDice, losses.DiceCE])
def test_weight_of_a_sample_multiplies_its_loss(loss_type, shape, native):
    weighted = {
        reduction: float(
            loss_type(from_logits=True, reduction=reduction, native=native)(
                LABELS, X, WEIGHT.reshape(shape)
            )
        )
        for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight")
    }
    products = WEIGHT * of_each(loss_type)
    assert weighted["mean"] == pytest.approx(products.mean(), rel=1e-6)
    assert weighted["sum_over_batch_size"] == weighted["mean"]
    expected = products.sum() / WEIGHT.sum()
    assert weighted["mean_with_sample_weight"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("native", NATIVE)
def test_weight_of_a_sample_enters_pooled_sums(native):
    loss = losses.Dice(from_logits=True, pool="batch", native=native)
    of_voxels = np.broadcast_to(WEIGHT[:, None, None], LABELS.shape)
    assert float(loss(LABELS, X, WEIGHT)) == pytest.approx(
        float(loss(LABELS, X, of_voxels)), rel=1e-6
    )


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("loss_type", [losses.Dice, losses.DiceCE, losses.Focal])
def test_weight_of_a_voxel_counts_it_as_often(loss_type, native):
    loss = loss_type(from_logits=True, native=native)
    weight = np.ones(LABELS.shape, dtype="float32")
    weight[:, :2] = 2.0
    repeated = np.concatenate([LABELS, LABELS[:, :2]], 1), np.concatenate([X, X[:, :2]], 1)
    wanted = float(loss(*repeated))
    assert float(loss(LABELS, X, weight)) == pytest.approx(wanted, rel=1e-6)
    assert float(loss(LABELS, X, weight[..., None])) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("native", NATIVE)
def test_voxel_without_weight_may_hold_anything(native):
    x, weight = X.copy(), np.ones(LABELS.shape, dtype="float32")
    x[0, 0, 0], weight[0, 0, 0] = np.nan, 0.0
    loss = losses.DiceCE(from_logits=True, native=native)
    assert float(loss(LABELS, x, weight)) == pytest.approx(float(loss(LABELS, X, weight)))


@pytest.mark.parametrize("native", NATIVE)
def test_mask_of_keras_leaves_voxels_out(native):
    mask = GENERATOR.random(LABELS.shape) < 0.7
    loss = losses.DiceCE(from_logits=True, native=native)
    x = keras.ops.convert_to_tensor(X)
    set_keras_mask(x, keras.ops.convert_to_tensor(mask))
    wanted = float(loss(LABELS, X, mask.astype("float32")))
    assert float(loss(LABELS, x)) == pytest.approx(wanted, rel=1e-6)
    set_keras_mask(x, keras.ops.convert_to_tensor(np.array([True, False, True])))
    assert float(loss(LABELS, x)) == pytest.approx(float(loss(LABELS[::2], X[::2])), rel=1e-6)


#: What has one value for several voxels, and the shape (N, H, W) that it is broadcast from.
SPREAD = {
    "of the image": ((4, 5), (1, 4, 5)),
    "of the image with an axis": ((1, 4, 5), (1, 4, 5)),
    "of the image with a channel": ((1, 4, 5, 1), (1, 4, 5)),
    "of rows": ((3, 4, 1), (3, 4, 1)),
    "of columns": ((1, 1, 5), (1, 1, 5)),
}


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("name", SPREAD)
def test_weights_and_masks_hold_along_axes_of_size_1(name, native):
    given, whole = SPREAD[name]
    weight = np.random.default_rng(1).random(given).astype("float32")
    loss = losses.DiceCE(from_logits=True, native=native)
    of_voxels = np.broadcast_to(weight.reshape(whole), LABELS.shape)
    wanted = float(loss(LABELS, X, np.ascontiguousarray(of_voxels)))
    assert float(loss(LABELS, X, weight)) == pytest.approx(wanted, rel=1e-6)
    x = keras.ops.convert_to_tensor(X)
    set_keras_mask(x, keras.ops.convert_to_tensor(weight > 0.4))
    wanted = float(loss(LABELS, X, (of_voxels > 0.4).astype("float32")))
    assert float(loss(LABELS, x)) == pytest.approx(wanted, rel=1e-6)


def test_images_that_are_read_as_channels_are_said():
    x, mask = np.zeros((2, 20, 32), "float32"), np.zeros((2, 20, 32), "float32")
    said = (
        r"^y_pred and y_true of shape \(2, 20, 32\) are read as 32 channels of 20 voxels; images "
        r"of one channel are \(N, H, W, 1\), as from y_pred\[\.\.\., None\]$"
    )
    with pytest.warns(UserWarning, match=said):
        losses.Dice(from_logits=True, activation="sigmoid")(mask, x)
    with pytest.warns(UserWarning, match=r"20 channels of 32 voxels; .* \(N, 1, H, W\)"):
        losses.Dice(from_logits=True, activation="sigmoid", axis=1)(mask, x)


@pytest.mark.parametrize("native", NATIVE)
def test_values_for_reduction_none(native):
    def values(*arguments, **settings):
        return numpy(
            losses.Dice(from_logits=True, reduction="none", native=native, **settings)(*arguments)
        )

    assert values(LABELS, X).shape == (3, 3)
    assert values(LABELS, X, pool="batch").shape == (3,)
    assert values(LABELS, X, pool="all").shape == ()
    np.testing.assert_allclose(values(LABELS, X).mean(1), of_each(losses.Dice), rtol=1e-6)
    np.testing.assert_allclose(
        values(LABELS, X, WEIGHT), WEIGHT[:, None] * values(LABELS, X), rtol=1e-6
    )


@pytest.mark.parametrize("native", [None, False])
def test_map_of_voxel_losses(native):
    loss = losses.SegmentationLoss(
        terms.CrossEntropy(), from_logits=True, reduction=None, native=native
    )
    wanted = numpy(
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)(LABELS, X)
    )
    np.testing.assert_allclose(numpy(loss(LABELS, X)), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        numpy(loss(LABELS, X, WEIGHT)), WEIGHT[:, None, None] * wanted, rtol=1e-5, atol=1e-6
    )
    focal = losses.Focal(
        from_logits=True, activation="sigmoid", reduction="none", axis=1, native=native
    )
    channels_first = np.moveaxis(X, -1, 1)
    assert numpy(focal(LABELS, channels_first)).shape == channels_first.shape


def test_sum_is_the_sum_of_the_values():
    total = losses.Dice(from_logits=True, reduction="sum")(LABELS, X)
    values = numpy(losses.Dice(from_logits=True, reduction="none")(LABELS, X))
    assert float(total) == pytest.approx(values.sum(), rel=1e-6)


@pytest.mark.parametrize("native", NATIVE)
def test_floats_are_labels_too(native):
    loss = losses.DiceCE(from_logits=True, native=native, ignore_index=0)
    wanted = float(loss(LABELS, X))
    for dtype in ("uint8", "int32", "int64", "float32"):
        assert float(loss(LABELS.astype(dtype), X)) == wanted
        assert float(loss(LABELS.astype(dtype)[..., None], X)) == wanted


def test_one_class_takes_masks():
    x, mask = X[..., :1], (LABELS == 1).astype("float32")
    loss = losses.Dice(from_logits=True, activation="sigmoid")
    p = 1 / (1 + np.exp(-x[..., 0]))
    ratio = (2 * (p * mask).sum((1, 2)) + 1e-5) / (p.sum((1, 2)) + mask.sum((1, 2)) + 1e-5)
    assert float(loss(mask, x)) == pytest.approx((1 - ratio).mean(), rel=1e-6)
    assert float(loss(mask[..., None].astype("int32"), x)) == pytest.approx(float(loss(mask, x)))


#: Of what is neither of the samples, (3,), nor of the voxels, (3, 4, 5).
UNFIT = [(2,), (7,), (5,), (2, 1), (4, 1), (7, 1, 1), (2, 1, 1, 1), (4, 5, 1)]


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("shape", UNFIT)
def test_weights_and_masks_that_fit_nothing_are_said(shape, native):
    found = r"found shape " + str(shape).replace("(", r"\(").replace(")", r"\)")
    says = rf"{found}, wanted \(3, 4, 5\), .* \(4, 5\) for all samples or \(3,\) for each$"
    weight, x = np.ones(shape, "float32"), keras.ops.convert_to_tensor(X)
    set_keras_mask(x, keras.ops.convert_to_tensor(weight > 0))
    for reduction in ("mean", "none"):
        loss = losses.CrossEntropy(from_logits=True, native=native, reduction=reduction)
        with pytest.raises(ValueError, match=f"^sample_weight: {says}"):
            loss(LABELS, X, weight)
        with pytest.raises(ValueError, match=f"^mask: {says}"):
            loss(LABELS, x)
    with pytest.raises(ValueError, match=f"^sample_weight: {says}"):
        losses.DiceScore(3).update_state(LABELS, X, weight)


@pytest.mark.parametrize("native", NATIVE)
def test_weights_of_a_line_hold_for_every_sample(native):
    loss = losses.DiceCE(from_logits=True, native=native)
    x, labels = X[:, 0], LABELS[:, 0]
    weight = np.arange(1, 6).astype("float32")
    wanted = float(loss(labels, x, np.tile(weight, (3, 1))))
    assert float(loss(labels, x, weight)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("name", losses.losses.__all__)
def test_an_empty_batch_costs_nothing(name, native):
    loss = getattr(losses, name)(from_logits=True, native=native)
    assert float(loss(LABELS[:0], X[:0])) == 0.0


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize(("weight", "axis"), [(None, 1), ((0,), -1), ((0, 4, 5), -1)])
def test_an_empty_batch_of_any_kind(weight, axis, native):
    x, labels = np.moveaxis(X, -1, axis)[:0], LABELS[:0]
    dense = np.moveaxis(np.eye(3, dtype="float32")[labels], -1, axis)
    weight = None if weight is None else np.ones(weight, "float32")
    for target in (labels, dense):
        loss = losses.DiceCE(from_logits=True, axis=axis, native=native)
        assert float(loss(target, x, weight)) == 0.0
        loss = losses.Focal(from_logits=True, axis=axis, reduction="none", native=False)
        assert numpy(loss(target, x, weight)).shape == (0, 4, 5)
        metric = losses.DiceScore(3, axis=axis)
        metric.update_state(target, x, weight)
        np.testing.assert_array_equal(numpy(metric._counts), np.zeros((2, 3, 3)))


def test_what_does_not_fit_is_said():
    loss = losses.Dice(from_logits=True)
    with pytest.raises(ValueError, match=r"y_true: found shape \(3, 4, 4\), wanted \(3, 4, 5\)"):
        loss(LABELS[..., :4], X)
    with pytest.raises(ValueError, match="sample_weight: found shape"):
        loss(LABELS, X, WEIGHT[:, None] * np.ones((3, 4)))
    with pytest.raises(TypeError, match="y_pred: found int"):
        loss(LABELS, X.astype("int32"))
    with pytest.raises(ValueError, match="axis: found 0"):
        losses.Dice(from_logits=True, axis=0)(LABELS, X)
    with pytest.raises(TypeError, match="Dice: found 'gamma', wanted one of squared, "):
        losses.Dice(gamma=2)
    with pytest.raises(ValueError, match="from_logits: found False beside a term"):
        losses.SegmentationLoss(terms.Dice(activation="sigmoid"))
    with pytest.raises(ValueError, match="activation: found 'tanh'"):
        losses.Dice(activation="tanh")
    with pytest.raises(ValueError, match="alpha"):
        losses.Tversky(alpha=-1.0)


def test_engine_names_a_label_that_is_no_class():
    labels = LABELS.copy()
    labels[1, 2, 4] = 7
    with pytest.raises(Exception, match=r"sample 1, voxel \(2, 4\): found label 7, wanted 0 to 2"):
        float(losses.Dice(from_logits=True, native=True)(labels, X))
