"""The Matthews correlation coefficient as a loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..torch._native import loss_dtype
from ..torch._peers import sums

__all__ = ["MCCLoss"]


class MCCLoss(_Loss):
    """1 − (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)), over the whole batch.

    TP = Σpg + ε, FP = Σp(1 − g) + ε, FN = Σ(1 − p)g + ε, TN = Σ(1 − p)(1 − g) + ε.

    Args:
        eps: ε.

    Shapes:
        `y_pred`: probabilities p (quirk: not logits), (N, spatial…) or (N, 1, spatial…), of any
        floating point type. `y_true`: g, as many numbers of each sample, 0 and 1 or between, of
        any type.

    Returns:
        A number in [0, 2], float32, or float64 of float64.

    Raises:
        RuntimeError: shapes that do not fit, a target out of range.

    Paper: Abhishek and Hamarneh, Matthews correlation coefficient loss for deep convolutional
    networks, ISBI 2021, https://arxiv.org/abs/2010.13454.
    """

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss, a number."""
        samples = y_true.shape[0]
        p, g = y_pred.reshape(samples, 1, -1), y_true.reshape(samples, 1, -1)
        # Where a batch holds one class only, the slopes by Σpg and Σp(1 − g) differ by so much that
        # a single sum of both would lose the smaller one.
        both, of_class, n = _sums(p, g, "intersection", "reference", "voxels")
        (beside,) = _sums(p, ~g if g.dtype is torch.bool else 1 - g, "intersection")
        tp, fn = both + self.eps, of_class - both + self.eps
        fp, tn = beside + self.eps, n - of_class - beside + self.eps
        variances = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        loss = 1.0 - (tp * tn - fp * fn) / variances.sqrt()
        return loss.reshape(()).to(loss_dtype(y_pred))


def _sums(p: Tensor, g: Tensor, *names: str) -> tuple[Tensor, ...]:
    """Over everything."""
    measured = sums(p, g, names, wrong=RuntimeError, option=None, activation="probabilities")
    return measured.sum((0, 1)).unbind(-1)
