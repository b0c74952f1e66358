"""An option that is set later counts as one that is given, or is refused and leaves no trace."""

from __future__ import annotations

import json

import declared
import keras
import numpy as np
import pytest
from backends import numpy
from dice_loss import keras as losses
from dice_loss.compounds import DiceCrossEntropy
from dice_loss.terms import CrossEntropy, Dice, Focal
from keras import ops

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 4, 3)).astype("float32")
LABELS = GENERATOR.integers(0, 3, size=(2, 5, 4))
P = np.exp(X) / np.exp(X).sum(-1, keepdims=True)

CHANGES = {
    "activation": "sigmoid",
    "axis": 1,
    "pool": "batch",
    "absent": "zero",
    "background": False,
    "class_weights": [1.0, 5.0, 2.0],
    "ignore_index": 1,
    "regions": [[0], [0, 1], [2]],
    "sparse_y_true": True,
    "reduction": "sum",
    "native": False,
    "squared": True,
    "overlap": "l1",
    "smoothing": (0.5, 2.0),
    "classes": [1, 2],
}


def batch_for(option):
    """Predictions and target on which the option says something."""
    if option == "axis":
        return LABELS, np.moveaxis(X, -1, 1)
    if option == "absent":
        return np.minimum(LABELS, 1), X
    return LABELS, X


def value(loss, target, x):
    return numpy(loss(target, ops.convert_to_tensor(x)))


def is_saved_as(loss, wanted):
    """Whether what a file keeps of a loss makes the other one."""
    again = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
    kept = {name: entry for name, entry in loss.get_config().items() if name != "name"}
    right = {name: entry for name, entry in wanted.get_config().items() if name != "name"}
    return kept == right and again._plan == loss._plan == wanted._plan


@pytest.mark.parametrize("option", CHANGES)
def test_an_option_that_is_changed_takes_effect(option):
    target, x = batch_for(option)
    wanted = losses.Dice(from_logits=True, **{option: CHANGES[option]})
    loss = losses.Dice(from_logits=True)
    if option not in ("axis", "overlap", "sparse_y_true", "native"):
        # Otherwise the test would see nothing, as of these on hard labels.
        assert not np.array_equal(value(loss, target, x), value(wanted, target, x))
    setattr(loss, option, CHANGES[option])
    assert getattr(loss, option) == getattr(wanted, option)
    np.testing.assert_array_equal(value(loss, target, x), value(wanted, target, x))
    assert is_saved_as(loss, wanted)


@pytest.mark.parametrize("name", declared.LOSSES)
def test_every_option_of_a_loss_may_be_changed(name):
    made = getattr(losses, declared.LOSSES[name]["keras"])
    for options in declared.trials_of(name):
        loss = made(from_logits=True)
        for option, changed in options.items():
            setattr(loss, option, changed)
        assert is_saved_as(loss, made(from_logits=True, **options))


def test_from_logits_takes_effect_as_a_whole():
    """It says both what the terms take and whether probabilities are kept away from 0."""
    loss = losses.DiceCE()
    loss.from_logits = True
    np.testing.assert_array_equal(
        value(loss, LABELS, X), value(losses.DiceCE(from_logits=True), LABELS, X)
    )
    loss.from_logits = False
    np.testing.assert_array_equal(value(loss, LABELS, P), value(losses.DiceCE(), LABELS, P))


def test_what_is_compiled_follows_when_it_is_compiled_again():
    model = keras.Sequential([keras.Input((5, 4, 3)), keras.layers.Activation("linear")])
    loss, metric = losses.DiceCE(from_logits=True), losses.DiceScore(3)
    for background in (True, False):
        loss.background = metric.background = background
        model.compile(loss=loss, metrics=[metric])
        found = model.evaluate(X, LABELS, batch_size=2, verbose=0)
        wanted = losses.DiceCE(from_logits=True, background=background)
        score = losses.DiceScore(3, background=background)
        score.update_state(LABELS, X)
        # Sums of 20 voxels and 3 classes in float32, compiled in another order.
        assert found == pytest.approx([float(wanted(LABELS, X)), float(score.result())], rel=1e-6)


def test_terms_take_effect():
    loss = losses.SegmentationLoss(Dice(), from_logits=True)
    loss.terms = [Dice(), (0.5, CrossEntropy())]
    wanted = losses.SegmentationLoss([Dice(), (0.5, CrossEntropy())], from_logits=True)
    np.testing.assert_array_equal(value(loss, LABELS, X), value(wanted, LABELS, X))
    assert is_saved_as(loss, wanted)


def test_weights_by_class_know_what_takes_part():
    loss = losses.Dice(from_logits=True, background=False)
    loss.class_weights = {1: 2.0, 2: 3.0}
    assert loss.class_weights == (1.0, 2.0, 3.0)


def test_nothing_is_changed_in_place():
    weights, rows = np.array([1.0, 2.0, 3.0]), [[0], [1], [0, 2]]
    loss = losses.Dice(from_logits=True, class_weights=weights, regions=rows)
    before = value(loss, LABELS, X)
    weights[1], rows[1] = 9.0, [2]
    with pytest.raises(TypeError, match="item assignment"):
        loss.class_weights[1] = 9.0
    with pytest.raises(TypeError, match="item assignment"):
        loss.regions[1] = (2,)
    for config in (loss.get_config(), loss.get_config()):
        assert config["class_weights"] == [1.0, 2.0, 3.0]
        assert config["regions"] == [[0], [1], [0, 2]]
        config["class_weights"][1], config["regions"][1] = 9.0, [2]
    np.testing.assert_array_equal(value(loss, LABELS, X), before)


@pytest.mark.parametrize(
    ("option", "changed", "error", "says"),
    [
        ("activation", "sigmoid", ValueError, "DiceCE: activation: found 'sigmoid', wanted"),
        ("activation", "relu", ValueError, "activation: found 'relu', wanted 'softmax' or"),
        ("pool", "batches", ValueError, "pool: found 'batches', wanted"),
        ("reduction", "average", ValueError, "reduction: found 'average', wanted 'sum_over"),
        ("reduction", "none", ValueError, "reduction none"),
        ("class_weights", [1.0, -1.0, 1.0], ValueError, "class_weights: found -1"),
        ("class_weights", "heavy", TypeError, "class_weights: found 'heavy', wanted"),
        ("background", 0, TypeError, "background: found 0, wanted True or False"),
        ("from_logits", None, TypeError, "from_logits: found None, wanted True or False"),
        ("axis", 1.5, TypeError, "axis: found 1.5, wanted an integer"),
        ("regions", [[0.5]], TypeError, "regions, label 0: found 0.5, wanted an integer"),
        ("label_smoothing", 2.0, ValueError, "label_smoothing: found 2"),
        ("label_smoothing", "much", TypeError, "label_smoothing: found 'much', wanted a number"),
        ("terms", Focal(), AttributeError, "terms: found others of a DiceCE, wanted its options"),
    ],
)
def test_what_is_refused_leaves_no_trace(option, changed, error, says):
    loss = losses.DiceCE(from_logits=True, class_weights=[1, 2, 3])
    before, config = value(loss, LABELS, X), loss.get_config()
    with pytest.raises(error, match=says):
        setattr(loss, option, changed)
    assert loss.get_config() == config
    np.testing.assert_array_equal(value(loss, LABELS, X), before)


def test_options_of_terms_are_set_with_the_terms():
    loss = losses.SegmentationLoss(DiceCrossEntropy(), from_logits=True)
    with pytest.raises(
        AttributeError,
        match=r"^dice_weight: found an option of DiceCrossEntropy, which is one of the terms; "
        r"wanted `terms` set anew, with DiceCrossEntropy\(dice_weight=…\)$",
    ):
        loss.dice_weight = 2.0
    with pytest.raises(TypeError, match="terms: found 5, wanted a term or a pair"):
        loss.terms = [5]
    loss.weather = "fine"
    assert loss.weather == "fine"
    with pytest.raises(AttributeError, match="'DiceCE' object has no attribute 'gamma'"):
        _ = losses.DiceCE().gamma


METRIC = {
    "average": "micro",
    "class_id": 1,
    "class_names": ["a", "b", "c"],
    "background": False,
    "threshold": 0.25,
    "from_logits": True,
    "axis": 1,
    "ignore_index": 1,
    "regions": [[0], [0, 1], [2]],
    "sparse_y_true": True,
}


@pytest.mark.parametrize("option", METRIC)
def test_an_option_of_a_metric_that_is_changed_takes_effect(option):
    beside = {"average": None} if option == "class_names" else {}
    beside = {"threshold": 0.25} if option == "from_logits" else beside
    target, x = batch_for(option)
    found = losses.DiceScore(3, **beside)
    wanted = losses.DiceScore(3, **beside, **{option: METRIC[option]})
    setattr(found, option, METRIC[option])
    for metric in (found, wanted):
        metric.update_state(target, x)
    np.testing.assert_array_equal(numpy(found._counts), numpy(wanted._counts))
    results = [metric.result() for metric in (found, wanted)]
    if option == "class_names":
        results = [ops.stack([result[f"dice_score_{k}"] for k in "abc"]) for result in results]
    np.testing.assert_array_equal(*map(numpy, results))
    configs = [metric.get_config() | {"name": None} for metric in (found, wanted)]
    assert configs[0] == configs[1]


@pytest.mark.parametrize(
    ("option", "changed", "error", "says"),
    [
        ("num_classes", 4, ValueError, "num_classes: found 4 for counts of 3, wanted a new metric"),
        ("average", "mean", ValueError, "average: found 'mean', wanted 'macro', 'micro' or None"),
        ("class_id", 3, ValueError, "class_id: found 3, wanted 0 to 2"),
        ("class_names", ["a"], ValueError, "class_names: found 1, wanted 3"),
        ("background", 1, TypeError, "background: found 1, wanted True or False"),
        ("regions", [[0.5]], TypeError, "regions, label 0: found 0.5, wanted an integer"),
        ("threshold", "high", TypeError, "threshold: found 'high', wanted a number"),
    ],
)
def test_what_a_metric_refuses_leaves_no_trace(option, changed, error, says):
    metric = losses.IoUScore(3, class_names=["a", "b", "c"], regions=[[0], [1], [2]])
    before = metric.get_config()
    with pytest.raises(error, match=says):
        setattr(metric, option, changed)
    assert metric.get_config() == before
    with pytest.raises(TypeError, match="item assignment"):
        metric.class_names[0] = "d"
