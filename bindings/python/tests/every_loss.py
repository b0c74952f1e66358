"""Every loss with its options, on every kind of batch, for the tests of all array frameworks."""

from __future__ import annotations

import cases
import naive
from dice_loss import _core

CATALOGUE = {name: activations for name, _, _, _, activations in _core.catalogue()}

DICE = [{"squared": True}, {"overlap": "l1", "smoothing": (0.5, 1.5)}]
OPTIONS = {
    "dice": DICE,
    "iou": [{"overlap": "l1", "smoothing": (0.5, 1.5)}],
    "tversky": [{"alpha": 0.9, "beta": 0.2, "smoothing": 0.1}, {"overlap": "l1"}],
    "focal_tversky": [{"gamma": 1.5, "alpha": 0.4, "beta": 0.6, "overlap": "l1"}],
    "log_dice": [{"gamma": 0.3, "squared": True, "smoothing": 0.2}],
    "log_cosh_dice": DICE,
    "generalized_dice": [{"weight": "inverse", "overlap": "l1"}, {"weight": "uniform"}],
    "generalized_wasserstein_dice": [
        {"distances": [[0, 1, 2], [1, 0, 0.5], [2, 0.5, 0]], "smoothing": (0.1, 0.2)},
        {"weight": "inverse_square"},
        {"weight": "inverse"},
        {"weight": "uniform"},
    ],
    "matthews_correlation": [{"smoothing": 0.5}],
    "cross_entropy": [{"label_smoothing": 0.2}],
    "binary_cross_entropy": [{"pos_weight": 3.0}, {"pos_weight": [1.0, 2.0, 0.5]}],
    "focal": [{"gamma": 0.5, "alpha": 0.3}, {"gamma": [1.0, 2.0, 3.0], "alpha": [0.2, 0.5, 0.9]}],
    "dice_cross_entropy": [{"label_smoothing": 0.1, "dice_weight": 0.3, "squared": True}],
    "dice_binary_cross_entropy": [{"pos_weight": 2.0, "cross_entropy_weight": 0.5}],
    "dice_focal": [{"gamma": 1.0, "alpha": 0.3, "focal_weight": 2.0, "overlap": "l1"}],
    "generalized_dice_focal": [{"weight": "inverse", "generalized_dice_weight": 0.7}],
    "combo": [{"alpha": 0.2, "beta": 0.7, "smoothing": 0.3}],
    "unified_focal": [
        {"asymmetric": True},
        {"lambda_": 0.2, "delta": 0.7, "gamma": 0.2, "smoothing": 0.1},
    ],
}
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
    shared = OF_VOXELS if loss in naive.VOXEL else OF_OVERLAP
    return [{}, *OPTIONS[loss], *shared]


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
