"""Generalized Wasserstein Dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..torch._target import plain
from . import _voxels
from ._voxels import Voxels

if TYPE_CHECKING:
    import numpy as np


class GeneralizedWassersteinDiceLoss(_Loss):
    """Generalized Wasserstein Dice loss: confusing two classes costs their distance.

    With the cost E_k = Σ g_k Σ_l M_kl p_l of class k, p the softmax of the input, and its size G_k:
    1 − (2 T + nr) / (2 T + Σ_k b_k E_k + dr), T = Σ_k a_k (G_k − E_k), for each sample. Range
    [0, 1] for G_k ≥ E_k, which distances up to 1 see to. Papers: Fidon et al. 2017,
    https://arxiv.org/abs/1707.00478; Tilborghs et al. 2020, https://arxiv.org/abs/2007.15546.

    Labels are (N, spatial…) or (N, 1, spatial…).

    Args:
        dist_matrix: M, C × C, 0 on the diagonal and not negative elsewhere; divided by its largest
            entry. An array or a tensor.
        weighting_mode: `"default"`, a = 0 for the background and 1 for all others, b = 1; or
            `"GDL"`, a = b = 1 / (1 + G).
        reduction: `"mean"`, `"sum"`, or `"none"` for (N,).
        smooth_nr: nr.
        smooth_dr: dr.

    Raises:
        ValueError: a matrix that is not square; an unknown mode or reduction.
        RuntimeError: labels of another shape than the input, or that name no class; a matrix of
            another size than there are classes, or with entries that are no distances.
    """

    def __init__(
        self,
        dist_matrix: np.ndarray | Tensor,
        weighting_mode: str = "default",
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
    ) -> None:
        super().__init__(reduction=_voxels.check_reduction(reduction))
        if dist_matrix.ndim != 2 or dist_matrix.shape[0] != dist_matrix.shape[1]:
            raise ValueError(
                f"dist_matrix: found shape {tuple(dist_matrix.shape)}, wanted C × C for C classes"
            )
        if weighting_mode not in ("default", "GDL"):
            raise ValueError(f"weighting_mode: found {weighting_mode!r}, wanted 'default' or 'GDL'")
        matrix = torch.as_tensor(dist_matrix)
        self.m = matrix / matrix.max()
        self.alpha_mode = weighting_mode
        self.num_classes = self.m.shape[0]
        self.smooth_nr = float(smooth_nr)
        self.smooth_dr = float(smooth_dr)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `GeneralizedWassersteinDiceLoss`."""
        input = _voxels.floating(input)
        voxels = Voxels(input, plain("target", target), "softmax", "labels", 0)
        sums = voxels.measure(("transport", "reference"), distances=self.m.tolist())
        cost, size = sums["transport"], sums["reference"]
        errors = cost.sum(1)
        if self.alpha_mode == "default":
            hits = (size - cost)[:, 1:].sum(1)
        else:
            weight = 1 / (1 + size)
            hits, errors = (weight * (size - cost)).sum(1), (weight * cost).sum(1)
        loss = 1 - (2 * hits + self.smooth_nr) / (2 * hits + errors + self.smooth_dr)
        dtype = torch.promote_types(voxels.dtype, self.m.dtype)
        return _voxels.reduced(loss, self.reduction, [*loss.shape]).to(dtype)
