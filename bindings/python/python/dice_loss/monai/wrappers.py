"""A loss within a mask, and a loss at several scales."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from . import _voxels
from ._filters import cauchy, filtered, gaussian_at_centres
from ._voxels import floating

_KERNELS = {"gaussian": gaussian_at_centres, "cauchy": cauchy}


class MaskedLoss(_Loss):
    """A loss of input and target, both times a mask: loss(input · mask, target · mask).

    Quirk: voxels that are masked out stay voxels, of input 0 and target 0. An activation within the
    loss makes of them a probability, ½ under sigmoid, which the loss then counts; and labels become
    class 0. `MaskedDiceLoss` has the mask after the activation, and the losses of `dice_loss.torch`
    take a `mask` whose voxels do not count at all.

    Call it with (input, target, mask): the mask is (N, 1, spatial…) or (1, 1, spatial…), any type.
    Without one it warns, and all voxels count.

    Args:
        loss: a loss that takes (input, target), or its class.
        loss_args, loss_kwargs: what the class is made with.

    Raises:
        ValueError: a loss that cannot be called; a mask of several channels, or of another batch
            size.
    """

    def __init__(
        self, loss: Callable[[Tensor, Tensor], Tensor] | _Loss, *loss_args: Any, **loss_kwargs: Any
    ) -> None:
        super().__init__()
        made: Any = loss(*loss_args, **loss_kwargs) if inspect.isclass(loss) else loss
        if not callable(made):
            raise ValueError(f"loss: found {made!r}, wanted what can be called")
        self.loss: Callable[..., Tensor] = made

    def forward(self, input: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss; see `MaskedLoss`."""
        if mask is None:
            _voxels.warn("MaskedLoss without a mask: all voxels count")
            return self.loss(input, target)
        shapes = f"mask: found shape {tuple(mask.shape)} beside an input {tuple(input.shape)}"
        if input.dim() != mask.dim():
            _voxels.warn(shapes)
        if mask.shape[0] not in (1, input.shape[0]):
            raise ValueError(f"mask: found {mask.shape[0]} samples, wanted 1 or {input.shape[0]}")
        if target.dim() > 1:
            if mask.shape[1] != 1:
                raise ValueError(f"mask: found shape {tuple(mask.shape)}, wanted one channel")
            if input.shape[2:] != mask.shape[2:]:
                _voxels.warn(shapes)
        return self.loss(_voxels.times(input, mask), _voxels.times(target, mask))


class MultiScaleLoss(_Loss):
    """A loss of the smoothed input and the smoothed target, at several scales.

    Both are convolved along each spatial axis with a Gaussian or a Cauchy kernel; beyond the edge
    is 0. The losses of all scales are reduced together.

    Call it with (y_true, y_pred), the target first; the loss is given (y_pred, y_true).

    Quirk: the Gaussian is not normalised; for scales below 0.8 its sum is above 1. A loss of this
    package refuses the target beyond 1 that it makes there, where MONAI's compute with it. Quirk:
    the input is smoothed ahead of any activation.

    Integer and bool targets become floating point; in MONAI they are an error.

    Args:
        loss: a loss that takes (input, target).
        scales: σ of each scale in voxels; 0 for no smoothing. None gives the loss alone.
        kernel: `"gaussian"` or `"cauchy"`.
        reduction: `"mean"` or `"sum"` over the scales and what the loss leaves, or `"none"`: a
            first axis of the scales before it.

    Raises:
        ValueError: a kernel or reduction that is not among these; a scale below 0.
    """

    def __init__(
        self,
        loss: _Loss,
        scales: list[float] | None = None,
        kernel: str = "gaussian",
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=_voxels.check_reduction(reduction))
        if kernel not in _KERNELS:
            raise ValueError(f"kernel: found {kernel!r}, wanted 'gaussian' or 'cauchy'")
        self.kernel_fn = _KERNELS[kernel]
        self.loss: Callable[..., Tensor] = loss
        self.scales = scales

    def forward(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss; see `MultiScaleLoss`."""
        if self.scales is None:
            loss = self.loss(y_pred, y_true)
        else:
            loss = torch.stack([self._at(scale, y_true, y_pred) for scale in self.scales])
        reduction = _voxels.check_reduction(self.reduction)
        if reduction == "none":
            return loss
        return loss.mean() if reduction == "mean" else loss.sum()

    def _at(self, scale: float, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if scale == 0:
            return self.loss(y_pred, y_true)
        if scale < 0:
            raise ValueError(f"scales: found {scale}, wanted at least 0")
        kernels = [self.kernel_fn(scale)] * (y_true.dim() - 2)
        y_pred = floating(y_pred)
        wide = torch.promote_types(y_pred.dtype, torch.float32)
        target = y_true if y_true.is_floating_point() else y_true.to(wide)
        return self.loss(filtered(y_pred.to(wide), kernels), filtered(target, kernels))
