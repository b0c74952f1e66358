"""Hard metrics: how well a segmentation, as it stands, agrees with the reference.

All take a prediction and a reference of the same shape:

- boolean masks (N, C, spatial…), one for each class, which may overlap; or
- with `classes`, integer label maps (N, spatial…), each voxel one class of 0 … classes − 1.

All give an array (N, C), or what `pool` leaves of it; `counts` looks at voxels, `lesions` at
connected components one by one, `centerlines` at skeletons. A ratio that is 0 / 0, such as the Dice
coefficient of a class that is neither there nor predicted, is `empty`: NaN by default, so that
`numpy.nanmean` leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from . import _core, _masked, _options
from ._arrays import Array, view
from ._threads import get_num_threads
from .morphology import Spacing, neighbours_of, skeletonize, spacing_of

_WHAT = ("prediction", "reference")

Pool: TypeAlias = Literal["sample", "batch", "all"]
"""What is added up: nothing, samples, or everything."""

__all__ = [
    "Centerlines",
    "Counts",
    "Lesions",
    "centerlines",
    "cldice",
    "counts",
    "dice_coefficient",
    "iou",
    "lesions",
    "precision",
    "recall",
    "specificity",
]


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


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesions that a hard segmentation finds, misses and invents, as arrays of one shape.

    A lesion is a connected component of a class, of the reference or of the prediction. Lesions of
    the same shape add up with `+`. Three ways of counting lie side by side, since no two benchmarks
    have the same: by overlap (recall, precision, F1), one to one (panoptic quality), and by the
    Voronoi cells of the reference's lesions (CC-Dice).

    Attributes:
        reference: lesions of the reference, int64.
        found: those of them that the prediction found.
        predicted: lesions of the prediction.
        right: those of them that the reference confirms.
        matched: pairs whose intersection over union is above ½.
        cells: one for each lesion of the reference, or one in all where there is none and something
            was predicted.
        matched_iou: the matches' intersection over union, added up, float64.
        cell_dice: the cells' Dice coefficients, added up.
    """

    reference: Array
    found: Array
    predicted: Array
    right: Array
    matched: Array
    cells: Array
    matched_iou: Array
    cell_dice: Array

    def pooled(self, pool: Pool = "batch") -> Lesions:
        """Added up over samples, "batch", or over samples and classes, "all"."""
        pool = _options.one_of("sample", "batch", "all")("pool", pool)
        axes: dict[str, Any] = {"sample": (), "batch": (0,), "all": (0, 1)}
        return Lesions(*(np.sum(array, axis=axes[pool]) for array in self._arrays()))

    @property
    def missed(self) -> Array:
        """Lesions of the reference that were not found."""
        return self.reference - self.found

    @property
    def false_positives(self) -> Array:
        """Lesions of the prediction that the reference does not confirm."""
        return self.predicted - self.right

    def recall(self, empty: float = np.nan) -> Array:
        """Lesion-wise recall, or sensitivity: found / reference."""
        return _ratio(self.found, self.reference, empty)

    def precision(self, empty: float = np.nan) -> Array:
        """Lesion-wise precision: right / predicted."""
        return _ratio(self.right, self.predicted, empty)

    def f1(self, empty: float = np.nan) -> Array:
        """The harmonic mean of both; 0 where either is 0, or where only one mask has lesions."""
        recall, precision = self.recall(0.0), self.precision(0.0)
        f1 = _ratio(2.0 * recall * precision, recall + precision, 0.0)
        return np.where(self.reference + self.predicted > 0, f1, empty)

    def panoptic_quality(self, empty: float = np.nan) -> Array:
        """Σ IoU of the matches / (TP + ½ FP + ½ FN) (Kirillov et al., 2019, arXiv:1801.00868)."""
        return _ratio(2.0 * self.matched_iou, self.reference + self.predicted, empty)

    def segmentation_quality(self, empty: float = np.nan) -> Array:
        """The mean intersection over union of the matches."""
        return _ratio(self.matched_iou, self.matched, empty)

    def recognition_quality(self, empty: float = np.nan) -> Array:
        """F1 of the matches: TP / (TP + ½ FP + ½ FN)."""
        return _ratio(2 * self.matched, self.reference + self.predicted, empty)

    def cc_dice(self, empty: float = np.nan) -> Array:
        """The mean Dice coefficient over the cells (Jaus et al., 2024, arXiv:2410.18684).

        Where the reference has no lesion, the volume is one cell: 0 if something was predicted,
        `empty` if not.
        """
        return _ratio(self.cell_dice, self.cells, empty)

    def __add__(self, other: object) -> Lesions:
        if not isinstance(other, Lesions):
            return NotImplemented
        both = zip(self._arrays(), other._arrays(), strict=True)
        return Lesions(*(one + another for one, another in both))

    def _arrays(self) -> tuple[Array, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, eq=False)
class Centerlines:
    """How much of the centrelines of two hard segmentations lies in the other, as int64 arrays.

    Centrelines are skeletons, one voxel wide, as `dice_loss.morphology.skeletonize` makes them.
    Those of the same shape add up with `+`.

    Attributes:
        reference: voxels of the reference's skeleton.
        found: those of them that were predicted.
        predicted: voxels of the prediction's skeleton.
        right: those of them that lie in the reference.
    """

    reference: Array
    found: Array
    predicted: Array
    right: Array

    def pooled(self, pool: Pool = "batch") -> Centerlines:
        """Added up over samples, "batch", or over samples and classes, "all"."""
        pool = _options.one_of("sample", "batch", "all")("pool", pool)
        axes: dict[str, Any] = {"sample": (), "batch": (0,), "all": (0, 1)}
        return Centerlines(*(np.sum(array, axis=axes[pool]) for array in self._arrays()))

    def precision(self, empty: float = np.nan) -> Array:
        """Topology precision: right / predicted."""
        return _ratio(self.right, self.predicted, empty)

    def sensitivity(self, empty: float = np.nan) -> Array:
        """Topology sensitivity: found / reference."""
        return _ratio(self.found, self.reference, empty)

    def cldice(self, empty: float = np.nan) -> Array:
        """The harmonic mean of both (Shit et al., 2021, arXiv:2003.07311); 0 where either is 0, or
        where only one mask has voxels."""
        precision, sensitivity = self.precision(0.0), self.sensitivity(0.0)
        both = _ratio(2.0 * precision * sensitivity, precision + sensitivity, 0.0)
        return np.where(self.reference + self.predicted > 0, both, empty)

    def __add__(self, other: object) -> Centerlines:
        if not isinstance(other, Centerlines):
            return NotImplemented
        both = zip(self._arrays(), other._arrays(), strict=True)
        return Centerlines(*(one + another for one, another in both))

    def _arrays(self) -> tuple[Array, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


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
    pair = _Pair.of(prediction, reference, classes, ignore_index, mask)
    out = pair.rows(4, np.int64)
    _core.counts(*pair.views, get_num_threads(), view(out))
    return Counts(*(out[:, row] for row in range(4))).pooled(pool)


def lesions(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    spacing: Spacing = 1.0,
    connectivity: int | None = None,
    overlap: float = 0.0,
    pool: Pool = "sample",
) -> Lesions:
    """Lesions of each sample and class that are found, missed and invented.

    A lesion is a connected component of a class, among the voxels that count. Of label maps class 0
    has components as the others have: leave out what is background to you.

    Args:
        prediction: boolean masks (N, C, spatial…), or with `classes` a label map (N, spatial…), of
            one to three spatial axes.
        reference: the same.
        classes: how many classes the label maps have.
        ignore_index: as `counts` has it.
        mask: as `counts` has it.
        spacing: of the voxels, one number for all axes or one for each: it decides which lesion of
            the reference is nearest, for CC-Dice.
        connectivity: neighbours of a voxel: 2 in 1-D, 4 or 8 in 2-D, 6, 18 or 26 in 3-D; the most
            unless said otherwise.
        overlap: the share of a lesion's voxels, 0 to 1, that must be in the other segmentation for
            it to be found, or right; 0 is one voxel.
        pool: "sample" gives (N, C), "batch" adds up over samples to (C,), "all" to numbers.

    Raises:
        TypeError: as `counts` does; a connectivity or an overlap that is no number.
        ValueError: as `counts` does; no spatial axis or more than three; a spacing, a connectivity
            or an overlap that is none.
    """
    pair = _Pair.of(prediction, reference, classes, ignore_index, mask)
    counts, sums = pair.rows(6, np.int64), pair.rows(2, np.float64)
    _core.lesions(
        *pair.views,
        spacing_of(spacing, pair.spatial),
        neighbours_of(connectivity),
        _options.number("overlap", overlap),
        get_num_threads(),
        view(counts),
        view(sums),
    )
    rows = [*(counts[:, row] for row in range(6)), *(sums[:, row] for row in range(2))]
    return Lesions(*rows).pooled(pool)


def centerlines(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
) -> Centerlines:
    """How much of the centrelines of each sample and class lies in the other segmentation.

    A voxel that does not count is in neither, so that centrelines end there. Of label maps class 0
    has centrelines as the others have: leave out what is background to you.

    Args:
        prediction: boolean masks (N, C, spatial…), or with `classes` a label map (N, spatial…), of
            one to three spatial axes.
        reference: the same.
        classes: how many classes the label maps have.
        ignore_index: as `counts` has it.
        mask: as `counts` has it.
        pool: "sample" gives (N, C), "batch" adds up over samples to (C,), "all" to numbers.

    Raises:
        TypeError: as `counts` does.
        ValueError: as `counts` does; no spatial axis or more than three.
    """
    pair = _Pair.of(prediction, reference, classes, ignore_index, mask)
    if not 1 <= len(pair.spatial) <= 3:
        raise ValueError(f"prediction: found {len(pair.spatial)} spatial axes, wanted one to three")
    # Validates labels.
    _core.counts(*pair.views, get_num_threads(), view(pair.rows(4, np.int64)))
    rows = pair.rows(4, np.int64)
    for sample, of_sample in enumerate(rows):
        for k in range(rows.shape[2]):
            found, wanted = pair.masks(sample, k)
            lines = [skeletonize(each) for each in (wanted, found)]
            of_sample[:, k] = [
                lines[0].sum(),
                found[lines[0]].sum(),
                lines[1].sum(),
                wanted[lines[1]].sum(),
            ]
    return Centerlines(*(rows[:, row] for row in range(4))).pooled(pool)


def cldice(
    prediction: ArrayLike,
    reference: ArrayLike,
    *,
    classes: int | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    pool: Pool = "sample",
    empty: float = np.nan,
) -> Array:
    """clDice: 2 T_prec T_sens / (T_prec + T_sens), of hard segmentations. Range [0, 1].

    T_prec is the share of the prediction's centrelines that lies in the reference, T_sens the share
    of the reference's that was predicted (Shit et al., 2021, arXiv:2003.07311). Where neither has a
    voxel it is `empty`. The loss of this name is `dice_loss.cldice`.

    Arguments and errors are those of `centerlines`.
    """
    found = centerlines(
        prediction, reference, classes=classes, ignore_index=ignore_index, mask=mask, pool=pool
    )
    return found.cldice(empty)


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


@dataclass(frozen=True, eq=False)
class _Pair:
    """A prediction and a reference as the engine takes them, and which voxels count."""

    prediction: Array
    reference: Array
    classes: int | None
    ignore_index: int | None
    counted: Array | None

    @classmethod
    def of(
        cls,
        prediction: ArrayLike,
        reference: ArrayLike,
        classes: int | None,
        ignore_index: int | None,
        mask: ArrayLike | None,
    ) -> _Pair:
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
        counted = _counted(mask, [there for _, there in split], lent[0].shape, axes)
        return cls(lent[0], lent[1], classes, ignore_index, counted)

    @property
    def spatial(self) -> tuple[int, ...]:
        return self.prediction.shape[1 if self.classes is not None else 2 :]

    @property
    def views(self) -> tuple[_core.View, _core.View, int | None, int | None, _core.View | None]:
        """As the engine takes them."""
        counted = None if self.counted is None else view(self.counted)
        pair = (view(self.prediction), view(self.reference))
        return (*pair, self.classes, self.ignore_index, counted)

    def masks(self, sample: int, k: int) -> tuple[Array, Array]:
        """Prediction and reference of a class, without what does not count."""
        counted = None if self.counted is None else self.counted[sample]
        if self.classes is None:
            found, wanted = self.prediction[sample, k], self.reference[sample, k]
        else:
            found, wanted = self.prediction[sample] == k, self.reference[sample] == k
            if self.ignore_index is not None:
                known = self.reference[sample] != self.ignore_index
                counted = known if counted is None else counted & known
        if counted is None:
            return found, wanted
        return found & counted, wanted & counted

    def rows(self, count: int, dtype: Any) -> Array:
        """So many numbers of each class, (N, count, C)."""
        classes = self.prediction.shape[1] if self.classes is None else self.classes
        return np.empty((self.prediction.shape[0], count, classes), dtype=dtype)


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
    return np.ascontiguousarray(array).reshape(-1).reshape(array.shape)


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
