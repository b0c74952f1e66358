"""Losses that see the voxels in the order of their errors: the Lovász losses, as modules.

What they compute is said at `dice_loss.ranked`. In main memory the engine ranks; other devices and
transforms such as `torch.func` are served by torch's own operations.

They are no functions of sums over the voxels. So there are no `moments`, no `process_group` and no
`Accumulation`: on several ranks each computes the loss of its own part of the batch, and averaging
the gradients, as DDP does, trains for the mean of these. With `pool="sample"` and as many samples
on each rank that is the loss of the whole batch, as far as the same classes count in each; with
`pool="batch"` it is another loss than that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor

from .. import _lovasz, _options
from .._choices import Absent, Pool, Reduction
from .._terms import ClassWeights, Regions
from . import _lovasz as _functions
from ._native import settings_of
from ._target import check_logits, prepare
from ._tracing import refuse_onnx

__all__ = ["LovaszHingeLoss", "LovaszSoftmaxLoss"]


_OPTIONS = frozenset(
    {
        "pool",
        "absent",
        "background",
        "classes",
        "class_weights",
        "reduction",
        "ignore_index",
        "regions",
        "target_kind",
        "process_group",
    }
)


class _LovaszLoss(torch.nn.Module):
    """What the two have in common."""

    def __init__(
        self,
        kind: _lovasz.Kind,
        *,
        pool: Pool | None,
        absent: Absent | None,
        background: bool | None,
        classes: Sequence[int] | None,
        class_weights: ClassWeights | None,
        reduction: Reduction,
        ignore_index: int | None,
        regions: Regions | None,
        target_kind: str | None,
        process_group: None,
    ) -> None:
        super().__init__()
        if process_group is not None:
            self._refuse(f"process_group {process_group!r}")
        if target_kind not in (None, "labels", "dense"):
            raise ValueError(
                f"target_kind: found {target_kind!r}, wanted 'labels', 'dense' or None"
            )
        self.reduction = reduction
        self.ignore_index = _options.optional(_options.integer, "ignore_index", ignore_index)
        self.regions = _options.optional(_options.table, "regions", regions)
        self.target_kind = target_kind
        self._spec = _lovasz.spec(
            kind,
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            reduction=reduction,
        )
        self._settings = settings_of(self.ignore_index, self.regions, ())

    def __setattr__(self, name: str, value: Any) -> None:
        """Options stay as they are."""
        if name in _OPTIONS and "_settings" in self.__dict__:
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
                0 are not ranked.
            class_valid: (N, C); which classes were annotated in which sample. Others are left out.

        Raises:
            ValueError: shapes or devices that do not fit; a label that names no class, or a dense
                target that is neither 0 nor 1 (on the CPU).
            TypeError: no tensors, DTensors, or logits that are not floating point.
        """
        refuse_onnx()
        logits = check_logits(logits)
        voxels = prepare(
            logits,
            target,
            target_kind=self.target_kind,
            regions=self.regions,
            ignore_index=self.ignore_index,
            mask=mask,
            class_valid=class_valid,
        )
        return _functions.loss(logits, voxels, self._spec, self._settings)

    def moments(self, *_: Any, **__: Any) -> NoReturn:
        """Raises TypeError: there are none."""
        self._refuse("moments")

    def evaluate(self, *_: Any, **__: Any) -> NoReturn:
        """Raises TypeError: there are no moments to evaluate."""
        self._refuse("evaluate")

    def _refuse(self, found: str) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: found {found}, wanted the tensors of one process and one "
            "batch: the loss sorts the voxels, and is no function of sums that add up over ranks "
            "or micro-batches"
        )

    def extra_repr(self) -> str:
        """What was said."""
        given = _lovasz.read(self._spec)._asdict()
        return ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)


class LovaszHingeLoss(_LovaszLoss):
    """Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e of a class in descending order, with J_i the
    Jaccard loss of a prediction that is wrong in the first i voxels alone, and e = max(0, 1 − x) of
    a voxel inside the class, max(0, 1 + x) of one outside. Each channel by itself: binary, and
    multilabel. At least 0, and not bounded. Paper: Berman, Rannen Triki and Blaschko 2018,
    https://arxiv.org/abs/1705.08790.

    ::

        LovaszHingeLoss(ignore_index=255)(logits, target).backward()

    Args:
        pool: what is ranked together: `"sample"`, the voxels of each sample, which is the default;
            `"batch"`, those of the batch.
        absent: what a class counts that the reference lacks: `"formula"`, the default, the largest
            of its errors; `"skip"`, nothing; `"zero"`, a loss of 0 that stays in the mean.
        background: whether class 0 takes part, as it does by default; with one channel always.
        classes: only these classes take part; all by default.
        class_weights: one for each class, at least 0; they normalise the mean over classes.
        reduction: `"mean"` over what counts, `"sum"`, or `"none"`: (N, C), or (C) of the batch.
        ignore_index: voxels with this label are not ranked.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label.
        target_kind: `"labels"` or `"dense"`, where shape and dtype are not to decide. A dense
            target holds 0 and 1.
        process_group: none; a loss that ranks is computed of each rank's batch by itself.
    """

    def __init__(
        self,
        *,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: None = None,
    ) -> None:
        super().__init__(
            "hinge",
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )


class LovaszSoftmaxLoss(_LovaszLoss):
    """Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.

    L = Σ_i e_i (J_i − J_{i−1}) over the errors e = |g − p| of a class in descending order, with J_i
    the Jaccard loss of a prediction that is wrong in the first i voxels alone; a mean over classes.
    In [0, 1]; of hard predictions it is the Jaccard loss itself. Paper: Berman, Rannen Triki and
    Blaschko 2018, https://arxiv.org/abs/1705.08790.

    (kornia 0.9 takes the raw labels in place of the mask of each class, which its later sources no
    longer do: its numbers are others.)

    ::

        LovaszSoftmaxLoss(ignore_index=255)(logits, target).backward()

    Args:
        activation: what turns logits into probabilities: `"softmax"`, or `"probabilities"` for an
            input that holds them already, such as a sigmoid's.
        absent: what a class counts that the reference lacks: `"skip"`, the default, nothing (the
            paper's "classes present"); `"formula"`, the largest of its errors ("all"); `"zero"`, a
            loss of 0 that stays in the mean.
        pool, background, classes, class_weights, reduction, ignore_index, regions, target_kind,
            process_group: see `LovaszHingeLoss`.
    """

    def __init__(
        self,
        *,
        activation: _lovasz.Kind = "softmax",
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        classes: Sequence[int] | None = None,
        class_weights: ClassWeights | None = None,
        reduction: Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: None = None,
    ) -> None:
        self.activation = activation
        super().__init__(
            _lovasz.activation("activation", activation),
            pool=pool,
            absent=absent,
            background=background,
            classes=classes,
            class_weights=class_weights,
            reduction=reduction,
            ignore_index=ignore_index,
            regions=regions,
            target_kind=target_kind,
            process_group=process_group,
        )
