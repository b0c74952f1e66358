"""Every loss by its definition: value and gradient, on labels, soft targets, masks and weights."""

import cases
import declared
import keras
import naive
import numpy as np
import pytest
from backends import NATIVE, channels_last, precision, value_and_gradient
from dice_loss import keras as losses
from dice_loss import terms
from every_loss import applies, maps_for, naive_with, spelled_out
from keras.src.backend.common.masking import set_keras_mask

WEIGHTS = [1.0, 0.5, 2.0]
SETTINGS = {
    "dice": {
        "batch": {"pool": "batch", "background": False},
        "all": {"pool": "all", "class_weights": WEIGHTS},
        "formula": {"absent": "formula"},
    },
    "iou": {"zero": {"class_weights": WEIGHTS, "absent": "zero"}},
    "tversky": {"classes": {"classes": [0, 2]}},
    "generalized_dice": {"batch": {"pool": "batch", "class_weights": WEIGHTS}},
    "focal": {"foreground": {"background": False}},
}


def _losses():
    """Of each loss: its name, options and activations; with all options, and with some settings."""
    for name, loss in declared.LOSSES.items():
        of_loss = {"": {}, **SETTINGS.get(name, {})}
        of_loss["options"] = declared.trials_of(name)[-1]
        for label, options in of_loss.items():
            yield f"{name} {label}".strip(), (name, options, loss["activations"])


LOSSES = dict(_losses())
#: One kind of target for each, besides the one with everything in it.
BATCHES = {"softmax": "labels", "sigmoid": "multilabel", "probabilities": "soft target"}
OF_THE_HARDEST = ("top_k", "threshold", "min_kept")
#: Of float32, the reference's own: eps times the number of voxels of a class's sums.
TOLERANCE = {"float32": 3e-6, "float64": 1e-9}
CASES = [
    pytest.param(name, activation, batch, id=f"{name}-{activation}-{batch}")
    for name, (_, _, activations) in LOSSES.items()
    for activation in activations
    for batch in (BATCHES[activation], "counted voxels", *["regions"] * (name == "dice"))
    if applies(LOSSES[name][0], activation, batch)
    if (activation, batch) != ("probabilities", "regions")
]


def keras_case(activation, batch):
    """Predictions, target, voxel weights, a Keras mask, and settings of the loss."""
    case = cases.CASES[batch](activation)
    counted = dict(case.counted)
    settings = {key: counted[key] for key in ("ignore_index", "regions") if key in counted}
    settings["from_logits"] = activation != "probabilities"
    if activation != "probabilities":
        settings["activation"] = activation
    target = np.asarray(case.target)
    target = channels_last(target) if target.shape == case.logits.shape else target
    return case, target, counted.get("voxel_weight"), counted.get("mask"), settings


def type_of(loss):
    """The class by the loss's name in the catalogue."""
    return getattr(losses, declared.LOSSES[loss]["keras"])


def function_of(loss, target, weight, mask, maps=()):
    """The loss of predictions."""
    given = {"maps": {name: channels_last(m) for name, m in maps.items()}} if maps else {}

    def function(x):
        if mask is not None:
            set_keras_mask(x, keras.ops.convert_to_tensor(mask))
        return loss(target, x, weight, **given)

    return function


def expected(name, activation, case):
    loss, options, _ = LOSSES[name]

    def value(x):
        data = naive_with(loss, case.naive_at(x))
        return naive.loss_value(loss, data, activation, **spelled_out(options))

    return value(case.logits), naive.gradient(value, case.logits.astype(float))


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "activation", "batch"), CASES)
def test_value_and_gradient(name, activation, batch, dtype, native):
    case, target, weight, mask, settings = keras_case(activation, batch)
    loss, options, _ = LOSSES[name]
    loss_type = type_of(loss)
    with precision(dtype):
        loss = loss_type(**options, **settings, native=native)
        maps = maps_for(LOSSES[name][0]).get("maps", {})
        function = function_of(loss, target, weight, mask, maps)
        value, gradient = value_and_gradient(function, channels_last(case.logits).astype(dtype))
    wanted_value, wanted_gradient = expected(name, activation, case)
    assert value.dtype == dtype and gradient.dtype == dtype
    tolerance = TOLERANCE[dtype]
    assert value == pytest.approx(wanted_value, rel=tolerance, abs=tolerance)
    scale = np.abs(wanted_gradient).max()
    # The slopes of Matthews' correlation cancel where a class fills its sample, which it does where
    # few voxels count: there they are 700 times the gradient.
    if LOSSES[name][0] == "matthews_correlation" and batch == "counted voxels":
        scale *= 700.0
    np.testing.assert_allclose(
        gradient, channels_last(wanted_gradient), rtol=0, atol=max(3 * tolerance, 1e-8) * scale
    )


@pytest.mark.parametrize("name", LOSSES)
def test_compiled_is_the_same(name):
    loss, options, activations = LOSSES[name]
    case, target, _, _, settings = keras_case(activations[0], "labels")
    maps = maps_for(loss).get("maps", {})
    if keras.backend.backend() == "tensorflow":
        # Which voxels are the hardest XLA cannot ask there; test_keras_maps has what is said of it.
        options = {key: options[key] for key in options if key not in OF_THE_HARDEST}
    function = function_of(
        type_of(loss)(**options, **settings), keras.ops.convert_to_tensor(target), None, None, maps
    )
    x = channels_last(case.logits).astype("float32")
    plain = value_and_gradient(function, x)
    compiled = value_and_gradient(function, x, compiled=True)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("batch", ["samples", "counted voxels"])
def test_compiled_takes_arrays(batch):
    """Targets, weights and masks that no one made a tensor of."""
    case, target, weight, mask, settings = keras_case(
        "softmax", "labels" if batch == "samples" else batch
    )
    weight = np.linspace(0.5, 2.0, len(target)) if batch == "samples" else weight
    target = np.asarray(target).astype(np.uint64) if batch == "samples" else target
    loss = losses.Dice(**settings)

    def function(x):
        if mask is not None:
            set_keras_mask(x, mask)
        return loss(target, x, weight)

    x = channels_last(case.logits).astype("float32")
    plain = value_and_gradient(function, x)
    compiled = value_and_gradient(function, x, compiled=True)
    for a, b in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_classes_may_be_on_any_axis(axis, native):
    case, target, _, _, settings = keras_case("softmax", "soft target")
    reference = losses.DiceCE(**settings)
    loss = losses.DiceCE(**settings, axis=axis, native=native)
    x = channels_last(case.logits)
    moved = value_and_gradient(
        lambda x: loss(np.moveaxis(target, -1, axis), x), np.moveaxis(x, -1, axis)
    )
    value, gradient = value_and_gradient(lambda x: reference(target, x), x)
    np.testing.assert_allclose(moved[0], value, rtol=1e-6)
    np.testing.assert_allclose(np.moveaxis(moved[1], axis, -1), gradient, atol=1e-6)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_read_as_it_is(dtype, native):
    case, target, _, _, settings = keras_case("softmax", "labels")
    x = keras.ops.cast(channels_last(case.logits), dtype)
    loss = losses.DiceCE(**settings, native=native)
    assert keras.backend.standardize_dtype(loss(target, x).dtype) == "float32"
    wide = losses.DiceCE(**settings)(target, keras.ops.cast(x, "float32"))
    assert float(loss(target, x)) == pytest.approx(float(wide), rel=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_focal_loss_of_probabilities_is_that_of_their_logits(activation):
    x = channels_last(cases.logits_for(activation)).astype("float32")
    labels = cases.labels_for()
    p = getattr(keras.ops, activation)(x)
    of_logits = losses.Focal(from_logits=True, activation=activation)(labels, x)
    of_probabilities = losses.Focal(activation=activation)(labels, p)
    assert float(of_logits) == pytest.approx(float(of_probabilities), rel=1e-5)


def test_a_probability_of_zero_is_kept_away_from_it():
    p = np.array([[[1.0, 0.0]]], dtype="float32")
    value, gradient = value_and_gradient(lambda p: losses.DiceCE()(np.array([[1]]), p), p)
    # Kept ε away from 0 and 1, where nothing moves it; class 0 is absent.
    epsilon = keras.config.epsilon()
    dice = 1 - (2 * epsilon + 1e-5) / (1 + epsilon + 1e-5)
    assert value == pytest.approx(dice - np.log(epsilon), rel=TOLERANCE["float32"])
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("native", NATIVE)
def test_terms_are_a_weighted_sum(native):
    case, target, _, _, settings = keras_case("softmax", "labels")
    x = channels_last(case.logits)
    both = losses.SegmentationLoss(
        [(0.3, terms.Dice(background=False)), (2.0, terms.Focal())], native=native, **settings
    )
    dice = losses.Dice(background=False, **settings)(target, x)
    focal = losses.Focal(**settings)(target, x)
    assert float(both(target, x)) == pytest.approx(0.3 * float(dice) + 2 * float(focal), rel=1e-6)
