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


@pytest.mark.parametrize("function", [builtin.dice, builtin.tversky])
def test_masked_arrays_are_refused(function):
    with pytest.raises(TypeError, match="y_true: found a masked array, of which Keras keeps no"):
        function(np.ma.masked_array(MASKS, MASKS == 0), P)


def test_classes_are_those_of_keras():
    assert isinstance(builtin.Dice(), keras.losses.Dice)
    for loss in (builtin.Dice(axis=(1, 2)), builtin.Tversky(alpha=0.1, name="mine")):
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert type(again) is type(loss) and again.get_config() == loss.get_config()
        assert float(again(MASKS, P)) == float(loss(MASKS, P))
    assert float(builtin.Dice()([[1.0, 0.0]], [[0.5, 0.5]])) == pytest.approx(0.5)
    assert float(builtin.Dice()(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 1)))) == 1.0


def before(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """Keras up to 3.15.1: α for false negatives."""
    both = keras.ops.sum(keras.ops.multiply(y_true, y_pred), axis=axis)
    missed = keras.ops.sum(y_true, axis=axis) - both
    invented = keras.ops.sum(y_pred, axis=axis) - both
    return 1.0 - both / (both + alpha * missed + beta * invented + keras.config.epsilon())


def mended(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """Keras since July 2026: α for false positives."""
    return before(y_true, y_pred, beta, alpha, axis)


@pytest.fixture(params=[before, mended])
def tversky(request, monkeypatch):
    """Keras' own, either way round, as if it were installed."""
    builtin._asked.cache_clear()
    monkeypatch.setattr(keras.losses, "tversky", request.param)
    yield request.param
    builtin._asked.cache_clear()


def test_alpha_and_beta_are_as_in_the_keras_that_is_installed(tversky):
    for axis in (None, (1, 2)):
        found = numpy(builtin.tversky(MASKS, P, alpha=0.2, beta=0.9, axis=axis))
        wanted = numpy(tversky(MASKS, P, alpha=0.2, beta=0.9, axis=axis))
        np.testing.assert_allclose(found, wanted, rtol=2e-6)
    loss = builtin.Tversky(alpha=0.2, beta=0.9)
    assert float(loss(MASKS, P)) == pytest.approx(float(tversky(MASKS, P, 0.2, 0.9)), rel=2e-6)
    # The native loss, with α and β as in the paper.
    alpha, beta = (0.2, 0.9) if tversky is mended else (0.9, 0.2)
    native = Tversky(
        alpha=alpha,
        beta=beta,
        pool="all",
        smoothing=(0.0, keras.config.epsilon()),
        absent="formula",
    )
    assert float(native(MASKS, P)) == pytest.approx(float(loss(MASKS, P)), rel=1e-5)


def test_keras_is_asked_within_a_graph_too(tversky):
    masks = keras.ops.convert_to_tensor(MASKS)

    def loss(p):
        return builtin.tversky(masks, p, alpha=0.2, beta=0.9)

    found, _ = value_and_gradient(loss, P, compiled=True)
    assert float(found) == pytest.approx(float(tversky(MASKS, P, 0.2, 0.9)), rel=2e-6)


@pytest.mark.parametrize("axis", [[1, 2], (np.int64(1), 2), -1])
def test_axes_of_any_kind(axis):
    found, wanted = (numpy(f(MASKS, P, axis=axis)) for f in (builtin.dice, keras.losses.dice))
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=2e-6)


@pytest.mark.parametrize("weight", [1, np.float32(0.4), np.array(0.4, "float32")])
def test_weights_of_any_kind(weight):
    found = numpy(builtin.tversky(MASKS, P, alpha=weight, beta=0.3))
    # An array makes Keras itself warn under torch.
    wanted = numpy(keras.losses.tversky(MASKS, P, alpha=float(weight), beta=0.3))
    np.testing.assert_allclose(found, wanted, rtol=2e-6)


@pytest.mark.parametrize("axis", [None, (3,)], ids=str)
def test_half_precision_does_not_overflow(axis):
    ones = keras.ops.ones((2, 300, 300, 2), dtype="float16")
    loss = builtin.dice(ones, ones, axis=axis)
    assert keras.backend.standardize_dtype(loss.dtype) == "float16"
    np.testing.assert_allclose(numpy(loss), 0.0, atol=1e-3)
