"""Asymmetric unified focal loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..torch._peers import differs
from ..torch._target import plain
from . import _voxels
from ._voxels import Voxels

_EPSILON = 1e-7
_NAMES = ("focal", "intersection", "prediction", "reference", "voxels")


class AsymmetricUnifiedFocalLoss(_Loss):
    """Asymmetric unified focal loss of probabilities: w F + (1 − w) T.

    F is the mean over voxels and both classes of −(1 − δ) g₀ (1 − p₀)^γ ln p₀ and −δ g₁ ln p₁,
    T the mean over samples and both classes of 1 − t₀ and (1 − t₁)^(1 − γ), with
    t = (tp + ε) / (tp + δ fn + (1 − δ) fp + ε) and ε = 1e-7; p is kept within [ε, 1 − ε]. Range
    [0, ∞). Paper: Yeung et al. 2022, https://arxiv.org/abs/2102.04525.

    Quirk: the input is taken as it is, as probabilities, though meant for logits. Quirk: of more
    than two channels only 0 and 1 are read. Quirk: `reduction` has no effect. Quirk: ignored voxels
    stay in the denominator of F. Quirk: `ignore_index` with several channels, as in `DiceLoss`.

    Inputs are (N, 1 or 2, spatial…) with two or three spatial axes; one channel is that of class 1.

    Args:
        to_onehot_y: the target holds labels, (N, 1, spatial…).
        num_classes: the number of channels that labels are spread over.
        weight: w.
        gamma: γ.
        delta: δ.
        reduction: `"mean"`, `"sum"` or `"none"`, which all give a number.
        ignore_index: voxels of this label do not count.

    Raises:
        ValueError: shapes that do not fit; another number of spatial axes; a dense target that
            names a class beyond `num_classes` or is outside [0, 1]; an unknown reduction.
        RuntimeError: a label that names no class.
    """

    def __init__(
        self,
        to_onehot_y: bool = False,
        num_classes: int = 2,
        weight: float = 0.5,
        gamma: float = 0.5,
        delta: float = 0.7,
        reduction: str = "mean",
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction=_voxels.check_reduction(reduction))
        self.to_onehot_y = to_onehot_y
        self.num_classes = num_classes
        self.gamma = gamma
        self.delta = delta
        self.weight = float(weight)
        self.ignore_index = ignore_index

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss; see `AsymmetricUnifiedFocalLoss`."""
        voxels = self._voxels(y_pred, y_true)
        sums = voxels.measure(
            _NAMES, gamma=(float(self.gamma), *(0.0,) * (voxels.logits.shape[1] - 1))
        )
        focal, both, prediction, reference, counted = (sums[name][:, :2] for name in _NAMES)
        sides = focal.new_tensor([1 - self.delta, self.delta])
        volume = voxels.logits[0, 0].numel()
        entropy = (focal * sides).mean() / volume
        # Ignored voxels have the least probability, not 0.
        prediction = prediction + _EPSILON * (volume - counted)
        fn, fp = reference - both, prediction - both
        index = (both + _EPSILON) / (both + self.delta * fn + (1 - self.delta) * fp + _EPSILON)
        background, foreground = (1 - index).clamp(min=0).unbind(1)
        overlap = (background.mean() + (foreground ** (1 - self.gamma)).mean()) / 2
        return (self.weight * entropy + (1 - self.weight) * overlap).to(voxels.dtype)

    def _voxels(self, y_pred: Tensor, y_true: Tensor) -> Voxels:
        """Log-odds of both classes, and the target."""
        p, target = _voxels.floating(y_pred), plain("y_true", y_true)
        if p.dim() not in (4, 5):
            raise ValueError(f"y_pred: found shape {tuple(p.shape)}, wanted 4 or 5 axes")
        p = p.to(torch.promote_types(p.dtype, torch.float32))
        is_labels = _voxels.of_labels(p, target, self.to_onehot_y)
        if is_labels and self.num_classes != p.shape[1]:
            raise ValueError(
                f"num_classes: found {self.num_classes}, wanted {p.shape[1]}, the channels of "
                f"y_pred {tuple(p.shape)}"
            )
        _voxels.check_shape(p, target, is_labels, ValueError)
        mask = self._counted(target, is_labels)
        if mask is not None and not _voxels.is_binary(mask):
            p, target, mask = _voxels.times(p, mask), _voxels.times(target, mask), None
        if p.shape[1] == 1:
            target = target if mask is None else torch.where(mask, target, 0)
            target = target if target.is_floating_point() else target.float()
            p, target = torch.cat([1 - p, p], 1), torch.cat([1 - target, target], 1)
        if not is_labels and self.num_classes < 2 and bool((target[:, 1:] > 0).any()):
            raise ValueError(f"num_classes: found {self.num_classes} and a target of class 1")
        kind = "labels" if is_labels else "dense"
        logits = torch.logit(p, _EPSILON)
        return Voxels(logits, target, "sigmoid", kind, 0, mask=mask, option="ignore_index")

    def _counted(self, target: Tensor, is_labels: bool) -> Tensor | None:
        """How much each voxel counts, (N, 1, spatial…); None if all do."""
        if self.ignore_index is None:
            return None
        if target.shape[1] == 1:
            if not is_labels:
                _voxels.warn("ignore_index of one channel: the target is taken for labels")
            return differs(target, self.ignore_index)
        return _voxels.not_ignored(target, self.ignore_index)
