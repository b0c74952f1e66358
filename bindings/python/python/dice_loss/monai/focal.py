"""Focal loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from torch.nn.modules.loss import _Loss

from ..torch._peers import differs
from ..torch._plain import sum_dtype
from ..torch._target import plain
from ..torch._tracing import is_intercepted, is_transformed
from . import _voxels
from ._voxels import Voxels
from .dice import Weight

_HARD = ("reference", "reference_squared")


class FocalLoss(_Loss):
    """Focal loss of logits: −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p) of each channel.

    With `use_softmax` −α_k g_k (1 − p_k)^γ ln p_k. Without α both factors are 1. A soft target t
    under sigmoid has the binary cross-entropy times σ(−x (2t − 1))^γ. The mean is over all
    channels and voxels. Range [0, ∞). Paper: Lin et al. 2017, https://arxiv.org/abs/1708.02002.

    Quirk: one α is symmetric; of a sequence each is for positives only, for targets that
    are 1. Quirk: under softmax one α is 1 − α for the background and α for all others; without
    background a number has no effect, and a tensor of no axes is 1 − α for channel 1 and α for
    those behind. Quirk: without background the softmax is that of the other channels alone.
    Quirk: with `ignore_index` the mean divides by the voxels that count, not by voxels times
    channels. Quirk: `"sum"` is the sum over samples and channels of means over voxels, without
    spatial axes the mean. Quirk: `ignore_index` with several channels, as in `DiceLoss`; here
    it fades the logits.

    Args:
        include_background: whether channel 0 takes part.
        to_onehot_y: the target holds labels, (N, 1, spatial…).
        gamma: γ, at least 0.
        alpha: α, one number, or one for each channel that takes part.
        weight: one for each channel that takes part, or one for all, at least 0; multiplies its
            loss. With one channel one number only.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C, spatial…).
        use_softmax: softmax over the channels instead of a sigmoid of each.
        ignore_index: voxels of this label do not count.

    The result is float32.

    Raises:
        ValueError: a target of another shape than the input; weights or α of another number than
            channels, weights below 0, or several for one channel; an unknown reduction; a γ below
            0; a dense target outside [0, 1].
        AssertionError: `to_onehot_y` and no channel of size 1.
        RuntimeError: a label that names no class.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        gamma: float = 2.0,
        alpha: float | Sequence[float] | None = None,
        weight: Weight = None,
        reduction: str = "mean",
        use_softmax: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction=_voxels.check_reduction(reduction))
        self.include_background = include_background
        self.to_onehot_y = to_onehot_y
        self.gamma = gamma
        self.alpha: float | Tensor | None = None
        if alpha is not None:
            is_number = isinstance(alpha, float | int)
            self.alpha = float(alpha) if is_number else torch.as_tensor(alpha)  # type: ignore[arg-type]
        self.weight = weight
        self.use_softmax = use_softmax
        self.ignore_index = ignore_index
        self.register_buffer("class_weight", None if weight is None else torch.as_tensor(weight))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `FocalLoss`."""
        return self.of_target(input, target, self.to_onehot_y)

    def of_target(self, input: Tensor, target: Tensor, to_onehot_y: bool) -> Tensor:
        """The loss of a target that may hold labels."""
        voxels, share = self._voxels(input, target, to_onehot_y)
        factors = self._factors(voxels)
        sums = None
        if self.reduction != "none" and (share is None or share.dtype is torch.bool):
            sums = self._sums(voxels._replace(mask=share))
        if sums is None:
            loss = self._map(voxels, share, factors)
            if self.reduction == "none":
                return loss.float()
            losses = loss.reshape(*loss.shape[:2], -1).sum(2, dtype=sum_dtype(loss.device))
        else:
            losses = self._of_sums(sums, factors, voxels.first)
        counted = None if share is None else share.flatten(1).sum(1)
        return self._reduced(losses, counted, voxels).float()

    def _voxels(
        self, input: Tensor, target: Tensor, to_onehot_y: bool
    ) -> tuple[Voxels, Tensor | None]:
        """Input and target, checked, and how much each voxel counts; None if all do."""
        input, target = _voxels.floating(input), plain("target", target)
        is_labels = _voxels.of_labels(input, target, to_onehot_y)
        first = _voxels.first_channel(input, self.include_background)
        _voxels.check_shape(input, target, is_labels, ValueError)
        share = None
        if self.ignore_index is not None:
            if is_labels or input.shape[1] == 1:
                share = differs(target, self.ignore_index)
            else:
                share = _voxels.not_ignored(target, self.ignore_index)
                share = share > 0 if _voxels.is_binary(share) else share
        activation = "softmax" if self.use_softmax else "sigmoid"
        kind = "labels" if is_labels else "dense"
        voxels = Voxels(input, target, activation, kind, first, option="ignore_index")  # type: ignore[arg-type]
        return voxels, share

    def _factors(self, voxels: Voxels) -> tuple[Tensor, Tensor]:
        """What the losses of positives and of negatives are multiplied with, (C) each."""
        channels, device = voxels.logits.shape[1] - voxels.first, voxels.logits.device
        positive = torch.ones(channels, dtype=sum_dtype(device), device=device)
        negative = positive.clone()
        if self.alpha is not None:
            alpha = torch.as_tensor(self.alpha).to(positive)
            if alpha.dim() > 0 and alpha.shape[0] != channels:
                raise ValueError(f"alpha: found {alpha.shape[0]} of them, wanted {channels}")
            if alpha.dim() > 0:
                positive = alpha
            elif not self.use_softmax:
                positive, negative = positive * alpha, negative * (1 - alpha)
            elif not self.include_background and isinstance(self.alpha, float):
                _voxels.warn("one alpha has no effect under softmax without background")
            else:
                positive = torch.cat([1 - alpha.view(1), alpha.expand(channels - 1)])
        if self.class_weight is not None:
            weight = self.class_weight
            if weight.dim() > 0 and channels == 1:
                raise ValueError("weight: found several for one channel, wanted one number")
            weight = weight.reshape(-1) if weight.dim() > 1 else weight
            weight = _voxels.checked_weights(weight, channels).to(positive)
            positive, negative = positive * weight, negative * weight
        return positive, negative

    def _sums(self, voxels: Voxels) -> dict[str, Tensor] | None:
        """Sums over the voxels; None for a soft target, of which the engine has none."""
        options = {"gamma": self.gamma}
        if self.use_softmax:
            voxels = _without_background(voxels) if voxels.first else voxels
            return voxels.measure(("focal",), **options) if voxels.logits.shape[1] > 1 else None
        names = ("focal", "focal_negative")
        if voxels.kind == "labels" or not voxels.target.is_floating_point():
            return voxels.measure(names, **options)
        if is_intercepted() or is_transformed():
            return None
        sums = voxels.measure((*names, *_HARD), **options)
        # In [0, 1] no sum of squares reaches the sum, but for 0 and 1.
        return sums if torch.equal(*(sums[name] for name in _HARD)) else None

    def _of_sums(
        self, sums: dict[str, Tensor], factors: tuple[Tensor, Tensor], first: int
    ) -> Tensor:
        """The loss of each channel of each sample."""
        positive, negative = factors
        if self.use_softmax:
            return positive * sums["focal"]
        return positive * sums["focal"][:, first:] + negative * sums["focal_negative"][:, first:]

    def _map(self, voxels: Voxels, share: Tensor | None, factors: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of every voxel and channel, in plain torch."""
        x, g = voxels.logits, voxels.target
        if voxels.kind == "labels":
            labels = g.long() if share is None else torch.where(share, g, 0).long()
            g = torch.zeros_like(x).scatter_(1, labels, 1)
        x, g = x[:, voxels.first :], g[:, voxels.first :]
        wide = torch.promote_types(x.dtype, torch.float32)
        x, g = x.to(wide), g.to(wide)
        if share is not None:
            share = share.to(wide)
            x, g = _voxels.times(x, share), _voxels.times(g, share)
        positive, negative = (f.to(wide).view(1, -1, *voxels.ones) for f in factors)
        if self.use_softmax:
            log_p = x.log_softmax(1)
            # Kept off 0, where the slope of a power below 1 is infinite.
            complement = torch.expm1(log_p).neg().clamp(min=torch.finfo(wide).tiny)
            loss = positive * g * -log_p * complement**self.gamma
        else:
            loss = binary_cross_entropy_with_logits(x, g, reduction="none")
            loss = loss * torch.exp(self.gamma * logsigmoid(-x * (2 * g - 1)))
            if isinstance(self.alpha, Tensor) and self.alpha.dim() > 0:
                loss = loss * torch.where(g == 1, positive, negative)
            else:
                loss = loss * (positive * g + negative * (1 - g))
        return loss if share is None else loss * share

    def _reduced(self, losses: Tensor, counted: Tensor | None, voxels: Voxels) -> Tensor:
        """The mean or the sum of the losses (N, C) of all voxels."""
        volume = voxels.logits[0, 0].numel()
        if _voxels.check_reduction(self.reduction) == "mean" or not voxels.spatial:
            if counted is None:
                return losses.mean() / volume
            return losses.sum() / counted.sum().clamp(min=1)
        if counted is None:
            return losses.sum() / volume
        return (losses.sum(1) / counted.clamp(min=1)).sum()


def _without_background(voxels: Voxels) -> Voxels:
    """The same without channel 0: voxels of the background are in no class, so that they add 0."""
    logits, target = voxels.logits[:, 1:], voxels.target
    if voxels.kind == "dense":
        return voxels._replace(logits=logits, target=target[:, 1:])
    labels = target if target.is_floating_point() else target.to(torch.int64)
    return voxels._replace(logits=logits, target=labels - 1, ignore_index=-1)
