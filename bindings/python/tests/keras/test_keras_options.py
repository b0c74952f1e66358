"""Options as users write them, of losses and metrics for Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest
import written
from backends import precision
from dice_loss import keras as losses
from dice_loss.terms import Dice
from keras import ops

SOFTMAX = {"activation": "softmax", "pool": "batch", "ignore_index": 255}
WHOLE = ("activation", "pool", "background", "ignore_index", "regions", "class_weights")


def of_class(**options):
    return losses.Dice(from_logits=True, **options)


def of_terms(**options):
    own = {name: options.pop(name) for name in [*options] if name not in WHOLE}
    if "classes" in own and "class_weights" in options:
        # What takes part is the term's to say, and so are its weights.
        own["class_weights"] = options.pop("class_weights")
    return losses.SegmentationLoss(Dice(**own), from_logits=True, **options)


def by_operations(**options):
    """Without the engine."""
    return losses.Dice(from_logits=True, native=False, **options)


def saved(**options):
    """Through what a file keeps."""
    loss = of_class(**options)
    config = json.loads(json.dumps(loss.get_config()))
    return type(loss).from_config(config)


FACES = [of_class, of_terms, by_operations, saved]


def as_tensors(value):
    """The same of the backend's tensors, where it has arrays."""
    if isinstance(value, np.ndarray):
        return ops.convert_to_tensor(value)
    return [as_tensors(entry) for entry in value] if isinstance(value, list) else value


def value(loss, labels):
    return float(loss(labels, ops.convert_to_tensor(np.moveaxis(written.LOGITS, 1, -1))))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_CLASSES)
def test_what_is_taken_for_the_same(face, what):
    options, wanted = written.ON_CLASSES[what]
    with precision("float64"):
        for kind in (lambda value: value, as_tensors):
            given = SOFTMAX | {name: kind(value) for name, value in options.items()}
            # Sums of 40 voxels in float64, once in another order.
            assert value(face(**given), written.CLASSES) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.ON_REGIONS)
def test_regions(face, what):
    options, wanted = written.ON_REGIONS[what]
    settings = {"activation": "sigmoid", "pool": "batch", "ignore_index": 255}
    with precision("float64"):
        loss = face(**settings, **options)
        assert value(loss, written.LABELS) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", written.REFUSED)
def test_what_is_refused(face, what):
    options, error, message = written.REFUSED[what]
    for _ in range(2):
        with pytest.raises(error, match=message) as raised:
            value(face(**(SOFTMAX | options)), written.CLASSES)
        assert "OverlapTerm" not in str(raised.value)
    # Nothing of it is kept.
    value(face(**SOFTMAX), written.CLASSES)


def test_weights_by_class_are_saved_as_numbers():
    loss = losses.DiceCE(from_logits=True, background=False, class_weights={1: 2, np.int64(2): 3.0})
    assert loss.get_config()["class_weights"] == [1.0, 2.0, 3.0]
    loss = losses.Dice(ignore_index=np.float32(255), regions={2: np.array([1])}, axis=np.int64(-1))
    config = loss.get_config()
    assert (config["ignore_index"], config["regions"], config["axis"]) == (255, [[], [], [1]], -1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from_logits": "False"}, "from_logits: found 'False', wanted True or False"),
        ({"from_logits": 1}, "from_logits: found 1, wanted True or False"),
        ({"axis": 1.5}, "axis: found 1.5, wanted an integer"),
        ({"sparse_y_true": "yes"}, "sparse_y_true: found 'yes', wanted True or False"),
        ({"native": 1}, "native: found 1, wanted True or False"),
    ],
)
def test_what_a_loss_refuses(options, message):
    with pytest.raises(TypeError, match=message):
        losses.Dice(**options)


METRIC = {"num_classes": 3, "from_logits": True, "average": None}


@pytest.mark.parametrize("ignored", [255, 255.0, np.int64(255), np.array(255)])
def test_labels_that_metrics_ignore(ignored):
    metric = losses.DiceScore(ignore_index=ignored, **METRIC)
    one_hot = np.moveaxis(written.dense(written.CLASSES, [[0], [1], [2]]), 1, -1)
    metric.update_state(written.CLASSES, one_hot)
    np.testing.assert_array_equal(metric.result(), np.ones(3))
    assert metric.get_config()["ignore_index"] == 255


def test_regions_of_metrics():
    metric = losses.DiceScore(
        ignore_index=255, regions={1: [0, 1], 2: [1], 4: [0, 1, 2]}, threshold=0.5, **METRIC
    )
    metric.update_state(written.LABELS, np.moveaxis(20 * written.dense() - 10, 1, -1))
    np.testing.assert_array_equal(metric.result(), np.ones(3))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ignore_index": True}, TypeError, "ignore_index: found True, wanted an integer"),
        ({"ignore_index": 2**63}, ValueError, "ignore_index: found .*, wanted an integer of 64"),
        ({"regions": [[0.9]]}, TypeError, "regions, label 0: found 0.9, wanted an integer"),
        ({"num_classes": 2.5}, TypeError, "num_classes: found 2.5, wanted an integer"),
        ({"class_id": "1"}, TypeError, "class_id: found '1', wanted an integer"),
        ({"threshold": "high"}, TypeError, "threshold: found 'high', wanted a number"),
        ({"background": 0}, TypeError, "background: found 0, wanted True or False"),
    ],
)
def test_what_a_metric_refuses(options, error, message):
    with pytest.raises(error, match=message):
        losses.IoUScore(**{"num_classes": 3, **options})


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: losses.DiceCE(from_logits=True)(np.zeros((2, 4)), np.zeros((2, 4, 1), "f4")),
            "DiceCE: softmax: found 1 channel, wanted 2 channels or more; for one channel use "
            "DiceBCE$",
        ),
        (
            lambda: losses.DiceCE(from_logits=True, activation="sigmoid"),
            "DiceCE: activation: found 'sigmoid', wanted 'softmax' or 'probabilities'; under "
            "sigmoid that is DiceBCE$",
        ),
        (
            lambda: losses.DiceCE(activation="relu"),
            "^activation: found 'relu', wanted 'softmax' or 'sigmoid'$",
        ),
        (lambda: losses.Dice(pool="batches"), "^pool: found 'batches', wanted 'sample' or 'batch'"),
    ],
)
def test_errors_name_what_there_is_here(call, says):
    with pytest.raises(ValueError, match=says):
        call()
