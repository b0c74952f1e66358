"""Options as users write them, of modules, functions and sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import written
from dice_loss import BackgroundForeground
from dice_loss.terms import Dice
from dice_loss.torch import (
    CrossEntropyLoss,
    DeepSupervisionLoss,
    DiceCELoss,
    DiceLoss,
    SegmentationLoss,
    functional,
    measure,
)

LOGITS = torch.tensor(written.LOGITS)
CLASSES, LABELS = torch.tensor(written.CLASSES), torch.tensor(written.LABELS)
SOFTMAX = {"activation": "softmax", "pool": "batch", "ignore_index": 255}


def of_module(logits, labels, **options):
    return DiceLoss(**options)(logits, labels)


def of_function(logits, labels, **options):
    return functional.dice_loss(logits, labels, **options)


def of_terms(logits, labels, **options):
    own = {
        name: options.pop(name) for name in ("smoothing", "squared", "classes") if name in options
    }
    if "classes" in own:
        # What takes part is the term's to say, and so are its weights.
        weights = {name: options.pop(name) for name in ("class_weights",) if name in options}
        own |= weights
    return SegmentationLoss(Dice(**own), **options)(logits, labels)


def of_plain_torch(logits, labels, **options):
    """Where a target wants a gradient, without the engine."""
    weight = torch.ones(labels.shape, dtype=logits.dtype, requires_grad=True)
    return DiceLoss(**options)(logits, labels, voxel_weight=weight)


FACES = [of_module, of_function, of_terms, of_plain_torch]


def as_tensors(value):
    """The same of tensors, where it has arrays."""
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    return [as_tensors(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_CLASSES)
@pytest.mark.parametrize("kind", [lambda value: value, as_tensors], ids=["arrays", "tensors"])
def test_what_is_taken_for_the_same(face, what, kind):
    options, wanted = written.ON_CLASSES[what]
    options = {name: kind(value) for name, value in options.items()}
    found = face(LOGITS, CLASSES, **(SOFTMAX | options))
    # Sums of 40 voxels in float64, once in another order.
    assert found.item() == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_REGIONS)
def test_regions(face, what):
    options, wanted = written.ON_REGIONS[what]
    settings = {"activation": "sigmoid", "pool": "batch", "ignore_index": 255}
    found = face(LOGITS, LABELS, **settings, **options)
    assert found.item() == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.REFUSED)
def test_what_is_refused(face, what):
    options, error, message = written.REFUSED[what]
    for _ in range(2):
        with pytest.raises(error, match=message) as raised:
            face(LOGITS, CLASSES, **(SOFTMAX | options))
        assert "OverlapTerm" not in str(raised.value)
    # Nothing of it is kept.
    face(LOGITS, CLASSES, **SOFTMAX)


OF_MEASURE = ("ignore_index", "regions")


@pytest.mark.parametrize(
    "what", [what for what, (options, _) in written.ON_CLASSES.items() if "ignore_index" in options]
)
def test_labels_that_are_not_measured(what):
    options, _ = written.ON_CLASSES[what]
    known = torch.tensor(written.KNOWN)
    wanted = measure(LOGITS, torch.where(known, CLASSES, 0), mask=known)
    assert torch.equal(measure(LOGITS, CLASSES, **options), wanted)
    assert torch.equal(measure(LOGITS, CLASSES, ignore_index=255), wanted)


@pytest.mark.parametrize("what", written.ON_REGIONS)
def test_regions_that_are_measured(what):
    options, _ = written.ON_REGIONS[what]
    mask = LABELS != 255
    dense = torch.tensor(written.dense())
    wanted = measure(LOGITS, dense, activation="sigmoid", mask=mask)
    found = measure(LOGITS, LABELS, activation="sigmoid", ignore_index=255, **options)
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize(
    "what", [what for what, case in written.REFUSED.items() if {*case[0]} <= {*OF_MEASURE}]
)
def test_what_sums_refuse(what):
    options, error, message = written.REFUSED[what]
    with pytest.raises(error, match=message):
        measure(LOGITS, CLASSES, activation="sigmoid", **({"ignore_index": 255} | options))
    measure(LOGITS, CLASSES, activation="sigmoid", ignore_index=255)


@pytest.mark.parametrize("what", written.GAMMAS)
def test_values_for_each_class(what):
    gamma, spelled_out = written.GAMMAS[what]
    wanted = functional.focal_loss(
        LOGITS, CLASSES, activation="sigmoid", ignore_index=255, gamma=spelled_out
    )
    found = functional.focal_loss(
        LOGITS, CLASSES, activation="sigmoid", ignore_index=255, gamma=as_tensors(gamma)
    )
    assert found.item() == wanted.item()
    settings = {"activation": "sigmoid", "ignore_index": 255}
    wanted = measure(LOGITS, CLASSES, ["focal"], gamma=spelled_out, **settings)
    assert torch.equal(measure(LOGITS, CLASSES, ["focal"], gamma=gamma, **settings), wanted)


def test_a_pair_is_not_background_and_foreground():
    settings = {"activation": "sigmoid", "ignore_index": 255}
    with pytest.raises(ValueError, match="gamma: found"):
        functional.focal_loss(LOGITS, CLASSES, gamma=(0.5, 2.0), **settings)
    functional.focal_loss(LOGITS, CLASSES, gamma=BackgroundForeground(0.5, 2.0), **settings)
    with pytest.raises(ValueError, match="gamma: found"):
        measure(LOGITS, CLASSES, ["focal"], gamma=(0.5, 2.0), **settings)


@pytest.mark.parametrize(("value", "other"), [(True, 1), (1.0, True), (0.0, False)])
def test_equal_values_of_another_kind_are_not_remembered(value, other):
    def dice(squared, smoothing):
        options = {"squared": squared, "smoothing": smoothing, **SOFTMAX}
        return functional.dice_loss(LOGITS, CLASSES, **options)

    flags = [entry for entry in (value, other) if isinstance(entry, bool)]
    numbers = [entry for entry in (value, other) if not isinstance(entry, bool)]
    dice(flags[0], numbers[0])
    with pytest.raises(TypeError, match="squared: found"):
        dice(numbers[0], numbers[0])
    with pytest.raises(TypeError, match="smoothing: found"):
        dice(flags[0], flags[0])


@pytest.mark.parametrize(
    "weights",
    [
        [5.0, 1.0, 2.0],
        (5, 1, 2),
        {0: 5, 2: 2, 1: 1},
        np.array([5, 1, 2]),
        torch.tensor([5, 1, 2]),
    ],
)
@pytest.mark.parametrize("before", [None, [1.0, 1.0, 1.0]])
def test_class_weights_that_are_set_later(weights, before):
    loss = DiceLoss(class_weights=before, **SOFTMAX)
    loss.class_weights = weights
    assert loss(LOGITS, CLASSES).item() == pytest.approx(written.mean_of([5, 1, 2]), rel=1e-13)
    assert loss.class_weights.tolist() == [5.0, 1.0, 2.0]
    assert loss.state_dict()["class_weights"].tolist() == [5.0, 1.0, 2.0]
    with pytest.raises(
        TypeError, match=r"class_weights: found 2.0, wanted a number for each class"
    ):
        loss.class_weights = 2.0
    assert loss(LOGITS, CLASSES).item() == pytest.approx(written.mean_of([5, 1, 2]), rel=1e-13)
    loss.class_weights = None
    assert loss(LOGITS, CLASSES).item() == pytest.approx(written.mean_of([1, 1, 1]), rel=1e-13)


def test_labels_and_regions_that_are_set_later():
    loss = DiceLoss(activation="sigmoid", pool="batch")
    loss.ignore_index, loss.regions = np.int64(255), {1: [0, 1], 2: [1], 4: [0, 1, 2]}
    _, wanted = written.ON_REGIONS["rows"]
    assert loss(LOGITS, LABELS).item() == pytest.approx(wanted, rel=1e-13)
    with pytest.raises(TypeError, match=r"ignore_index: found 255.7"):
        loss.ignore_index = 255.7
    assert loss.ignore_index == 255


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda x, y: DiceCELoss()(x, y),
            "DiceCELoss: softmax: found 1 channel, wanted 2 channels or more; for one channel use "
            "DiceBCELoss$",
        ),
        (
            lambda x, y: DiceCELoss()(x, y, details=True),
            "for one channel use DiceBCELoss$",
        ),
        (
            lambda x, y: functional.dice_ce_loss(x, y),
            "dice_ce_loss: softmax: found 1 channel, wanted 2 channels or more; for one channel "
            "use dice_bce_loss$",
        ),
        (lambda x, y: CrossEntropyLoss()(x, y), "for one channel use BCELoss$"),
        (lambda x, y: DiceLoss()(x, y), "DiceLoss: softmax: .* for one channel use sigmoid$"),
        (
            lambda x, y: SegmentationLoss([Dice()], activation="softmax")(x, y),
            "dice: softmax: found 1 channel, .* for one channel use sigmoid$",
        ),
        (
            lambda *_: DiceCELoss(activation="sigmoid"),
            "DiceCELoss: activation: found 'sigmoid', wanted 'softmax' or 'probabilities'; under "
            "sigmoid that is DiceBCELoss$",
        ),
        (
            lambda x, y: functional.dice_ce_loss(x, y, activation="sigmoid"),
            "dice_ce_loss: activation: found 'sigmoid', .* that is dice_bce_loss$",
        ),
        (
            lambda *_: DiceCELoss(activation="relu"),
            "^activation: found 'relu', wanted 'softmax' or 'sigmoid' or 'probabilities'$",
        ),
        (
            lambda *_: DiceCELoss(pool="batches"),
            "^pool: found 'batches', wanted 'sample' or 'batch' or 'all' or 'cell' or 'blob'$",
        ),
    ],
)
def test_errors_name_what_there_is_here(call, says):
    logits, labels = torch.zeros(2, 1, 4), torch.zeros(2, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match=says):
        call(logits, labels)


@pytest.mark.parametrize("weights", [{0: 1.0, 1: 0.5}, {1.0, 0.5}, 1.0])
def test_weights_of_outputs_are_a_sequence(weights):
    with pytest.raises(TypeError, match="weights: found"):
        DeepSupervisionLoss(DiceLoss(), weights=weights)


@pytest.mark.parametrize(
    ("equal", "of_another_type"),
    [
        (lambda: DiceLoss(background=True), lambda: DiceLoss(background=1)),
        (lambda: DiceLoss(smoothing=1.0), lambda: DiceLoss(smoothing=True)),
        (lambda: DiceLoss(ignore_index=1), lambda: DiceLoss(ignore_index=True)),
        (
            lambda: SegmentationLoss([(1.0, Dice())], activation="softmax"),
            lambda: SegmentationLoss([(True, Dice())], activation="softmax"),
        ),
    ],
)
def test_what_was_made_before_lets_no_other_type_pass(equal, of_another_type):
    equal()
    for _ in range(2):
        with pytest.raises(TypeError, match=r"found (True|1), wanted"):
            of_another_type()
    equal()
