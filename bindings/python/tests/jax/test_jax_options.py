"""Options as users write them, of functions of JAX arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import written
from dice_loss import BackgroundForeground
from dice_loss import jax as losses
from dice_loss.terms import Dice

SOFTMAX = {"activation": "softmax", "pool": "batch", "ignore_index": 255}
WHOLE = ("activation", "pool", "background", "ignore_index", "regions", "class_weights")


def of_function(logits, labels, **options):
    return losses.dice(logits, labels, **options)


def of_terms(logits, labels, **options):
    own = {name: options.pop(name) for name in [*options] if name not in WHOLE}
    if "classes" in own and "class_weights" in options:
        # What takes part is the term's to say, and so are its weights.
        own["class_weights"] = options.pop("class_weights")
    return losses.segmentation_loss(Dice(**own), logits, labels, **options)


def of_reference(logits, labels, **options):
    return losses.dice(logits, labels, reference=True, **options)


def compiled(logits, labels, **options):
    return jax.jit(lambda x, y: losses.dice(x, y, **options))(logits, labels)


FACES = [of_function, of_terms, of_reference, compiled]


def as_jax(value):
    """The same of JAX arrays, where it has NumPy's."""
    if isinstance(value, np.ndarray):
        return jnp.asarray(value)
    return [as_jax(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_CLASSES)
def test_what_is_taken_for_the_same(face, what, float64):
    options, wanted = written.ON_CLASSES[what]
    for kind in (lambda value: value, as_jax):
        given = SOFTMAX | {name: kind(value) for name, value in options.items()}
        found = face(written.LOGITS, written.CLASSES, **given)
        # Sums of 40 voxels in float64, once in another order.
        assert float(found) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_REGIONS)
def test_regions(face, what, float64):
    options, wanted = written.ON_REGIONS[what]
    settings = {"activation": "sigmoid", "pool": "batch", "ignore_index": 255}
    found = face(written.LOGITS, written.LABELS, **settings, **options)
    assert float(found) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.REFUSED)
def test_what_is_refused(face, what, float64):
    options, error, message = written.REFUSED[what]
    for _ in range(2):
        with pytest.raises(error, match=message) as raised:
            face(written.LOGITS, written.CLASSES, **(SOFTMAX | options))
        assert "OverlapTerm" not in str(raised.value)
    # Nothing of it is kept.
    face(written.LOGITS, written.CLASSES, **SOFTMAX)


@pytest.mark.parametrize("what", written.GAMMAS)
def test_values_for_each_class(what, float64):
    gamma, spelled_out = written.GAMMAS[what]
    settings = {"activation": "sigmoid", "ignore_index": 255}
    found = losses.focal(written.LOGITS, written.CLASSES, gamma=as_jax(gamma), **settings)
    wanted = losses.focal(written.LOGITS, written.CLASSES, gamma=spelled_out, **settings)
    assert float(found) == float(wanted)
    found = losses.measure(written.LOGITS, written.CLASSES, ["focal"], gamma=gamma, **settings)
    wanted = losses.measure(
        written.LOGITS, written.CLASSES, ["focal"], gamma=spelled_out, **settings
    )
    np.testing.assert_array_equal(found, wanted)


def test_a_pair_is_not_background_and_foreground(float64):
    settings = {"activation": "sigmoid", "ignore_index": 255}
    with pytest.raises(ValueError, match="gamma: found"):
        losses.focal(written.LOGITS, written.CLASSES, gamma=(0.5, 2.0), **settings)
    losses.focal(written.LOGITS, written.CLASSES, gamma=BackgroundForeground(0.5, 2.0), **settings)


@pytest.mark.parametrize("ignored", [255.0, np.int64(255), jnp.asarray(255)])
def test_labels_that_are_not_measured(ignored, float64):
    labels = np.where(written.KNOWN, written.CLASSES, 0)
    wanted = losses.measure(written.LOGITS, labels, mask=written.KNOWN)
    found = losses.measure(written.LOGITS, written.CLASSES, ignore_index=ignored)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("reference", [False, True])
def test_one_channel_is_told_its_loss(reference):
    logits, labels = jnp.zeros((2, 1, 4)), jnp.zeros((2, 4), jnp.int32)
    with pytest.raises(ValueError, match=r"found 1 channel, .* use dice_binary_cross_entropy"):
        losses.dice_cross_entropy(logits, labels, reference=reference)
    with pytest.raises(ValueError, match="under sigmoid that is dice_binary_cross_entropy"):
        losses.dice_cross_entropy(logits, labels, activation="sigmoid", reference=reference)
