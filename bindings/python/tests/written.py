"""Options as users write them: what each is taken for, and what is refused, in every front end."""

from __future__ import annotations

import dice_loss
import numpy as np
from dice_loss import BackgroundForeground

#: 255 is in both samples, 3 in neither.
LABELS = np.random.default_rng(1).choice([0, 1, 2, 4, 255], size=(2, 4, 5))
LOGITS = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
#: Where labels are 0, 1, 2 and 255 only.
CLASSES = np.where(LABELS == 4, 0, LABELS)
KNOWN = CLASSES != 255
TABLE = [[], [0, 1], [1], [], [0, 1, 2]]
WEIGHTS = [5.0, 1.0, 2.0]


def dense(labels=LABELS, table=TABLE):
    """The channels of every voxel, one by one."""
    target = np.zeros(LOGITS.shape)
    for label, channels in enumerate(table):
        for channel in channels:
            target[:, channel] += labels == label
    return target


def by_class(**options):
    """The Dice loss of each class over the batch, of the voxels that are known."""
    options = {"activation": "softmax", "pool": "batch", "reduction": "none", **options}
    return dice_loss.dice(LOGITS, np.where(KNOWN, CLASSES, 0), mask=KNOWN, **options)[0]


def mean_of(weights):
    """The mean over the classes that have a weight."""
    return np.average(by_class(), weights=weights)


#: Options of a softmax Dice loss pooled over the batch, beside `ignore_index=255`, and its value.
ON_CLASSES = {
    "a float that is an integer": ({"ignore_index": 255.0}, mean_of([1, 1, 1])),
    "an integer": ({"ignore_index": 255}, mean_of([1, 1, 1])),
    "NumPy's int64": ({"ignore_index": np.int64(255)}, mean_of([1, 1, 1])),
    "NumPy's uint8": ({"ignore_index": np.uint8(255)}, mean_of([1, 1, 1])),
    "NumPy's float32": ({"ignore_index": np.float32(255)}, mean_of([1, 1, 1])),
    "an array of no axes": ({"ignore_index": np.array(255)}, mean_of([1, 1, 1])),
    "an array of one": ({"ignore_index": np.array([255.0])}, mean_of([1, 1, 1])),
    "weights in a list": ({"class_weights": WEIGHTS}, mean_of(WEIGHTS)),
    "weights in an array": ({"class_weights": np.array([5, 1, 2], np.int32)}, mean_of(WEIGHTS)),
    "weights that are NumPy's": ({"class_weights": [*np.float32(WEIGHTS)]}, mean_of(WEIGHTS)),
    "weights by class": ({"class_weights": {0: 5.0, 1: 1.0, 2: 2.0}}, mean_of(WEIGHTS)),
    "weights by class in another order": (
        {"class_weights": {np.int64(2): 2, 1.0: np.array(1.0), 0: 5}},
        mean_of(WEIGHTS),
    ),
    "weights without those of the background": (
        {"class_weights": {1: 1.0, 2: 2.0}, "background": False},
        mean_of([0, 1, 2]),
    ),
    "weights of the classes that take part": (
        {"class_weights": {2: 2.0, 0: 5.0}, "classes": [0, 2]},
        mean_of([5, 0, 2]),
    ),
    "classes in a set": ({"classes": {2, 0}}, mean_of([1, 0, 1])),
    "classes that are floats": ({"classes": np.array([2.0, 0.0])}, mean_of([1, 0, 1])),
    "a truth value of NumPy's": ({"background": np.bool_(False)}, mean_of([0, 1, 1])),
    "a truth value in an array": ({"background": np.array(False)}, mean_of([0, 1, 1])),
    "smoothing in an array": (
        {"smoothing": np.array([3.0, 4.0])},
        by_class(smoothing=(3.0, 4.0)).mean(),
    ),
    "smoothing that is an integer": (
        {"smoothing": np.int32(3)},
        by_class(smoothing=(3.0, 3.0)).mean(),
    ),
}

#: The same under sigmoid, of `LABELS` with regions.
_OF_TABLE = dice_loss.dice(LOGITS, dense(), activation="sigmoid", pool="batch", mask=LABELS != 255)
ON_REGIONS = {
    name: ({"regions": regions}, _OF_TABLE[0])
    for name, regions in {
        "rows": TABLE,
        "rows of arrays": [np.array(row, dtype=int) for row in TABLE],
        "rows of sets": [{*row} for row in TABLE],
        "rows of floats": [[float(channel) for channel in row] for row in TABLE],
        "a mapping with gaps": {1: [0, 1], 2: [1], 4: [0, 1, 2]},
        "a mapping of everything": dict(enumerate(TABLE)),
        "a mapping by NumPy's numbers": {
            np.int64(4): (2, 1, 0),
            np.uint8(1): {1, 0},
            2.0: np.array([1]),
        },
    }.items()
}

_HUGE = 10**400


#: Options that no front end takes, with the error and a part of what it says.
def masked(value, hidden=True):
    return np.ma.masked_array(value, hidden)


REFUSED = {
    "a masked label to ignore": (
        {"ignore_index": np.ma.masked},
        TypeError,
        "ignore_index: found mas",
    ),
    "a label to ignore that is hidden": (
        {"ignore_index": masked(255)},
        TypeError,
        r"ignore_index: found masked_array\(.*, wanted nothing that is masked",
    ),
    "a masked number": ({"smoothing": np.ma.masked}, TypeError, "smoothing: found masked, wanted"),
    "a number that is hidden": (
        {"smoothing": masked([1.0])},
        TypeError,
        r"smoothing: found masked_array\(.*, wanted nothing that is masked",
    ),
    "a masked number in a pair": (
        {"smoothing": [1.0, np.ma.masked]},
        TypeError,
        "smoothing: found masked, wanted nothing that is masked",
    ),
    "a masked truth value": ({"background": np.ma.masked}, TypeError, "background: found masked,"),
    "a truth value that is hidden": (
        {"background": masked(False)},
        TypeError,
        r"background: found masked_array\(.*, wanted nothing that is masked",
    ),
    "masked weights": (
        {"class_weights": masked([1.0, 2.0, 4.0], [False, True, False])},
        TypeError,
        r"class_weights: found masked_array\(.*, wanted nothing that is masked",
    ),
    "weights by class of which one is masked": (
        {"class_weights": {0: 1.0, 1: np.ma.masked, 2: 4.0}},
        TypeError,
        "class_weights of class 1: found masked, wanted nothing that is masked",
    ),
    "masked classes": (
        {"classes": masked([1, 2], [False, True])},
        TypeError,
        r"classes: found masked_array\(.*, wanted nothing that is masked",
    ),
    "masked channels": (
        {"regions": {1: [0], 2: masked([0, 1], [True, False])}},
        TypeError,
        r"regions, label 2: found masked_array\(.*, wanted nothing that is masked",
    ),
    "a masked way": ({"pool": np.ma.masked}, ValueError, "pool: found masked, wanted 'sample'"),
    "no integer": ({"ignore_index": 255.7}, TypeError, "ignore_index: found 255.7, wanted an inte"),
    "an integer in words": ({"ignore_index": "255"}, TypeError, "ignore_index: found '255', wante"),
    "a truth value for an integer": ({"ignore_index": True}, TypeError, "ignore_index: found True"),
    "a truth value of NumPy's for an integer": (
        {"ignore_index": np.True_},
        TypeError,
        "ignore_index: found True, wanted an integer",
    ),
    "several labels to ignore": (
        {"ignore_index": [0, 255]},
        TypeError,
        r"ignore_index: found \[0, 255\], wanted an integer",
    ),
    "an integer of more than 64 bits": (
        {"ignore_index": 2**63},
        ValueError,
        "ignore_index: found 9223372036854775808, wanted an integer of 64 bits",
    ),
    "an integer of 400 digits": (
        {"ignore_index": _HUGE},
        ValueError,
        "ignore_index: found an integer of 1329 bits, wanted an integer of 64 bits",
    ),
    "an infinite label": (
        {"ignore_index": np.inf},
        TypeError,
        "ignore_index: found inf, wanted an",
    ),
    "one weight": (
        {"class_weights": 2.0},
        TypeError,
        "class_weights: found 2.0, wanted a number f",
    ),
    "weights in a set": (
        {"class_weights": {1.0, 2.0}},
        TypeError,
        "class_weights: found {1.0, 2.0",
    ),
    "weights in words": ({"class_weights": "123"}, TypeError, "class_weights: found '123', wanted"),
    "weights that are bytes": ({"class_weights": b"123"}, TypeError, "class_weights: found b'123'"),
    "weights by name": (
        {"class_weights": {"liver": 1.0}},
        TypeError,
        "class_weights: found the key 'liver', wanted a class",
    ),
    "a weight of no class": (
        {"class_weights": {-1: 1.0, 0: 1.0, 1: 1.0}},
        ValueError,
        "class_weights: found the key -1, wanted a class",
    ),
    "a weight of a class far away": (
        {"class_weights": {10**9: 1.0}},
        ValueError,
        "class_weights: found the key 1000000000, wanted a class",
    ),
    "no weight of a class": (
        {"class_weights": {0: 5.0, 2: 2.0}},
        ValueError,
        "class_weights: found {0: 5.0, 2: 2.0} without class 1, wanted every class that takes part",
    ),
    "no weight of the background": (
        {"class_weights": {1: 5.0, 2: 2.0}},
        ValueError,
        "class_weights: found {1: 5.0, 2: 2.0} without class 0",
    ),
    "no weights": ({"class_weights": {}}, ValueError, "class_weights: found {}, wanted a number"),
    "a weight more than classes": (
        {"class_weights": {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}},
        ValueError,
        "class_weights: found .*, wanted 3 weights, one for each class",
    ),
    "weights in a table": ({"class_weights": [WEIGHTS]}, TypeError, "class_weights: found .*5.0, "),
    "a weight of 400 digits": (
        {"class_weights": [_HUGE, 1, 1]},
        ValueError,
        "class_weights: found an integer of 1329 bits, wanted a finite number",
    ),
    "a class that is no integer": (
        {"classes": [0.5]},
        TypeError,
        "classes: found 0.5, wanted an in",
    ),
    "classes by name": (
        {"classes": {1: "liver"}},
        TypeError,
        "classes: found {1: 'liver'}, wanted",
    ),
    "a class of 400 digits": (
        {"classes": [_HUGE]},
        ValueError,
        "classes: found an integer of 1329",
    ),
    "smoothing in a set": (
        {"smoothing": {1.0, 2.0}},
        TypeError,
        "smoothing: found {1.0, 2.0}, wan",
    ),
    "an unknown pool": (
        {"pool": "batches"},
        ValueError,
        "pool: found 'batches', wanted 'sample' or 'batch' or 'all' or 'cell' or 'blob'",
    ),
    "an unknown activation": (
        {"activation": "relu"},
        ValueError,
        "activation: found 'relu', wanted",
    ),
    "a number for a truth value": (
        {"background": 0},
        TypeError,
        "background: found 0, wanted True",
    ),
    "a word for a truth value": (
        {"squared": "no"},
        TypeError,
        "squared: found 'no', wanted True or",
    ),
    "channels that are no integers": (
        {"regions": [[], [0.9]]},
        TypeError,
        "regions, label 1: found 0.9, wanted an integer",
    ),
    "a channel for channels": (
        {"regions": {1: 0}},
        TypeError,
        "regions, label 1: found 0, wanted a",
    ),
    "regions by name": (
        {"regions": {"whole": [1, 2]}},
        TypeError,
        "regions: found the key 'whole', wanted a label",
    ),
    "regions in words": (
        {"regions": "01"},
        TypeError,
        "regions: found '01', wanted a row of channe",
    ),
    "no regions": ({"regions": {}}, ValueError, "regions: found none, wanted a row of channels"),
    "a label far away": (
        {"regions": {10**9: [0]}},
        ValueError,
        "regions: found the key 1000000000, wanted a label",
    ),
    "a negative channel": (
        {"regions": [[], [-1]]},
        ValueError,
        "regions, label 1: found -1, wanted",
    ),
    "a channel that is not there": (
        {"regions": [[], [3]]},
        ValueError,
        "regions, label 1: found channel 3, wanted channels below 3",
    ),
}

#: Values for each class, for `gamma` of a sigmoid focal loss.
GAMMAS = {
    "a list": ([0.5, 2.0, 2.0], [0.5, 2.0, 2.0]),
    "by class": ({2: 2, 0: 0.5, 1: 2.0}, [0.5, 2.0, 2.0]),
    "background and foreground": (BackgroundForeground(0.5, 2), [0.5, 2.0, 2.0]),
    "background and foreground by name": (
        {"foreground": 2.0, "background": 0.5},
        [0.5, 2.0, 2.0],
    ),
    "one in an array": (np.array(2.0, np.float32), [2.0, 2.0, 2.0]),
}
