"""What a loss is called with, read as MONAI reads it and passed on as the engine takes it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._spec import Reduction
from ..terms import Activation, Term
from ..torch._native import loss_dtype
from ..torch._peers import at_once, direct, is_plain, sums
from ..torch._target import plain
from ..torch._tracing import is_intercepted, is_transformed


class Voxels(NamedTuple):
    """Input and target of one call."""

    #: (N, C, spatial…), floating point.
    logits: Tensor
    target: Tensor
    activation: Activation
    #: `"labels"` or `"dense"`.
    kind: str
    #: The first channel that takes part: 1 without the background.
    first: int
    ignore_index: int | None = None
    #: (N, 1, spatial…): voxels where it is 0 do not count.
    mask: Tensor | None = None
    #: What the loss calls its label to ignore, if it has one.
    option: str | None = None

    @property
    def dtype(self) -> torch.dtype:
        """What the loss comes in: the wider type of input and dense target, at least float32."""
        wide = torch.promote_types(self.logits.dtype, torch.float32)
        dense = self.kind == "dense" and self.target.is_floating_point()
        return torch.promote_types(wide, self.target.dtype) if dense else wide

    @property
    def spatial(self) -> int:
        """The number of spatial axes."""
        return self.logits.dim() - 2

    @property
    def ones(self) -> list[int]:
        """The spatial axes of a result that has none."""
        return [1] * self.spatial

    def measure(self, names: Iterable[str], **options: Any) -> dict[str, Tensor]:
        """Sums by name, (N, C) each, all channels included."""
        unique = tuple(dict.fromkeys(names))
        found = sums(
            self.logits,
            self.target,
            unique,
            wrong=self._wrong,
            activation=self.activation,
            target_kind=self.kind,
            ignore_index=self.ignore_index,
            mask=self.mask,
            option=self.option,
            **options,
        )
        return dict(zip(unique, found.unbind(-1), strict=True))

    @property
    def is_plain(self) -> bool:
        """Whether the engine's own losses take them and come in their type."""
        fits = self.spatial > 0 and self.dtype is loss_dtype(self.logits)
        return fits and is_plain(self.ignore_index) and not is_intercepted()

    def loss(
        self, weighted: tuple[tuple[float, Term], ...], reduction: Reduction = "mean"
    ) -> Tensor:
        """The loss of the engine's own terms."""
        return at_once(
            self.logits,
            self.target,
            weighted,
            wrong=self._wrong,
            activation=self.activation,
            target_kind=self.kind,
            ignore_index=self.ignore_index,
            mask=self.mask,
            option=self.option,
            reduction=reduction,
        )

    def samples(self) -> list[Voxels]:
        """Each sample by itself. There is no mask."""
        pairs = zip(self.logits.split(1), self.target.split(1), strict=True)
        return [self._replace(logits=logits, target=target) for logits, target in pairs]

    def direct(self, spec: str) -> Tensor:
        """A loss of the engine's that stands beside its terms."""
        return direct(
            self.logits,
            self.target,
            spec,
            wrong=self._wrong,
            target_kind=self.kind,
            ignore_index=self.ignore_index,
            mask=self.mask,
            option=self.option,
        )

    @property
    def _wrong(self) -> type[Exception]:
        # Shapes have been looked at before: what is wrong is a label that names no class.
        return ValueError if self.kind == "dense" else RuntimeError


def warn(message: str) -> None:
    """A warning about an option that has no effect."""
    warnings.warn(message, stacklevel=2)


def floating(input: Tensor) -> Tensor:
    """The input as a plain tensor of floating point numbers."""
    input = plain("input", input)
    return input if input.is_floating_point() else input.float()


def of_labels(input: Tensor, target: Tensor, to_onehot_y: bool) -> bool:
    """Whether the target holds labels. Checks that it can."""
    if not to_onehot_y:
        return False
    if input.shape[1] == 1:
        warn("to_onehot_y=True has no effect on a prediction of one channel")
        return False
    if target.dim() != input.dim() or target.shape[1] != 1:
        raise AssertionError(
            f"target: found shape {tuple(target.shape)}, wanted labels with a channel of size 1"
        )
    return True


def first_channel(input: Tensor, include_background: bool) -> int:
    """1 where the background is dropped."""
    if include_background:
        return 0
    if input.shape[1] == 1:
        warn("include_background=False has no effect on a prediction of one channel")
        return 0
    return 1


def check_shape(
    input: Tensor, target: Tensor, is_labels: bool, error: type[Exception] = AssertionError
) -> None:
    """Whether a target fits the input."""
    wanted = (input.shape[0], 1, *input.shape[2:]) if is_labels else tuple(input.shape)
    if tuple(target.shape) != wanted:
        raise error(
            f"target: found shape {tuple(target.shape)}, wanted {wanted} to fit the input "
            f"{tuple(input.shape)}"
        )


def checked_weights(weight: Tensor, classes: int) -> Tensor:
    """Weights of the classes that take part, or one for all of them."""
    if weight.dim() > 0 and weight.shape != (classes,):
        raise ValueError(
            f"weight: found shape {tuple(weight.shape)}, wanted one number or {classes}, one for "
            "each class that takes part"
        )
    if weight.min() < 0:
        raise ValueError(f"weight: found {weight.min():g}, wanted at least 0")
    return weight


def not_ignored(target: Tensor, ignore_index: int) -> Tensor:
    """How much each voxel of a target of several channels counts, (N, 1, spatial…).

    Quirk: the channel `ignore_index` says what is ignored, if there is one. If there is none, all
    voxels that are 0 in every channel are.
    """
    if 0 <= ignore_index < target.shape[1]:
        ignored = target[:, ignore_index : ignore_index + 1]
        return 1.0 - ignored if target.is_floating_point() else ignored == 0
    return target.sum(1, keepdim=True) > 0


def is_binary(values: Tensor) -> bool:
    """Whether all are 0 or 1; no, where a tracer forbids to look."""
    if values.dtype is torch.bool:
        return True
    if is_intercepted() or is_transformed():
        return False
    return bool(((values == 0) | (values == 1)).all())


def faded(voxels: Voxels, share: Tensor) -> Voxels:
    """Probabilities and target multiplied with a share of each voxel, which may be a fraction."""
    p = voxels.logits.to(torch.promote_types(voxels.logits.dtype, torch.float32))
    p = torch.where(share == 0, 0.0, p)
    if voxels.activation != "probabilities":
        p = p.softmax(1) if voxels.activation == "softmax" else p.sigmoid()
    share = share.to(p.dtype)
    target = times(voxels.target, share)
    if voxels.kind == "labels":
        target = target.trunc()
    return voxels._replace(logits=times(p, share), target=target, activation="probabilities")


def times(values: Tensor, share: Tensor) -> Tensor:
    """The product, which is 0 where the share is, whatever the value."""
    return torch.where(share == 0, 0.0, values * share)


def check_reduction(reduction: str) -> str:
    """A reduction that is known, as a plain string."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction: found {reduction!r}, wanted 'mean', 'sum' or 'none'")
    return str(getattr(reduction, "value", reduction))


def reduced(loss: Tensor, reduction: str, shape: list[int]) -> Tensor:
    """The mean, the sum, or all values in a shape."""
    reduction = check_reduction(reduction)
    if reduction == "none":
        return loss.reshape(shape)
    return loss.mean() if reduction == "mean" else loss.sum()
