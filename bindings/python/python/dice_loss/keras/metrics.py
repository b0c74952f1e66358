"""Hard metrics of each class, from counts added up over all batches of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import keras
import numpy as np
from keras import ops

from .. import _options
from .._plain import voxels
from .._plain.objective import Integrand
from .._terms import Regions
from . import _configuration, _plain
from . import _namespace as xp
from ._batch import batch_of, mask_of

__all__ = ["DiceScore", "IoUScore"]

Tensor = Any
#: Counts are kept as low + _LIMB · high, exact in float32 far beyond its 2²⁴.
_LIMB = 2.0**20


def _names(what: str, value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in value)


def _average(what: str, value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or value not in ("macro", "micro")):
        raise ValueError(f"{what}: found {_options.shown(value)}, wanted 'macro', 'micro' or None")
    return value


#: Every option, and what makes it plain as it is set; but for `average`, these may be None.
_READ: dict[str, Any] = {
    "num_classes": _options.integer,
    "average": _average,
    "class_id": _options.integer,
    "class_names": _names,
    "background": _options.flag,
    "threshold": _options.number,
    "from_logits": _options.flag,
    "axis": _options.integer,
    "ignore_index": _options.integer,
    "regions": _options.table,
    "sparse_y_true": _options.flag,
}
_OPTIONAL = {"class_id", "class_names", "threshold", "ignore_index", "regions", "sparse_y_true"}


class _Score(keras.metrics.Metric):  # type: ignore[misc]
    """A ratio of counts of each class."""

    _name: ClassVar[str]
    regions: tuple[tuple[int, ...], ...] | None

    def __init__(
        self,
        num_classes: int,
        *,
        average: Literal["macro", "micro"] | None = "macro",
        class_id: int | None = None,
        class_names: Sequence[str] | None = None,
        background: bool = True,
        threshold: float | None = None,
        from_logits: bool = False,
        axis: int = -1,
        ignore_index: int | None = None,
        regions: Regions | None = None,
        sparse_y_true: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name or self._name, dtype=dtype)
        self.num_classes = num_classes
        self.average = average
        self.class_id = class_id
        self.class_names = class_names
        self.background = background
        self.threshold = threshold
        self.from_logits = from_logits
        self.axis = axis
        self.ignore_index = ignore_index
        self.regions = regions  # type: ignore[assignment]
        self.sparse_y_true = sparse_y_true
        self._counts = self.add_weight(
            shape=(2, 3, self.num_classes), initializer="zeros", dtype="float32", name="counts"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """An option that is changed takes effect, or is refused."""
        if name in _READ and not (value is None and name in _OPTIONAL):
            value = _READ[name](name, value)
            self._check(name, value)
        super().__setattr__(name, value)

    def _check(self, name: str, value: Any) -> None:
        """Fails for an option that does not fit the number of classes."""
        classes = vars(self).get("num_classes", value)
        if name == "num_classes" and value != classes:
            raise ValueError(
                f"num_classes: found {value} for counts of {classes}, wanted a new metric"
            )
        if name == "class_id" and not 0 <= value < classes:
            raise ValueError(f"class_id: found {value}, wanted 0 to {classes - 1}")
        if name == "class_names" and len(value) != classes:
            raise ValueError(f"class_names: found {len(value)}, wanted {classes}")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts one more batch; arguments as of `SegmentationLoss`.

        A weight of a sample multiplies its counts; a weight of a voxel leaves it out if it is 0.
        """
        batch = batch_of(
            y_true,
            y_pred,
            sample_weight,
            mask_of(y_pred),
            axis=self.axis,
            regions=self.regions,
            ignore_index=self.ignore_index,
            sparse_y_true=self.sparse_y_true,
        )
        found = batch.logits.shape[batch.axis]
        if found != self.num_classes:
            raise ValueError(f"y_pred: found {found} classes, wanted {self.num_classes}")
        decision: Any = "argmax"
        if self.threshold is not None or self.num_classes == 1:
            decision = 0.5 if self.threshold is None else self.threshold
        activation = "sigmoid" if self.from_logits else "probabilities"
        hits = [Integrand(name, activation, (), decision) for name in _COUNTS]
        counts = voxels.moments(xp, hits, _plain.flat(batch))
        if batch.sample_weight is not None:
            counts = counts * ops.reshape(xp.cast(batch.sample_weight, counts), (-1, 1, 1))
        high = ops.floor(counts / _LIMB)
        low = ops.cast(counts - high * _LIMB, "float32")
        self._add(ops.sum(low, 0), ops.sum(ops.cast(high, "float32"), 0))

    def _add(self, low: Tensor, high: Tensor) -> None:
        low = self._counts[0] + low
        carry = ops.floor(low / _LIMB)
        self._counts.assign(ops.stack([low - carry * _LIMB, self._counts[1] + high + carry], 0))

    def result(self) -> Any:
        """A number; for `average=None` one for each class, or a dictionary of them by name."""
        low, high = self._counts[0], self._counts[1]
        counts = ops.cast(low + _LIMB * high, self.dtype)
        true, false_positive, false_negative = counts[0], counts[1], counts[2]
        if self.class_id is not None:
            k = self.class_id
            return self._score(true[k], false_positive[k], false_negative[k])
        part = np.ones(self.num_classes, dtype=bool)
        part[0] = self.background or self.num_classes == 1
        if self.average == "micro":
            weight = ops.convert_to_tensor(part.astype(np.float32), dtype=self.dtype)
            sums = [ops.sum(weight * count) for count in (true, false_positive, false_negative)]
            return self._score(*sums)
        scores = self._score(true, false_positive, false_negative)
        if self.average == "macro":
            there = ops.logical_and(true + false_positive + false_negative > 0, part)
            total = ops.sum(ops.where(there, scores, 0.0))
            return total / ops.sum(ops.cast(there, self.dtype))
        if self.class_names is None:
            return scores
        return {
            f"{self.name}_{name}": scores[k] for k, name in enumerate(self.class_names) if part[k]
        }

    def _score(self, true: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same metric of."""
        return {
            "num_classes": self.num_classes,
            "average": self.average,
            "class_id": self.class_id,
            "class_names": _configuration.plain(self.class_names),
            "background": self.background,
            "threshold": self.threshold,
            "from_logits": self.from_logits,
            "axis": self.axis,
            "ignore_index": self.ignore_index,
            "regions": _configuration.plain(self.regions),
            "sparse_y_true": self.sparse_y_true,
            **super().get_config(),
        }


_COUNTS = ("true_positives", "false_positives", "false_negatives")
_ARGUMENTS = """

    Of all voxels since the last reset, so that an epoch's score does not depend on the batches.
    The decision is the class with the largest prediction, or with `threshold`, and for one class,
    whether its probability reaches the threshold. A class that is neither there nor predicted has
    no score: NaN, and no part in the mean.

    Options are attributes; one that is set later takes effect, but for `num_classes`, and from the
    next `compile` on where `fit` has compiled already.

    Args:
        num_classes: how many classes `y_pred` has.
        average: `"macro"`, the mean over the classes; `"micro"`, of the counts of all classes;
            or None, (C), a score for each.
        class_id: the score of this class alone.
        class_names: with `average=None`, the result is a dictionary by these names, which `fit`
            logs one by one.
        background: whether class 0 takes part in means and dictionaries.
        threshold: the least probability of a class that stands by itself; 0.5 for a single class.
        from_logits: whether a threshold is to be compared with the sigmoid of `y_pred`.
        axis: of the classes.
        ignore_index: voxels of this label do not count.
        regions: for each label the classes that it belongs to, in rows or by label as for
            `SegmentationLoss`; take a threshold with it.
        sparse_y_true: whether `y_true` holds labels; by default its shape decides, as for
            `SegmentationLoss`.
        name: of the metric.
        dtype: of the result.
    """


@keras.saving.register_keras_serializable(package="dice_loss")
class DiceScore(_Score):
    _name = "dice_score"

    def _score(self, true: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        return 2.0 * true / (2.0 * true + false_positive + false_negative)


@keras.saving.register_keras_serializable(package="dice_loss")
class IoUScore(_Score):
    _name = "iou_score"

    def _score(self, true: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        return true / (true + false_positive + false_negative)


DiceScore.__doc__ = "The Dice coefficient, or F1: 2 TP / (2 TP + FP + FN)." + _ARGUMENTS
IoUScore.__doc__ = "Intersection over union: TP / (TP + FP + FN)." + _ARGUMENTS
