"""Losses beside the objective, as modules: what they have in common.

They are no functions of sums over the voxels. So there are no `moments`, no `process_group` and no
`Accumulation`: on several ranks each computes the loss of its own part of the batch, and averaging
the gradients, as DDP does, trains for the mean of these. With `pool="sample"` and as many samples
on each rank that is the loss of the whole batch, as far as the same classes count in each; with
`pool="batch"` it is another loss than that of the whole batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from .. import _direct, _options
from . import _direct as _functions
from ._functions import frozen, thawed
from ._native import settings_of
from ._target import Regions, check_logits, prepare
from ._tracing import constant_in_graphs, refuse_onnx

__all__ = ["DirectLoss"]


class DirectPlan(NamedTuple):
    """What to compute. Holds no tensors."""

    spec: str
    settings: str
    ignore_index: int | None
    regions: Regions | None
    target_kind: str | None


class DirectLoss(torch.nn.Module):
    """A loss beside the objective: one that comes with its gradient, and has no moments.

    Subclasses say its name and options. Options stay as they are.
    """

    #: Its name, as the engine knows it.
    loss: str
    plan: DirectPlan

    def __init__(self, own: Mapping[str, Any], **settings: Any) -> None:
        """`own` are the options that the engine reads beside `settings`, which all losses take."""
        super().__init__()
        shown = vars(self)
        shown.update(settings)
        if self.process_group is not None:
            self._refuse(f"process_group {self.process_group!r}")
        if self.target_kind not in (None, "labels", "dense"):
            raise ValueError(
                f"target_kind: found {self.target_kind!r}, wanted 'labels', 'dense' or None"
            )
        optional = _options.optional
        shown["ignore_index"] = optional(_options.integer, "ignore_index", self.ignore_index)
        shown["regions"] = optional(_options.table, "regions", self.regions)
        said = {name: settings[name] for name in _SAID}
        spec = _direct.spec(self.loss, own=own, **said)
        read = _direct.read(spec)
        shown.update(classes=read.classes, class_weights=read.class_weights)
        shown["plan"] = planned(spec, self.ignore_index, self.regions, self.target_kind)

    def __setattr__(self, name: str, value: Any) -> None:
        """Options stay as they are."""
        if "plan" in self.__dict__ and name in inspect.signature(type(self)).parameters:
            made = f"{type(self).__name__}({name}=…)"
            raise AttributeError(f"{name}: found a change to {value!r}, wanted {made}, made anew")
        super().__setattr__(name, value)

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        class_valid: Tensor | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            logits: (N, C, spatial…).
            target: labels or dense, see the class.
            mask: (N, spatial…) or (N, 1, spatial…), or what is broadcast to it. Voxels where it is
                0 do not count.
            class_valid: (N, C); which classes were annotated in which sample. Others are left out.

        Raises:
            ValueError: shapes or devices that do not fit; a label that names no class, or a value
                of a dense target that the loss does not take (on the CPU).
            TypeError: no tensors, DTensors, or logits that are not floating point.
        """
        return loss_of(self.plan, logits, target, mask, class_valid)

    def moments(self, *_: Any, **__: Any) -> NoReturn:
        """Raises TypeError: there are none."""
        self._refuse("moments")

    def evaluate(self, *_: Any, **__: Any) -> NoReturn:
        """Raises TypeError: there are no moments to evaluate."""
        self._refuse("evaluate")

    def _refuse(self, found: str) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: found {found}, wanted the tensors of one process and one "
            f"batch: the loss {self._why}, and is no function of sums that add up over ranks or "
            "micro-batches"
        )

    #: What makes it more than a function of sums.
    _why: str

    def extra_repr(self) -> str:
        """What differs from the default."""
        options = inspect.signature(type(self)).parameters.items()
        shown = ((name, getattr(self, name), option.default) for name, option in options)
        return ", ".join(f"{name}={value!r}" for name, value, usual in shown if value != usual)


_SAID = ("pool", "absent", "background", "classes", "class_weights", "reduction")


@constant_in_graphs
def planned(
    spec: str, ignore_index: int | None, regions: Regions | None, target_kind: str | None
) -> DirectPlan:
    """The plan of a loss, by its text."""
    settings = settings_of(ignore_index, regions, ())
    return DirectPlan(spec, settings, ignore_index, regions, target_kind)


def loss_of(
    plan: DirectPlan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    class_valid: Tensor | None,
) -> Tensor:
    """What a module of this plan makes of tensors."""
    refuse_onnx()
    logits = check_logits(logits)
    voxels = prepare(
        logits,
        target,
        target_kind=plan.target_kind,
        regions=plan.regions,
        ignore_index=plan.ignore_index,
        mask=mask,
        class_valid=class_valid,
    )
    return _functions.loss(logits, voxels, plan.spec, plan.settings)


def evaluated(
    loss: type[DirectLoss],
    options: dict[str, Any],
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    class_valid: Tensor | None,
) -> Tensor:
    """What the module of these options makes of tensors: the loss as a function."""
    return loss_of(_plan_of(loss, options), logits, target, mask, class_valid)


@constant_in_graphs
def _plan_of(loss: type[DirectLoss], options: dict[str, Any]) -> DirectPlan:
    """The plan of a module, made once for options that are the same."""
    key = tuple((name, *frozen(value)) for name, value in options.items())
    return _cached_plan(loss, key)  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _cached_plan(loss: type[DirectLoss], options: tuple[tuple[str, type, Any], ...]) -> DirectPlan:
    return loss(**{name: thawed(kind, value) for name, kind, value in options}).plan
