"""Every loss with its options, on every kind of batch, for the tests of all array frameworks."""

from __future__ import annotations

from dataclasses import replace

import cases
import declared
import numpy as np
from dice_loss import BackgroundForeground

CATALOGUE = {name: loss["activations"] for name, loss in declared.LOSSES.items()}

OF_OVERLAP = [
    {"pool": "batch"},
    {"pool": "all", "class_weights": [0.5, 1.0, 2.0]},
    {"absent": "formula", "background": False},
    {"absent": "zero", "reduction": "sum"},
]
OF_VOXELS = [
    {"background": False},
    {"reduction": "sum"},
    {"class_weights": [0.5, 1.0, 2.0], "classes": [0, 2]},
]


def settings_of(loss):
    """The default, each option, each setting."""
    shared = OF_VOXELS if declared.LOSSES[loss]["kind"] == "voxel" else OF_OVERLAP
    return [{}, *declared.trials_of(loss), *shared]


def spelled_out(settings):
    """Settings as the naive losses take them: a value for each class."""
    return {
        name: [value.background] + [value.foreground] * (declared.CLASSES - 1)
        if isinstance(value, BackgroundForeground)
        else value
        for name, value in settings.items()
    }


def maps_for(loss):
    """The map that a loss wants, if it wants one: what it would make of the target is another's to
    test."""
    name = declared.LOSSES[loss]["wants_map"]
    if name is None:
        return {}
    least = -2.0 if name == "boundary" else 0.0
    return {"maps": {name: np.random.default_rng(9).uniform(least, 3.0, cases.SHAPE)}}


def naive_with(loss, data):
    """The batch with that map, as the naive losses take it."""
    return replace(data, m=next(map_of(loss), None))


def map_of(loss):
    """That map, (N, C, S), if there is one."""
    for m in maps_for(loss).get("maps", {}).values():
        yield m.reshape(*m.shape[:2], -1)


def combinations():
    """(loss, activation, settings, case), where they go together."""
    for loss, activations in CATALOGUE.items():
        for activation in activations:
            for settings in settings_of(loss):
                yield loss, activation, settings, "labels"
            for case in list(cases.CASES)[1:]:
                if applies(loss, activation, case):
                    yield loss, activation, settings_of(loss)[-1], case


def applies(loss, activation, case):
    """Exclusive classes want targets that are."""
    exclusive = activation == "softmax" or loss in ("cross_entropy", "generalized_wasserstein_dice")
    return not (exclusive and case in ("multilabel", "regions"))
