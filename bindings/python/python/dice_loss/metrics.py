"""Hard metrics: how well a segmentation, as it stands, agrees with the reference.

All take a prediction and a reference of the same shape:

- boolean masks (N, C, spatial…), one for each class, which may overlap; or
- with `classes`, integer label maps (N, spatial…), each voxel one class of 0 … classes − 1.

All give an array (N, C), or what `pool` leaves of it. A ratio that is 0 / 0, such as the Dice
coefficient of a class that is neither there nor predicted, is `empty`: NaN by default, so that
`numpy.nanmean` leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core, _masked, _options
from ._arrays import Array, view
from ._threads import get_num_threads
from .terms import Pool

_WHAT = ("prediction", "reference")

__all__ = ["Counts", "counts", "dice_coefficient", "iou", "precision", "recall", "specificity"]


@dataclass(frozen=True, eq=False)
class Counts:
    """Voxels that a hard segmentation gets right and wrong, as int64 arrays of one shape.

    Counts of the same shape add up with `+`.

    Attributes:
        true_positives: in the class, and predicted so.
        false_positives: predicted, but not in the class.
        false_negatives: in the class, but not predicted.
        true_negatives: neither; None where that is not known.
    """

    true_positives: Array
    false_positives: Array
    false_negatives: Array
    true_negatives: Array | None = None

    def pooled(self, pool: Pool = "batch") -> Counts:
        """Added up over samples, "batch", or over samples and classes, "all"."""
        pool = _options.one_of("sample", "batch", "all")("pool", pool)
        axes: dict[str, Any] = {"sample": (), "batch": (0,), "all": (0, 1)}
        rest = self.true_negatives
        return Counts(
            np.sum(self.true_positives, axis=axes[pool]),
            np.sum(self.false_positives, axis=axes[pool]),
            np.sum(self.false_negatives, axis=axes[pool]),
            None if rest is None else np.sum(rest, axis=axes[pool]),
        )

    def dice_coefficient(self, empty: float = np.nan) -> Array:
        """2 TP / (2 TP + FP + FN), also known as F1."""
        both = 2 * self.true_positives
        return _ratio(both, both + self.false_positives + self.false_negatives, empty)

    def iou(self, empty: float = np.nan) -> Array:
        """TP / (TP + FP + FN), also known as the Jaccard index."""
        both = self.true_positives
        return _ratio(both, both + self.false_positives + self.false_negatives, empty)

    def precision(self, empty: float = np.nan) -> Array:
        """TP / (TP + FP)."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives, empty)

    def recall(self, empty: float = np.nan) -> Array:
        """TP / (TP + FN), also known as sensitivity."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives, empty)

    def specificity(self, empty: float = np.nan) -> Array:
        """TN / (TN + FP). Raises ValueError if the true negatives are not known."""
        if self.true_negatives is None:
            raise ValueError("specificity: found no true negatives, wanted counts that have them")
        return _ratio(self.true_negatives, self.true_negatives + self.false_positives, empty)

    def __add__(self, other: object) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        known = self.true_negatives is not None and other.true_negatives is not None
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.true_negatives + other.true_negatives if known else None,  # type: ignore[operator]
        )


def counts(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
) -> Counts:
    """True and false positives and negatives of each sample and class, as int64.

    Args:
        prediction: boolean masks (N, C, spatial…), or with `classes` a label map (N, spatial…).
        reference: the same.
        classes: how many classes the label maps have.
        ignore_index: voxels with this reference label do not count; label maps only.
        mask: (N, spatial…), or what broadcasts to it as the losses' does; voxels where it is False
            or 0 do not count, nor do those that a masked array (`numpy.ma`) has masked: of boolean
            masks in all classes, or it is an error.
        pool: "sample" gives (N, C), "batch" adds up over samples to (C,), "all" to a number.

    Raises:
        TypeError: floats; integers without `classes`; booleans with; a label to ignore or a number
            of classes that is no integer.
        ValueError: shapes that do not fit; a label of a counted voxel outside its classes; a voxel
            masked in some classes only.
    """
    split = [_masked.split(array) for array in (prediction, reference)]
    pair = [array for array, _ in split]
    ignore_index = _options.optional(_options.integer, "ignore_index", ignore_index)
    if classes is None:
        lent = [_as_masks(what, array) for what, array in zip(_WHAT, pair, strict=True)]
        if ignore_index is not None:
            raise ValueError(
                f"ignore_index: found {ignore_index} with masks, wanted label maps; "
                "leave voxels out with mask"
            )
    else:
        classes = _options.integer("classes", classes)
        if classes < 1:
            raise ValueError(f"classes: found {classes}, wanted 1 or more")
        lent = [_as_labels(what, array) for what, array in zip(_WHAT, pair, strict=True)]
        lent = _alike(*lent)
    if lent[0].shape != lent[1].shape:
        raise ValueError(
            f"prediction: found shape {lent[0].shape}, wanted {lent[1].shape}, as the reference"
        )
    axes = 1 if classes is None else 0
    if lent[0].ndim <= axes:
        wanted = "(N, spatial…)" if classes is not None else "(N, C, spatial…)"
        raise ValueError(f"prediction: found shape {lent[0].shape}, wanted {wanted}")
    count = lent[0].shape[1] if classes is None else classes
    out = np.empty((lent[0].shape[0], 4, count), dtype=np.int64)
    counted = _counted(mask, [there for _, there in split], lent[0].shape, axes)
    _core.counts(
        view(lent[0]),
        view(lent[1]),
        classes,
        ignore_index,
        None if counted is None else view(counted),
        get_num_threads(),
        view(out),
    )
    return Counts(*(out[:, row] for row in range(4))).pooled(pool)


def dice_coefficient(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """Dice coefficient, or F1: 2 TP / (2 TP + FP + FN). Range [0, 1]; 0 / 0 is `empty`.

    Arguments and errors are those of `counts`.
    """
    found = counts(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.dice_coefficient(empty)


def iou(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """Intersection over union (Jaccard index): TP / (TP + FP + FN). Range [0, 1]; 0 / 0 is `empty`.

    Arguments and errors are those of `counts`.
    """
    found = counts(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.iou(empty)


def precision(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """Precision: TP / (TP + FP). Range [0, 1]; 0 / 0 is `empty`.

    Arguments and errors are those of `counts`.
    """
    found = counts(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.precision(empty)


def recall(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """Recall, or sensitivity: TP / (TP + FN). Range [0, 1]; 0 / 0 is `empty`.

    Arguments and errors are those of `counts`.
    """
    found = counts(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.recall(empty)


def specificity(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """Specificity: TN / (TN + FP). Range [0, 1]; 0 / 0 is `empty`.

    Arguments and errors are those of `counts`.
    """
    found = counts(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.specificity(empty)


def _counted(
    mask: ArrayLike | None, known: list[Array | None], shape: tuple[int, ...], axes: int
) -> Array | None:
    """The voxels that count: where the mask says so, and neither array is masked."""
    # Label maps have no axis of classes.
    whole = shape if axes else (*shape[:1], 1, *shape[1:])
    array, there = (None, None) if mask is None else _masked.split(mask)
    if array is not None:
        array = _masked.spread("mask", array != 0, whole[:1] + whole[2:])
    named = dict(zip(_WHAT, known, strict=True))
    counted = _masked.both(_masked.known(whole, named, {"mask": there}), array)
    return None if counted is None else np.ascontiguousarray(counted)


def _as_masks(what: str, array: Array) -> Array:
    if array.dtype != np.bool_:
        raise TypeError(
            f"{what}: found {array.dtype.name} without classes, wanted boolean masks, "
            "or label maps and classes="
        )
    return _packed(array)


def _as_labels(what: str, array: Array) -> Array:
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what}: found {array.dtype.name}, wanted integer labels")
    if array.dtype.name not in ("uint8", "int16", "int32", "int64", "uint64"):
        array = array.astype(np.int64)
    return _packed(array.astype(array.dtype.newbyteorder("="), copy=False))


def _packed(array: Array) -> Array:
    """Without gaps. NumPy calls an axis of length 1 so whatever its stride, also a negative one."""
    return array.reshape(-1).reshape(array.shape)


def _alike(first: Array, second: Array) -> list[Array]:
    """Labels in one type that has them all."""
    pair = [first, second]
    unsigned = [array.dtype == np.uint64 for array in pair]
    if any(unsigned) and not all(unsigned):
        # No integer type holds both: what int64 lacks is no class, nor is a negative number.
        wide = pair[unsigned.index(True)]
        if wide.size and int(wide.max()) > np.iinfo(np.int64).max:
            raise ValueError(
                f"{_WHAT[unsigned.index(True)]}: found label {int(wide.max())} beside "
                f"{pair[unsigned.index(False)].dtype.name} labels, wanted labels of one type"
            )
        return [array.astype(np.int64, copy=False) for array in pair]
    common = np.result_type(*pair)
    return [array.astype(common, copy=False) for array in pair]


def _ratio(part: Array, whole: Array, empty: float) -> Array:
    part, whole = np.asarray(part), np.asarray(whole)
    ratio = np.full(whole.shape, empty, dtype=np.float64)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
