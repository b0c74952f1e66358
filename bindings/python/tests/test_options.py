"""Options as users write them, of the functions of arrays and of `Objective`."""

from __future__ import annotations

import dice_loss
import numpy as np
import pytest
import written
from dice_loss import BackgroundForeground, Dice, Focal, Objective, metrics

OF_CALL = ("ignore_index", "regions")


def of_function(logits, labels, **options):
    """By the function of the loss."""
    return dice_loss.dice(logits, labels, **options)[0]


def of_objective(logits, labels, **options):
    """By an objective whose settings are the whole's, as far as it has them."""
    of_call = {name: options.pop(name) for name in OF_CALL if name in options}
    own = {
        name: options.pop(name) for name in ("smoothing", "squared", "classes") if name in options
    }
    if "classes" in own:
        # What takes part is the term's to say, and so are its weights.
        own |= options
        options = {}
    return Objective(Dice(**own), **options).loss(logits, labels, **of_call)


FACES = [of_function, of_objective]
SOFTMAX = {"activation": "softmax", "pool": "batch", "ignore_index": 255}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_CLASSES)
def test_what_is_taken_for_the_same(face, what):
    options, wanted = written.ON_CLASSES[what]
    found = face(written.LOGITS, written.CLASSES, **(SOFTMAX | options))
    # Sums of 40 voxels in float64, once in another order.
    assert found == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_REGIONS)
def test_regions(face, what):
    options, wanted = written.ON_REGIONS[what]
    settings = {"activation": "sigmoid", "pool": "batch", "ignore_index": 255}
    found = face(written.LOGITS, written.LABELS, **settings, **options)
    assert found == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.REFUSED)
def test_what_is_refused(face, what):
    options, error, message = written.REFUSED[what]
    for _ in range(2):
        with pytest.raises(error, match=message) as raised:
            face(written.LOGITS, written.CLASSES, **(SOFTMAX | options))
        assert "OverlapTerm" not in str(raised.value)
    # Nothing of it is kept.
    face(written.LOGITS, written.CLASSES, **SOFTMAX)


@pytest.mark.parametrize("what", written.GAMMAS)
def test_values_for_each_class(what):
    gamma, spelled_out = written.GAMMAS[what]
    settings = {"activation": "sigmoid", "ignore_index": 255}
    found = dice_loss.focal(written.LOGITS, written.CLASSES, gamma=gamma, **settings)[0]
    wanted = dice_loss.focal(written.LOGITS, written.CLASSES, gamma=spelled_out, **settings)[0]
    assert found == wanted


def test_a_pair_is_not_background_and_foreground():
    pair, sides = Focal(gamma=(0.5, 2.0)), Focal(gamma=BackgroundForeground(0.5, 2.0))
    assert pair != sides and BackgroundForeground(0.5, 2.0) != (0.5, 2.0)
    assert {pair: 1, sides: 2} == {sides: 2, pair: 1}
    settings = {"activation": "sigmoid", "ignore_index": 255}
    with pytest.raises(ValueError, match=r"gamma: found .* wanted 3"):
        dice_loss.focal(written.LOGITS, written.CLASSES, gamma=(0.5, 2.0), **settings)
    dice_loss.focal(written.LOGITS, written.CLASSES, gamma=BackgroundForeground(0.5, 2), **settings)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Objective({Dice(): 2.0}, activation="softmax"), TypeError, "terms: found {Dice"),
        (lambda: Objective("dice"), TypeError, "terms: found 'dice', wanted a term such as Dice"),
        (lambda: Objective(1.0), TypeError, "terms: found 1.0, wanted a term such as Dice"),
        (
            lambda: Objective(sums="prediction", activation="softmax"),
            TypeError,
            "sums: found 'prediction', wanted a sequence of names",
        ),
        (
            lambda: Objective(Dice(), activation="softmax", decision="argmin"),
            ValueError,
            "decision: found 'argmin', wanted 'argmax' or a threshold",
        ),
        (
            lambda: Objective(Dice(), activation="softmax", absent="skipped"),
            ValueError,
            "absent: found 'skipped', wanted 'skip' or 'formula' or 'zero'",
        ),
        (
            lambda: Objective(Dice(), activation="softmax", reduction=None),
            ValueError,
            "reduction: found None, wanted 'mean' or 'sum' or 'none'",
        ),
    ],
)
def test_what_an_objective_refuses(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


def test_parameters_of_sums_may_be_arrays():
    sums = [
        {"sum": "focal", "activation": "sigmoid", "gamma": np.array([2.0, 1.0, 0.0])},
        {"sum": "transport", "activation": "softmax", "distances": 1 - np.eye(3)},
    ]
    moments = Objective(sums=sums).measure(written.LOGITS, written.CLASSES, ignore_index=255)
    assert {"sigmoid.focal", "softmax.transport"} <= {*moments.names}


def test_labels_to_ignore_in_metrics():
    labels = written.CLASSES
    found = metrics.counts(
        np.where(labels == 255, 0, labels), labels, classes=3, ignore_index=255.0
    )
    assert found.true_positives.sum() == written.KNOWN.sum()
    for value, error in ((True, TypeError), ("255", TypeError), (2**63, ValueError)):
        with pytest.raises(error, match="ignore_index: found"):
            metrics.counts(labels, labels, classes=3, ignore_index=value)
    for value, error in ((True, TypeError), (0, ValueError), (2.5, TypeError)):
        with pytest.raises(error, match="classes: found"):
            metrics.counts(labels, labels, classes=value)


def test_metrics_follow_a_flipped_axis_of_length_1():
    labels = np.array([[0, 1, 2], [2, 1, 0]])[:, None, :]
    found = metrics.counts(labels[:, ::-1], labels, classes=3)
    np.testing.assert_array_equal(found.true_positives, [[1, 1, 1], [1, 1, 1]])
    masks = labels[:, None] == np.arange(3)[:, None, None]
    mask = np.ones(labels.shape, dtype=bool)[:, ::-1]
    found = metrics.counts(masks[:, :, ::-1], masks, mask=mask)
    np.testing.assert_array_equal(found.true_positives, [[1, 1, 1], [1, 1, 1]])


def test_a_masked_array_that_hides_nothing_is_an_array():
    weights, none = np.ma.masked_array([5.0, 1.0, 2.0], False), np.ma.masked_array(255, False)
    options = SOFTMAX | {"class_weights": weights, "ignore_index": none}
    found = of_function(written.LOGITS, written.CLASSES, **options)
    assert found == pytest.approx(written.mean_of([5, 1, 2]), rel=1e-12)
