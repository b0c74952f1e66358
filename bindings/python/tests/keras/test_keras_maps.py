"""Maps, on every backend, by the engine and by `keras.ops` alike."""

from __future__ import annotations

from functools import partial

import cases
import dice_loss
import keras
import numpy as np
import pytest
from backends import NATIVE, channels_last, value_and_gradient
from dice_loss import Objective
from dice_loss import keras as losses
from dice_loss.terms import Boundary, CrossEntropy, Dice, HausdorffDT

TERMS = [
    (0.3, Boundary()),
    (0.5, CrossEntropy(map="w")),
    Dice(),
    (0.2, HausdorffDT(map="h", log=True)),
]
X = cases.logits_for("softmax").astype(np.float32)
LABELS = cases.labels_for()
#: Of two classes two instances each, one in either corner.
APART = np.zeros_like(LABELS)
APART[0].flat[[0, -1]], APART[1].flat[[0, -1]] = 1, 2
generator = np.random.default_rng(2)
MAPS = {
    "boundary": generator.normal(size=X.shape).astype(np.float32),
    "w": generator.random(LABELS.shape).astype(np.float32),
    "h": generator.random((2, 1, *LABELS.shape[1:])).astype(np.float32),
}


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("axis", [-1, 1])
def test_value_and_gradient(native, axis):
    wanted, gradient = Objective(TERMS, activation="softmax").loss_and_gradient(
        X, LABELS, maps=MAPS
    )
    loss = losses.SegmentationLoss(
        TERMS, from_logits=True, activation="softmax", axis=axis, native=native
    )
    maps = {n: np.moveaxis(m, 1, axis) if m.ndim == X.ndim else m for n, m in MAPS.items()}
    found, slopes = value_and_gradient(
        lambda x: loss(LABELS, x, maps=maps), np.moveaxis(X, 1, axis)
    )
    assert found == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, axis, 1), gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize(
    "name",
    [
        "Boundary",
        "HausdorffDT",
        "SkeletonRecall",
        "BorderCrossEntropy",
        "InstanceCrossEntropy",
    ],
)
def test_a_loss_makes_its_map(name, native):
    wanted, gradient = Objective(
        getattr(dice_loss, name)(), activation="softmax"
    ).loss_and_gradient(X, LABELS)
    loss = getattr(losses, name.replace("CrossEntropy", "CE"))(from_logits=True, native=native)
    found, slopes = value_and_gradient(lambda x: loss(LABELS, x), channels_last(X))
    assert found == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, -1, 1), gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("options", [{"top_k": 0.2}, {"threshold": 0.4, "min_kept": 3}], ids=str)
def test_a_loss_takes_the_hardest_voxels(options, native):
    for loss, compound, activation in (
        (losses.DiceCE, dice_loss.dice_cross_entropy, "softmax"),
        (losses.DiceBCE, dice_loss.dice_binary_cross_entropy, "sigmoid"),
    ):
        wanted, gradient = compound(X, LABELS, activation=activation, **options)
        made = loss(from_logits=True, native=native, **options)
        found, slopes = value_and_gradient(lambda x, made=made: made(LABELS, x), channels_last(X))
        assert found == pytest.approx(wanted, rel=2e-6)
        np.testing.assert_allclose(np.moveaxis(slopes, -1, 1), gradient, rtol=0, atol=1e-6)


def test_fit_makes_them():
    """Nobody hands a map to `fit`."""
    model = keras.Sequential([keras.layers.Conv2D(3, 1)])
    loss = losses.SegmentationLoss(
        [Dice(), (0.1, Boundary(spacing=(1.0, 2.0)))], from_logits=True, activation="softmax"
    )
    model.compile("adam", loss, jit_compile=keras.backend.backend() == "jax")
    history = model.fit(channels_last(X), LABELS, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of XLA in TensorFlow")
@pytest.mark.parametrize(
    ("loss", "name"),
    [(losses.Boundary, "boundary"), (partial(losses.CrossEntropy, top_k=0.5), "hardest")],
)
def test_where_xla_compiles_maps_are_made_ahead(loss, name):
    loss = loss(from_logits=True)
    with pytest.raises(ValueError, match=f"maps: found none called '{name}' where XLA compiles"):
        value_and_gradient(lambda x: loss(LABELS, x), channels_last(X), compiled=True)


def test_wrong_maps_are_refused():
    loss = losses.Boundary(from_logits=True)
    with pytest.raises(ValueError, match="maps: found 'edge', wanted maps that terms read"):
        loss(LABELS, channels_last(X), maps={"edge": MAPS["w"]})
    with pytest.raises(ValueError, match=r"map 'boundary': found shape \(2, 2, 3, 2\), wanted"):
        loss(LABELS, channels_last(X), maps={"boundary": np.zeros((2, 2, 3, 2), np.float32)})
    masked = np.ma.masked_array(MAPS["w"], MAPS["w"] > 0.5)
    with pytest.raises(TypeError, match="map 'boundary': found a masked array"):
        loss(LABELS, channels_last(X), maps={"boundary": masked})


@pytest.mark.parametrize("native", NATIVE)
@pytest.mark.parametrize("pool", ["cell", "blob"])
def test_losses_of_instances(pool, native):
    options = {"pool": pool, "background": False}
    objective = Objective(Dice(), activation="softmax", **options)
    wanted, gradient = objective.loss_and_gradient(X, APART)
    maps = {"instances": channels_last(objective.maps(X, APART)["instances"])}
    assert maps["instances"].max() > 1
    loss = losses.Dice(from_logits=True, native=native, **options)
    for given in ({}, {"maps": maps}):
        found, slopes = value_and_gradient(
            lambda x, given=given: loss(APART, x, **given), channels_last(X)
        )
        assert found == pytest.approx(wanted, rel=2e-6)
        np.testing.assert_allclose(np.moveaxis(slopes, -1, 1), gradient, rtol=0, atol=1e-6)
