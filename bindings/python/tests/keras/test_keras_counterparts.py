"""The table of counterparts beside Keras, and what its losses say of arguments of others."""

from __future__ import annotations

import counterpart_arguments
import keras
import pytest
from dice_loss import keras as ours

LOSSES = (
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "Dice",
    "SparseCategoricalCrossentropy",
    "Tversky",
)
METRICS = ("BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")


def test_every_argument_is_in_the_table():
    losses = [getattr(keras.losses, name) for name in LOSSES]
    assert counterpart_arguments.lacking("Keras", losses, ("__init__", "__call__")) == {}
    metrics = [getattr(keras.metrics, name) for name in METRICS]
    assert counterpart_arguments.lacking("Keras", metrics, ("__init__", "update_state")) == {}


@pytest.mark.parametrize("name", ours.losses.__all__)
def test_every_loss_tells(name):
    with pytest.raises(TypeError) as raised:
        getattr(ours, name)(ignore_class=255, include_background=False)
    assert str(raised.value) == (
        f"{name}: found ignore_class=255, wanted ignore_index=255; "
        "found include_background=False, wanted background=False"
    )


def test_losses_of_terms_and_metrics_tell():
    with pytest.raises(TypeError, match="SegmentationLoss: found batch=True, wanted pool='batch'"):
        ours.SegmentationLoss([], batch=True)
    with pytest.raises(TypeError, match=r"IoUScore: found 'target_class_ids', wanted class_id=…"):
        ours.IoUScore(3, target_class_ids=[1])


def test_configurations_tell():
    configuration = ours.Dice().get_config() | {"smooth": 1.0}
    with pytest.raises(TypeError, match=r"found smooth=1\.0, wanted smoothing=2"):
        ours.Dice.from_config(configuration)
