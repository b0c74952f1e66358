"""Maps: what each voxel weighs in a term, beside the engine's own numbers."""

from __future__ import annotations

import cases
import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import Objective
from dice_loss.jax import losses, segmentation_loss
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


def wanted(**counted):
    return Objective(TERMS, activation="softmax").loss_and_gradient(X, LABELS, maps=MAPS, **counted)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize("masked", [False, True])
def test_value_and_gradient(reference, channel_axis, masked):
    mask = np.random.default_rng(4).random(LABELS.shape) < 0.8 if masked else None
    value, gradient = wanted(mask=mask)
    maps = {
        name: np.moveaxis(m, 1, channel_axis) if m.ndim == X.ndim else m for name, m in MAPS.items()
    }

    @jax.jit
    @jax.value_and_grad
    def loss(x, maps):
        return segmentation_loss(
            TERMS,
            x,
            LABELS,
            activation="softmax",
            mask=mask,
            maps=maps,
            channel_axis=channel_axis,
            reference=reference,
        )

    found, slopes = loss(jnp.moveaxis(X, 1, channel_axis), maps)
    assert found == pytest.approx(value, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, channel_axis, 1), gradient, rtol=0, atol=3e-7)


def test_maps_that_are_masked():
    hidden = np.random.default_rng(5).random(MAPS["w"].shape) < 0.3
    masked = MAPS | {"w": np.ma.masked_array(MAPS["w"], hidden)}
    value, _ = wanted(mask=~hidden)
    found = segmentation_loss(TERMS, X, LABELS, activation="softmax", maps=masked)
    assert found == pytest.approx(value, rel=2e-6)


@pytest.mark.parametrize(
    "name",
    [
        "boundary",
        "hausdorff_dt",
        "skeleton_recall",
        "border_cross_entropy",
        "instance_cross_entropy",
    ],
)
@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize("reference", [False, True])
def test_a_loss_makes_its_map(name, channel_axis, reference):
    wanted, gradient = getattr(dice_loss, name)(X, LABELS)

    def loss(x):
        return getattr(losses, name)(x, LABELS, channel_axis=channel_axis, reference=reference)

    found, slopes = jax.jit(jax.value_and_grad(loss))(jnp.moveaxis(X, 1, channel_axis))
    assert found == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, channel_axis, 1), gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("options", [{"top_k": 0.2}, {"threshold": 0.4, "min_kept": 3}], ids=str)
def test_a_loss_takes_the_hardest_voxels(options, channel_axis, reference):
    for name, activation in (("dice_cross_entropy", "softmax"), ("focal", "sigmoid")):
        function, told = getattr(losses, name), {"activation": activation, **options}
        wanted, gradient = getattr(dice_loss, name)(X, LABELS, **told)
        told |= {"channel_axis": channel_axis, "reference": reference}

        def loss(x, function=function, told=told):
            return function(x, LABELS, **told)

        found, slopes = jax.jit(jax.value_and_grad(loss))(jnp.moveaxis(X, 1, channel_axis))
        assert found == pytest.approx(wanted, rel=2e-6)
        slopes = np.moveaxis(slopes, channel_axis, 1)
        np.testing.assert_allclose(slopes, gradient, rtol=0, atol=1e-6)


def test_batches_of_batches_make_their_maps():
    several = jnp.stack([X, 2 * X, -X])
    found = jax.vmap(lambda x: losses.hausdorff_dt(x, LABELS))(several)
    wanted = [dice_loss.hausdorff_dt(np.asarray(x), LABELS)[0] for x in several]
    np.testing.assert_allclose(found, wanted, rtol=2e-6)


def test_derivatives_by_a_map():
    def loss(m):
        return losses.boundary(X, LABELS, maps={"boundary": m})

    slopes = jax.grad(loss)(MAPS["boundary"])
    step = 0.5 * np.ones_like(MAPS["boundary"])
    change = loss(MAPS["boundary"] + step) - loss(MAPS["boundary"])
    assert float((slopes * step).sum()) == pytest.approx(float(change), rel=1e-4), "it is linear"


def test_wrong_maps_are_refused():
    with pytest.raises(ValueError, match="maps: found 'edge', wanted maps that terms read"):
        losses.boundary(X, LABELS, maps={"edge": MAPS["w"]})
    with pytest.raises(ValueError, match=r"map 'boundary': found shape \(2, 2, 2, 3\), wanted"):
        losses.boundary(X, LABELS, maps={"boundary": np.zeros((2, 2, 2, 3), np.float32)})
    bad = MAPS["boundary"].copy()
    bad[1, 2, 0, 1] = np.nan
    with pytest.raises(ValueError, match="found NaN in the map 'boundary'"):
        losses.boundary(X, LABELS, maps={"boundary": bad})


@pytest.mark.parametrize("pool", ["cell", "blob"])
@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize("compiled", [False, True])
def test_losses_of_instances(pool, channel_axis, compiled):
    options = {"pool": pool, "background": False}
    wanted, gradient = dice_loss.dice(X, APART, **options)
    numbers = Objective(Dice(), activation="softmax", **options).maps(X, APART)["instances"]
    assert numbers.max() > 1

    def loss(x, **given):
        return losses.dice(x, APART, channel_axis=channel_axis, **options, **given)

    x = jnp.moveaxis(X, 1, channel_axis)
    both = jax.value_and_grad(loss)
    found, slopes = (jax.jit(both) if compiled else both)(x)
    assert found == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, channel_axis, 1), gradient, rtol=0, atol=1e-6)
    # By plain JAX, with numbers that it can look at.
    given = {"maps": {"instances": jnp.moveaxis(numbers, 1, channel_axis)}, "reference": True}
    found, slopes = jax.value_and_grad(lambda x: loss(x, **given))(x)
    assert found == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(np.moveaxis(slopes, channel_axis, 1), gradient, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="instances: found numbers that are traced, wanted"):
        jax.jit(lambda x: loss(x, reference=True))(x)
