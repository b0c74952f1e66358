"""The drop-ins beside the losses of the installed Keras."""

import keras
import numpy as np
import pytest
from backends import numpy, value_and_gradient
from dice_loss.keras import Tversky, builtin

GENERATOR = np.random.default_rng(0)
P = GENERATOR.random((2, 4, 5, 3)).astype("float32")
MASKS = (GENERATOR.random(P.shape) < 0.3).astype("float32")
TARGETS = {"masks": MASKS, "soft": GENERATOR.random(P.shape), "beyond 1": 2 * MASKS}
AXES = [None, (1, 2), (1, 2, 3), (0, 1, 2), (0, 1, 2, 3), (3,), (0,), -1, 1, (-2, -3)]
LOSSES = {
    "dice": (builtin.dice, keras.losses.dice, {}),
    "tversky": (builtin.tversky, keras.losses.tversky, {"alpha": 0.2, "beta": 0.9}),
}


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", LOSSES)
def test_functions_have_the_numbers(name, target, axis):
    ours, theirs, options = LOSSES[name]
    target = TARGETS[target].astype("float32")
    found = [
        value_and_gradient(lambda p, f=f: keras.ops.sum(f(target, p, axis=axis, **options)), P)
        for f in (ours, theirs)
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=2e-5, atol=1e-7)
    assert ours(target, P, axis=axis).shape == theirs(target, P, axis=axis).shape


@pytest.mark.parametrize("axis", [None, (1, 2, 3), (1, 2)], ids=str)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", None])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0], dtype="float32")], ids=str)
def test_classes_have_the_numbers(axis, reduction, weight):
    if axis == (1, 2) and weight is not None:
        weight = weight[:, None]
    for name, options in (("Dice", {}), ("Tversky", {"alpha": 0.2, "beta": 0.9})):
        found = [
            numpy(getattr(of, name)(axis=axis, reduction=reduction, **options)(MASKS, P, weight))
            for of in (builtin, keras.losses)
        ]
        np.testing.assert_allclose(found[0], found[1], rtol=2e-6)


def test_classes_are_those_of_keras():
    assert isinstance(builtin.Dice(), keras.losses.Dice)
    for loss in (builtin.Dice(axis=(1, 2)), builtin.Tversky(alpha=0.1, name="mine")):
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert type(again) is type(loss) and again.get_config() == loss.get_config()
        assert float(again(MASKS, P)) == float(loss(MASKS, P))
    assert float(builtin.Dice()([[1.0, 0.0]], [[0.5, 0.5]])) == pytest.approx(0.5)
    assert float(builtin.Dice()(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))) == 1.0


def test_alpha_weighs_false_negatives_as_in_keras():
    """Nothing found: all errors are false negatives, and beta has no say."""
    missed = 0.1 * MASKS
    values = [float(builtin.tversky(MASKS, missed, alpha=a, beta=0.0)) for a in (0.5, 1.0)]
    assert values[0] < values[1]
    assert float(builtin.tversky(MASKS, missed, 0.5, 0.0)) == pytest.approx(
        float(builtin.tversky(MASKS, missed, 0.5, 9.0)), rel=1e-5
    )
    # The loss with α and β as in the paper.
    swapped = Tversky(
        alpha=0.9, beta=0.2, pool="all", smoothing=(0.0, keras.config.epsilon()), absent="formula"
    )
    assert float(swapped(MASKS, P)) == pytest.approx(
        float(builtin.tversky(MASKS, P, alpha=0.2, beta=0.9)), rel=1e-5
    )


@pytest.mark.parametrize("axis", [None, (3,)], ids=str)
def test_half_precision_does_not_overflow(axis):
    ones = keras.ops.ones((2, 300, 300, 2), dtype="float16")
    loss = builtin.dice(ones, ones, axis=axis)
    assert keras.backend.standardize_dtype(loss.dtype) == "float16"
    np.testing.assert_allclose(numpy(loss), 0.0, atol=1e-3)
