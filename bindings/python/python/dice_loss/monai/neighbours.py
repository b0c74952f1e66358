"""Cross-entropy that keeps the logits near to what surrounds each voxel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.loss import _Loss

from ..nnunet.cross_entropy import RobustCrossEntropyLoss
from ..torch._target import plain
from ._filters import filtered, gaussian_of_voxels, mean_filtered
from ._voxels import floating


class NACLLoss(_Loss):
    """Neighbour-aware calibration loss: cross-entropy + α · mean |u − x|, of logits x.

    u is the one-hot reference, blurred: the share of each class around a voxel, where all beyond
    the edge is 0. The mean is over voxels and classes. Range [0, ∞). Paper: Murugesan et al. 2023,
    https://arxiv.org/abs/2303.06268.

    Cross-entropy is the engine's; the other part runs in torch.

    Quirk: a Gaussian reaches as far as σ says, and `kernel_size` has no effect on it. Quirk: the
    logits are held to u itself, as in the paper, though a constant added to all of them changes no
    probability.

    Shapes: `inputs` (N, C, spatial…) with two or three spatial axes, `targets` labels
    (N, spatial…), integers of any type.

    Args:
        classes: C.
        dim: the number of spatial axes, 2 or 3.
        kernel_size: the size of the cube that is averaged.
        kernel_ops: the blur, `"mean"` or `"gaussian"`.
        distance_type: `"l1"`, |u − x|, or `"l2"`, (u − x)².
        alpha: α.
        sigma: σ of the Gaussian in voxels, one number or one for each axis.

    Raises:
        ValueError: a number of axes, blur or distance that is not among these.
        IndexError: a label that names no class.
        RuntimeError: shapes that do not fit; a label −100, which cross-entropy would ignore.
    """

    def __init__(
        self,
        classes: int,
        dim: int,
        kernel_size: int = 3,
        kernel_ops: str = "mean",
        distance_type: str = "l1",
        alpha: float = 0.1,
        sigma: float = 1.0,
    ) -> None:
        super().__init__()
        if kernel_ops not in ("mean", "gaussian"):
            raise ValueError(f"kernel_ops: found {kernel_ops!r}, wanted 'mean' or 'gaussian'")
        if dim not in (2, 3):
            raise ValueError(f"dim: found {dim!r}, wanted 2 or 3")
        if distance_type not in ("l1", "l2"):
            raise ValueError(f"distance_type: found {distance_type!r}, wanted 'l1' or 'l2'")
        self.nc = classes
        self.dim = dim
        self.cross_entropy = RobustCrossEntropyLoss()
        self.distance_type = distance_type
        self.alpha = alpha
        self.ks = kernel_size
        self.svls_layer = _Mean(kernel_size) if kernel_ops == "mean" else _Gaussian(dim, sigma)

    def get_constr_target(self, mask: Tensor) -> Tensor:
        """The blurred reference u, (N, C, spatial…) in float32, of labels (N, spatial…)."""
        labels = plain("targets", mask).long().unsqueeze(1)
        shape = (labels.shape[0], self.nc, *labels.shape[2:])
        hot = torch.zeros(shape, device=labels.device).scatter_(1, labels, 1.0)
        blurred: Tensor = self.svls_layer(hot)
        return blurred

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The loss; see `NACLLoss`."""
        inputs, targets = floating(inputs), plain("targets", targets)
        if inputs.dim() != self.dim + 2 or inputs.shape[1] != self.nc:
            raise RuntimeError(
                f"inputs: found shape {tuple(inputs.shape)}, wanted (N, {self.nc}, spatial…) with "
                f"{self.dim} spatial axes"
            )
        wanted = (inputs.shape[0], *inputs.shape[2:])
        if tuple(targets.shape) != wanted:
            raise RuntimeError(f"targets: found shape {tuple(targets.shape)}, wanted {wanted}")
        entropy: Tensor = self.cross_entropy(inputs, targets)
        with torch.no_grad():
            surroundings = self.get_constr_target(targets)
        distance = surroundings - inputs
        distance = distance.abs() if self.distance_type == "l1" else distance.square()
        return entropy + self.alpha * distance.mean()


class _Mean(nn.Module):
    """The mean of a cube."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return mean_filtered(x, self.size)


class _Gaussian(nn.Module):
    """A Gaussian, whose widths are in the state dict, under the names that MONAI has for them."""

    def __init__(self, dim: int, sigma: float | Sequence[float]) -> None:
        super().__init__()
        is_listed = isinstance(sigma, Sequence) or (isinstance(sigma, Tensor) and sigma.dim() > 0)
        widths = list(sigma) if is_listed else [sigma] * dim  # type: ignore[arg-type]
        if len(widths) != dim:
            raise ValueError(f"sigma: found {len(widths)} numbers, wanted one, or {dim}")
        for axis, width in enumerate(widths):
            value = torch.as_tensor(width, dtype=torch.float).clone()
            self.register_parameter(
                f"kernel_sigma_{axis}", nn.Parameter(value, requires_grad=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        return filtered(x, [gaussian_of_voxels(sigma) for sigma in self.parameters()])
