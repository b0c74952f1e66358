"""Losses beside the objective in Keras: by the engine and by keras.ops, and in `fit`."""

from __future__ import annotations

import dice_loss
import keras
import numpy as np
import pytest
from backends import BACKEND, NATIVE, channels_last, numpy, precision, value_and_gradient
from dice_loss.keras import LovaszHinge, LovaszSoftmax
from keras import layers, ops

PLANE, VOLUME = (3, 4, 6, 5), (2, 4, 3, 4, 5)


def logits_of(shape=PLANE, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def labels_of(shape=PLANE, ignored=None, seed=1):
    """Without the last class, so that one is absent."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, shape[1] - 1, (shape[0], *shape[2:]))
    if ignored is not None:
        labels[generator.random(labels.shape) < 0.2] = ignored
    return labels


OPTIONS = [
    (PLANE, {}),
    (PLANE, {"pool": "batch"}),
    (PLANE, {"pool": "batch", "reduction": "none", "absent": "formula"}),
    (PLANE, {"absent": "zero", "class_weights": [1.0, 2.0, 0.5, 3.0], "reduction": "sum"}),
    (PLANE, {"absent": "skip", "background": False, "reduction": "none"}),
    (PLANE, {"classes": [1, 3], "ignore_index": 9, "absent": "formula"}),
    (PLANE, {"regions": [[0], [0, 1], [1, 2], [3]]}),
    (VOLUME, {"pool": "batch"}),
]


@pytest.mark.parametrize(("shape", "options"), OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["hinge", "softmax", "probabilities", "dense"])
@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_the_functions_of_numpy(kind, shape, options, native, dtype):
    if dtype == "float32" and (native or options.get("pool") != "batch"):
        pytest.skip("like float64")
    x = logits_of(shape, dtype)
    if kind == "dense":
        if "regions" in options or "ignore_index" in options:
            pytest.skip("of labels")
        target = np.random.default_rng(4).random(shape) < 0.3
        y_true = channels_last(target).astype(dtype)
    else:
        target = labels_of(shape, options.get("ignore_index"))
        y_true = target.astype(dtype)
    own = {}
    if kind == "probabilities":
        x = np.exp(x - x.max(1, keepdims=True))
        x, own = (x / x.sum(1, keepdims=True)).astype(dtype), {"activation": kind}
    if kind == "hinge":
        loss, function = LovaszHinge(native=native, **options), dice_loss.lovasz_hinge
    else:
        loss = LovaszSoftmax(from_logits=kind != "probabilities", native=native, **options)
        function = dice_loss.lovasz_softmax
    wanted, slopes = function(x, target, **own, **options)
    weights = np.linspace(0.5, 2.0, np.size(wanted)).reshape(np.shape(wanted))
    if np.ndim(wanted):
        # Values whose gradients are known one by one.
        tall = np.stack([one_of(function, x, target, at, own | options) for at in cells(wanted)])
        slopes = np.tensordot(weights.ravel(), tall, 1)
    else:
        slopes = slopes * weights
    with precision(dtype):
        found, gradient = value_and_gradient(
            lambda x: ops.sum(loss(y_true, x) * ops.convert_to_tensor(weights.astype(dtype))),
            channels_last(x),
        )
    rtol = 1e-10 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(found, (wanted * weights).sum(), rtol=rtol)
    np.testing.assert_allclose(gradient, channels_last(slopes), rtol=rtol, atol=rtol * 1e-4)


def cells(values):
    return list(np.ndindex(np.shape(values)))


def one_of(function, x, target, at, options):
    """The gradient of one of the values: that of a loss of it alone."""
    *sample, k = at
    options = options | {"classes": [k], "reduction": "sum"}
    valid = np.ones(x.shape[:2], bool)
    if sample:
        valid = np.arange(len(x))[:, None] == sample[0] * np.ones(x.shape[1])
    if options.get("background") is False and k == 0:
        return np.zeros_like(x)
    return function(x, target, class_valid=valid, **options)[1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("native", NATIVE)
def test_narrow_logits(dtype, native):
    x, labels = ops.cast(channels_last(logits_of(dtype=np.float32)), dtype), labels_of()
    wide = np.moveaxis(numpy(ops.cast(x, "float32")), -1, 1).astype(np.float64)
    wanted = dice_loss.lovasz_softmax(wide, labels)[0]
    value = LovaszSoftmax(from_logits=True, native=native)(labels, x)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("native", NATIVE)
def test_classes_on_another_axis(native):
    x, labels = logits_of(dtype=np.float32), labels_of()
    wanted = dice_loss.lovasz_hinge(x, labels)[0]
    for axis in (1, 2, -1):
        loss = LovaszHinge(axis=axis, native=native)
        assert float(loss(labels, np.moveaxis(x, 1, axis))) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("native", NATIVE)
def test_a_mask_of_the_prediction(native):
    if BACKEND == "jax":
        pytest.skip("Keras' own way to attach a mask is tested with all losses")
    x, labels = logits_of(dtype=np.float32), labels_of()
    mask = np.random.default_rng(2).random(labels.shape) < 0.7
    y_pred = ops.convert_to_tensor(channels_last(x))
    y_pred._keras_mask = ops.convert_to_tensor(mask)
    wanted = dice_loss.lovasz_softmax(x, labels, mask=mask)[0]
    found = LovaszSoftmax(from_logits=True, native=native)(labels, y_pred)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_compiled():
    x, labels = channels_last(logits_of(dtype=np.float32)), labels_of().astype("int32")
    loss = LovaszSoftmax(from_logits=True, pool="batch")
    found = value_and_gradient(lambda x: loss(labels, x), x, compiled=True)
    wanted = value_and_gradient(lambda x: loss(labels, x), x)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_second_derivatives_are_those_of_keras_ops(reduction):
    if BACKEND != "tensorflow":
        pytest.skip("torch and JAX have theirs tested by themselves")
    import tensorflow as tf

    x, labels = tf.constant(channels_last(logits_of())), labels_of()

    def slopes(native):
        loss = LovaszSoftmax(from_logits=True, reduction=reduction, native=native)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = ops.sum(loss(labels, x) ** 2)
            steep = ops.sum(inner.gradient(value, x) ** 2)
        return outer.gradient(steep, x)

    np.testing.assert_allclose(slopes(True), slopes(False), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize(
    ("loss", "activation"),
    [(LovaszHinge, None), (LovaszSoftmax, "softmax"), (LovaszSoftmax, None)],
    ids=["hinge", "probabilities", "logits"],
)
def test_fit(loss, activation, native):
    """Bright squares are found, whoever computes the loss."""
    generator = np.random.default_rng(0)
    labels = np.zeros((16, 8, 8), "int32")
    for index, (row, column) in enumerate(generator.integers(0, 5, (16, 2))):
        labels[index, row : row + 3, column : column + 3] = 1 + index % 2
    image = (labels + 0.3 * generator.normal(size=labels.shape))[..., None].astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 1, activation="relu"),
            layers.Conv2D(3, 1, activation=activation),
        ]
    )
    options = {"native": native, "pool": "batch"}
    if loss is LovaszSoftmax:
        options["from_logits"] = activation is None
    jit = BACKEND == "jax"
    model.compile(keras.optimizers.Adam(0.05), loss(**options), jit_compile=jit)
    history = model.fit(image, labels, batch_size=8, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_serialised():
    for loss in (
        LovaszHinge(pool="batch", classes=[1, 2], class_weights={1: 1.0, 2: 3.0}, axis=1),
        LovaszSoftmax(from_logits=True, regions={1: [0], 2: [0, 1]}, ignore_index=9, name="lovasz"),
    ):
        written = keras.losses.serialize(loss)
        again = keras.losses.deserialize(written)
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        assert keras.losses.serialize(again) == written


def test_options_that_are_set_take_effect():
    x, labels = channels_last(logits_of(dtype=np.float32)), labels_of()
    loss = LovaszSoftmax(from_logits=True)
    loss.pool, loss.classes = "batch", [1]
    fresh = LovaszSoftmax(from_logits=True, pool="batch", classes=[1])
    assert float(loss(labels, x)) == float(fresh(labels, x))
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        loss.pool = "all"
    assert loss.pool == "batch"
    assert float(loss(labels, x)) == float(fresh(labels, x))


def test_errors():
    x, labels = channels_last(logits_of(dtype=np.float32)), labels_of()
    with pytest.raises(TypeError, match="LovaszHinge: found sample_weight, wanted none"):
        LovaszHinge()(labels, x, np.ones_like(labels))
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        LovaszHinge(pool="all")
    with pytest.raises(ValueError, match="2 channels or more; for one channel use lovasz_hinge"):
        LovaszSoftmax(from_logits=True)(labels.clip(max=1), x[..., :1])
    with pytest.raises(ValueError, match="class_weights: found"):
        LovaszHinge(class_weights=[1.0])(labels, x)
    if BACKEND != "jax":
        # Of the engine, whose error is wrapped.
        with pytest.raises(Exception, match="found label 7, wanted 0 to 3"):
            LovaszSoftmax(from_logits=True, native=True)(np.full_like(labels, 7), x)
