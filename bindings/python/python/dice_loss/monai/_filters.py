"""Filters of images, channel by channel."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_of_voxels(sigma: Tensor) -> Tensor:
    """The share of a Gaussian in each voxel, as far as 4 σ go."""
    sigma = sigma.float()
    ends = math.sqrt(0.5) / sigma.abs()
    x = _places(4.0 * float(sigma), sigma.device)
    return (0.5 * ((ends * (x + 0.5)).erf() - (ends * (x - 0.5)).erf())).clamp(min=0)


def gaussian_at_centres(sigma: float) -> Tensor:
    """The density of a Gaussian at the centres of voxels, as far as 3 σ go. Its sum is not 1."""
    x = _places(3.0 * sigma, torch.device("cpu"))
    return (-0.5 / sigma**2 * x**2).exp() / (math.sqrt(2.0 * math.pi) * sigma)


def cauchy(sigma: float) -> Tensor:
    """The density of a Cauchy distribution at the centres of voxels, as far as 5 σ go, of sum 1."""
    tail = int(sigma * 5)
    density = 1.0 / ((torch.arange(-tail, tail + 1) / sigma) ** 2 + 1.0)
    return density / density.sum()


def filtered(x: Tensor, kernels: list[Tensor]) -> Tensor:
    """Convolved along each spatial axis with its kernel, of odd size; beyond the edge is 0."""
    shape, spatial = x.shape, x.dim() - 2
    convolve = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    x = x.reshape(-1, 1, *shape[2:])
    for axis, kernel in enumerate(kernels):
        sizes = [1] * spatial
        sizes[axis] = kernel.numel()
        x = convolve(x, kernel.to(x).view(1, 1, *sizes), padding=[size // 2 for size in sizes])
    return x.view(shape)


def mean_filtered(x: Tensor, size: int) -> Tensor:
    """The mean of a cube around each voxel; beyond the edge is 0."""
    spatial = x.dim() - 2
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
    before = (size - 1) // 2
    return pool(F.pad(x, [before, size - 1 - before] * spatial), size, stride=1)


def _places(tail: float, device: torch.device) -> Tensor:
    reach = int(max(tail, 0.5) + 0.5)
    return torch.arange(-reach, reach + 1, dtype=torch.float, device=device)
