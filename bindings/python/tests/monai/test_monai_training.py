"""A network learns the same with either library."""

from __future__ import annotations

import torch
from beside_monai import ours, theirs
from torch import nn


class TinyUNet(nn.Module):
    """Two resolutions, few channels."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU())
        self.coarse = nn.Sequential(
            nn.Conv2d(6, 12, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.Conv2d(12, 6, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
        )
        self.head = nn.Conv2d(12, classes, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        fine = self.fine(image)
        return self.head(torch.cat([fine, self.coarse(fine)], 1))


def images(samples: int = 4, size: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """Disks within disks, and noise."""
    generator = torch.Generator().manual_seed(0)
    centre = torch.rand((samples, 2, 1, 1), generator=generator) * size / 2 + size / 4
    axis = torch.arange(size).float()
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))
    radius = (grid - centre).norm(dim=1, keepdim=True)
    labels = (radius < size / 3).long() + (radius < size / 6).long()
    noise = torch.randn((samples, 1, size, size), generator=generator)
    return labels + 0.3 * noise, labels


def curve(criterion: nn.Module, dtype: torch.dtype) -> torch.Tensor:
    """The loss of each of 30 steps."""
    torch.manual_seed(1)
    network = TinyUNet(3).to(dtype)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    image, labels = images()
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = criterion(network(image.to(dtype)), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def test_the_same_loss_curve():
    options = {"to_onehot_y": True, "softmax": True, "include_background": False}
    found, wanted, exact = (
        curve(library.DiceCELoss(**options), dtype)
        for library, dtype in (
            (ours, torch.float32),
            (theirs, torch.float32),
            (theirs, torch.float64),
        )
    )
    assert wanted[-1] < 0.5 * wanted[0]
    # Rounding grows from step to step; ours is no further from the truth than MONAI's.
    rounding = (wanted - exact).abs().cummax(0).values
    assert ((found - exact).abs() <= 4.0 * rounding + 1e-5 * exact).all()
