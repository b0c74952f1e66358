"""Soft clDice in Keras: by the engine and by keras.ops, and in `fit`."""

from __future__ import annotations

import dice_loss
import keras
import numpy as np
import pytest
from backends import BACKEND, NATIVE, channels_last, numpy, precision, value_and_gradient
from dice_loss.keras import ClDice
from keras import layers

OPTIONS = [
    ((3, 4, 6, 5), {}),
    ((3, 4, 6, 5), {"pool": "batch", "absent": "formula", "alpha": 0.5, "iterations": 0}),
    ((3, 4, 6, 5), {"pool": "all", "class_weights": [1.0, 2.0, 0.5, 0.0], "iterations": 1}),
    (
        (3, 4, 6, 5),
        {"activation": "sigmoid", "background": False, "ignore_index": 9, "iterations": 1},
    ),
    ((2, 4, 3, 4, 5), {"iterations": 1, "epsilon": 0.25, "smoothing": 0.5}),
]

#: Which of the two a backend compiles, if not both.
COMPILED = {"tensorflow": False, "torch": True}


def batch_of(shape, ignored=None):
    generator = np.random.default_rng(0)
    x = generator.normal(size=shape)
    labels = generator.integers(0, shape[1] - 1, (shape[0], *shape[2:]))
    if ignored is not None:
        labels[generator.random(labels.shape) < 0.2] = ignored
    return x, labels


@pytest.mark.parametrize(("shape", "options"), OPTIONS, ids=str)
@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("compiled", [False, True])
def test_as_the_function_of_numpy(shape, options, native, compiled):
    if compiled and native != COMPILED.get(BACKEND, native):
        pytest.skip("XLA cannot call the engine, and Dynamo warns of a cache of Keras'")
    x, labels = batch_of(shape, options.get("ignore_index"))
    wanted, slopes = dice_loss.cldice(x, labels, **options)
    loss = ClDice(from_logits=True, native=native, **options)
    y_true = labels.astype("float64")
    with precision("float64"):
        value, gradient = value_and_gradient(
            lambda y_pred: loss(y_true, y_pred), channels_last(x), compiled
        )
    np.testing.assert_allclose(value, wanted, rtol=1e-11)
    np.testing.assert_allclose(gradient, channels_last(slopes), rtol=0, atol=1e-13)


def test_probabilities_and_configuration():
    x, labels = batch_of((2, 3, 6, 5))
    p = 1 / (1 + np.exp(-x))
    wanted, _ = dice_loss.cldice(p, labels, activation="probabilities", iterations=2)
    loss = ClDice(iterations=2)
    again = ClDice.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    saved = keras.saving.serialize_keras_object(loss)
    for each in (loss, again, keras.saving.deserialize_keras_object(saved)):
        np.testing.assert_allclose(numpy(each(labels, channels_last(p))), wanted, rtol=1e-5)
    loss.iterations = 5
    wanted, _ = dice_loss.cldice(p, labels, activation="probabilities", iterations=5)
    np.testing.assert_allclose(numpy(loss(labels, channels_last(p))), wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="alpha"):
        loss.alpha = 3.0
    with pytest.raises(TypeError, match="looks at skeletons"):
        loss(labels, channels_last(p), sample_weight=np.ones(2))


def test_fit():
    generator = np.random.default_rng(2)
    labels = np.zeros((16, 12, 12), np.int64)
    for sample, row in enumerate(generator.integers(1, 11, 16)):
        labels[sample, row] = 1
    x = (labels + 0.3 * generator.normal(size=labels.shape))[..., None].astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Input((12, 12, 1)), layers.Conv2D(2, 3, padding="same")])
    model.compile(keras.optimizers.Adam(0.2), ClDice(from_logits=True, background=False, alpha=0.5))
    history = model.fit(x, labels, batch_size=8, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]
