"""Losses beside the objective, as `keras.losses.Loss`: what they have in common.

They are no functions of sums over the voxels, and come with their gradient. So voxels and samples
have no weights in them; what does not count is said by `ignore_index`, or by the mask that Keras
attaches to `y_pred`. Under `tf.distribute` each replica computes the loss of its own part of the
batch.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import keras
from keras import ops

from .. import _direct, _options
from .._choices import Absent, Pool
from . import _configuration, _plan
from ._batch import batch_of, mask_of
from .segmentation_loss import OPTIONS, REDUCTIONS, Reduction, share_of_replica

__all__ = ["DirectLoss"]

Tensor = Any

#: Every option that they take, and what makes it plain as it is set.
_READ: dict[str, Any] = {
    name: OPTIONS[name]
    for name in (
        "from_logits",
        "activation",
        "axis",
        "pool",
        "absent",
        "background",
        "class_weights",
        "ignore_index",
        "regions",
        "sparse_y_true",
        "reduction",
        "native",
    )
} | {
    "classes": partial(_options.optional, _options.integers),
    "iterations": _options.integer,
    "smoothing": _options.smoothing,
    "epsilon": _options.number,
    "alpha": _options.number,
}


class DirectLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss beside the objective: one that comes with its gradient.

    Subclasses say its name and options, which are attributes: one that is set later takes effect,
    from the next `compile` on where `fit` has compiled already.
    """

    #: Its name, as the engine knows it.
    loss: str
    #: What leaves it without weights.
    _why: str

    axis: int
    pool: Pool | None
    absent: Absent | None
    background: bool | None
    classes: tuple[int, ...] | None
    class_weights: tuple[float, ...] | None
    ignore_index: int | None
    regions: tuple[tuple[int, ...], ...] | None
    sparse_y_true: bool | None
    reduction: Reduction
    native: bool | None

    def __init__(self, *, name: str | None, dtype: Any, **options: Any) -> None:
        super().__init__(name=name, reduction=options["reduction"], dtype=dtype)
        weights = options.pop("class_weights")
        for option, value in options.items():
            setattr(self, option, value)
        # What takes part says which of them a mapping may leave out.
        self.class_weights = weights
        self._dtype_wanted = dtype
        self._spec = self._said()

    def __setattr__(self, name: str, value: Any) -> None:
        """An option that is changed takes effect, or is refused."""
        if name not in _READ:
            super().__setattr__(name, value)
            return
        if name == "class_weights" and value is not None:
            value = _options.class_weights(
                name, value, background=self.background, classes=self.classes
            )
        elif name != "class_weights":
            value = _READ[name](name, value)
        before = vars(self).get(name)
        super().__setattr__(name, value)
        if "_spec" not in vars(self):
            return
        try:
            self._spec = self._said()
        except Exception:
            super().__setattr__(name, before)
            raise

    def _own(self) -> dict[str, Any]:
        """The options that the engine reads beside those of all."""
        return {}

    def _said(self) -> str:
        """The text; checks whether all options fit."""
        return _direct.spec(
            self.loss,
            own=self._own(),
            pool=self.pool,
            absent=self.absent,
            background=self.background,
            classes=self.classes,
            class_weights=self.class_weights,
            reduction=REDUCTIONS[self.reduction],
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss.

        Args:
            y_true: labels or dense, see the class.
            y_pred: (N, spatial…, C).
            sample_weight: none.

        Raises:
            ValueError: shapes that do not fit. By the engine also labels that name no class, and
                values of a dense target that the loss does not take; `keras.ops` cannot look at
                values.
            TypeError: a `sample_weight`; predictions that are not floating point.
        """
        if sample_weight is not None:
            raise TypeError(
                f"{type(self).__name__}: found sample_weight, wanted none: the loss {self._why}; "
                "ignore_index, or a mask of y_pred, says what does not count"
            )
        mask = mask_of(y_pred)
        with keras.name_scope(self.name):
            if self._dtype_wanted is not None and self.dtype == "float64":
                y_pred = ops.cast(y_pred, "float64")
            batch = batch_of(
                y_true,
                y_pred,
                None,
                mask,
                axis=self.axis,
                regions=self.regions,
                ignore_index=self.ignore_index,
                sparse_y_true=self.sparse_y_true,
            )
            _direct.check(self._spec, int(batch.logits.shape[batch.axis]))
            value = _plan.direct(self._spec, batch, self.native)
            if self._dtype_wanted is not None:
                value = ops.cast(value, self.dtype)
            return value if REDUCTIONS[self.reduction] != "mean" else share_of_replica(value)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same loss of."""
        own = {"dtype": None if self._dtype_wanted is None else self.dtype}
        return {
            name: own[name] if name in own else _configuration.plain(getattr(self, name))
            for name in inspect.signature(type(self)).parameters
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DirectLoss:
        """The loss of `get_config`."""
        loss: DirectLoss = cls(**config)
        return loss
