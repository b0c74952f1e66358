"""Masks, weights and annotated classes that say one thing for several voxels or samples."""

from __future__ import annotations

import dice_loss
import numpy as np
import pytest
from dice_loss import _shapes

N, C, H, W = 2, 3, 4, 5
X = np.random.default_rng(0).normal(size=(N, C, H, W)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(C, size=(N, H, W))
WHOLE = np.random.default_rng(2).random((N, H, W))

#: What is given, by name, and the (N, H, W) that it stands for.
SPREAD = {
    "whole": WHOLE,
    "channel": WHOLE[:, None],
    "of samples": WHOLE[:, 0, 0],
    "of samples with axes": WHOLE[:, :1, :1],
    "of samples with a channel": WHOLE[:, :1, :1][:, None],
    "of the image": WHOLE[0],
    "of the image with an axis": WHOLE[:1],
    "of rows": WHOLE[:, :, :1],
    "of columns": WHOLE[:1, :1, :],
}


def spread(given):
    """By hand: axes of 1 repeated, (H, W) put before all samples, (N,) behind each."""
    given = given[:, 0] if given.ndim == 4 else given
    given = given[None] if given.shape == (H, W) else given
    given = given[:, None, None] if given.shape == (N,) else given
    return np.broadcast_to(given, (N, H, W))


def numpy_outcome(**counted):
    value, gradient = dice_loss.dice_cross_entropy(X, LABELS, activation="softmax", **counted)
    return np.float64(value), gradient


def torch_outcome(**counted):
    torch = pytest.importorskip("torch", reason="bindings/python/tests/requirements.txt")
    from dice_loss.torch import DiceCELoss

    x = torch.from_numpy(X.copy()).requires_grad_()
    counted = {name: torch.from_numpy(np.array(v)) for name, v in counted.items()}
    value = DiceCELoss()(x, torch.from_numpy(LABELS), **counted)
    value.backward()
    return value.detach().numpy(), x.grad.numpy()


def jax_outcome(**counted):
    jax = pytest.importorskip("jax", reason="bindings/python/tests/requirements-jax.txt")
    from dice_loss.jax import dice_cross_entropy

    return jax.value_and_grad(lambda x: dice_cross_entropy(x, LABELS, **counted))(X)


OUTCOMES = {"numpy": numpy_outcome, "torch": torch_outcome, "jax": jax_outcome}


@pytest.mark.parametrize("framework", OUTCOMES)
@pytest.mark.parametrize("name", SPREAD)
def test_masks_and_weights_are_shapes(framework, name):
    outcome, given = OUTCOMES[framework], SPREAD[name]
    for counted in ({"mask": given > 0.4}, {"voxel_weight": given}):
        whole = {key: spread(value) for key, value in counted.items()}
        for found, wanted in zip(outcome(**counted), outcome(**whole), strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("framework", ["numpy", "jax"])
@pytest.mark.parametrize("name", SPREAD)
def test_masked_arrays_are_shapes_too(framework, name):
    """What is hidden holds for as many voxels as what is given."""
    outcome, given = OUTCOMES[framework], SPREAD[name]
    hidden = np.random.default_rng(3).random(given.shape) < 0.5
    counted = ~spread(hidden)
    values = {"mask": given > 0.4, "voxel_weight": given}
    for key, value in values.items():
        whole = {"mask": counted, key: spread(value)}
        if key == "mask":
            whole["mask"] = counted & spread(value)
        masked = {key: np.ma.masked_array(value, hidden)}
        for found, wanted in zip(outcome(**masked), outcome(**whole), strict=True):
            np.testing.assert_array_equal(found, wanted)
    both = {
        "mask": np.ma.masked_array(np.ones((H, W)), WHOLE[0] < 0.3),
        "voxel_weight": np.ma.masked_array(given, hidden),
    }
    whole = {"mask": counted & (WHOLE[0] >= 0.3), "voxel_weight": spread(given)}
    for found, wanted in zip(outcome(**both), outcome(**whole), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", SPREAD)
@pytest.mark.parametrize("classes", [None, C])
def test_masks_of_metrics_are_shapes(classes, name):
    pair, given = (X.argmax(1), LABELS), SPREAD[name] > 0.4
    if classes is None:
        pair = tuple(np.moveaxis(np.eye(C, dtype=bool)[labels], -1, 1) for labels in pair)

    def counted(mask):
        found = dice_loss.metrics.counts(*pair, classes=classes, mask=mask)
        return found.true_positives, found.false_positives, found.true_negatives

    np.testing.assert_array_equal(counted(given), counted(spread(given)))
    hidden = np.random.default_rng(3).random(given.shape) < 0.5
    wanted = counted(spread(given) & ~spread(hidden))
    np.testing.assert_array_equal(counted(np.ma.masked_array(given, hidden)), wanted)


@pytest.mark.parametrize("framework", OUTCOMES)
def test_annotated_classes_are_those_of_every_sample(framework):
    valid, outcome = np.array([True, False, True]), OUTCOMES[framework]
    wanted = outcome(class_valid=np.stack([valid, valid]))
    for given in (valid, valid[None]):
        for found, right in zip(outcome(class_valid=given), wanted, strict=True):
            np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("framework", OUTCOMES)
@pytest.mark.parametrize("shape", [(H,), (W,), (3, H, W), (N, H, 2), (N, 2, H, W), (N, N, H, W, 1)])
def test_what_fits_nothing_is_refused(framework, shape):
    wanted = rf"mask: found shape .*, wanted \({N}, {H}, {W}\), with 1 for what holds along an axis"
    with pytest.raises(ValueError, match=wanted):
        OUTCOMES[framework](mask=np.ones(shape, bool))
    with pytest.raises(ValueError, match=r"class_valid: found shape .*, wanted \(N, C\)"):
        OUTCOMES[framework](class_valid=np.ones((N, 2), bool))


def test_what_could_be_of_samples_or_of_voxels_is_refused():
    with pytest.raises(ValueError, match="that of the samples and of the voxels"):
        _shapes.over_voxels("mask", (3,), 3, (3,))
    assert _shapes.over_voxels("mask", (3,), 2, (3,)) == (1, 3)
    assert _shapes.over_voxels("mask", (2,), 2, (3,)) == (2, 1)
    assert _shapes.over_voxels("mask", (1,), 1, (1,)) == (1, 1)
    # A batch of values without spatial axes has a value a sample.
    assert _shapes.over_voxels("mask", (4,), 4, ()) == (4,)
    # With the classes last, so is the channel.
    assert _shapes.over_voxels("mask", (2, 3, 1), 2, (3,), channel=-1) == (2, 3)


@pytest.mark.parametrize("framework", OUTCOMES)
def test_images_that_are_read_as_channels_are_said(framework, monkeypatch):
    """(N, H, W) is a batch of H channels to every front end."""
    x = np.random.default_rng(0).normal(size=(2, 32, 32)).astype(np.float32)
    monkeypatch.setitem(globals(), "X", x)
    monkeypatch.setitem(globals(), "LABELS", x > 0)
    with pytest.warns(UserWarning, match=r"\(2, 32, 32\) are read as 32 channels of 32 voxels"):
        OUTCOMES[framework]()


def test_images_that_are_read_as_channels_in_the_last_axis_are_said():
    losses = pytest.importorskip(
        "dice_loss.jax", reason="bindings/python/tests/requirements-jax.txt"
    )
    x = np.random.default_rng(0).normal(size=(2, 20, 32)).astype(np.float32)
    said = (
        r"^logits and target of shape \(2, 20, 32\) are read as 32 channels of 20 voxels; images "
        r"of one channel are \(N, H, W, 1\), as from logits\[\.\.\., None\]$"
    )
    with pytest.warns(UserWarning, match=said):
        losses.dice(x, x > 0, activation="sigmoid", channel_axis=-1)
