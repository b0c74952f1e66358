"""Trains a small U-Net on a chest CT, in plain PyTorch. Takes a minute or two.

From a clone of the repository, with a Rust toolchain:

pip install "./bindings/python[torch]" nibabel
python bindings/python/examples/train_torch.py
"""

import argparse
from itertools import pairwise
from pathlib import Path

import nibabel
import torch
from dice_loss.torch import DiceCELoss
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

DATA = Path(__file__).resolve().parents[3] / "crates/dice-loss-cli/data"
CLASSES = (
    "background",
    "ribs",
    "cervical spine",
    "thoracic spine",
    "lumbar spine",
    "right lung",
    "left lung",
    "tissue",
)


def convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Works at half the resolution of the image and, with each further width, at half of that."""

    def __init__(self, classes: int, widths: tuple[int, ...] = (16, 32, 64, 64)) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.first = nn.Sequential(nn.PixelUnshuffle(2), convolutions(4, widths[0]))
        self.down = nn.ModuleList(convolutions(a, b) for a, b in steps)
        self.up = nn.ModuleList(convolutions(a + b, a) for a, b in reversed(steps))
        self.head = nn.Sequential(nn.Conv2d(widths[0], 4 * classes, 1), nn.PixelShuffle(2))

    def forward(self, image: Tensor) -> Tensor:
        levels = [self.first(image)]
        for layer in self.down:
            levels.append(layer(nn.functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for layer in self.up:
            x = nn.functional.interpolate(x, scale_factor=2)
            x = layer(torch.cat([levels.pop(), x], dim=1))
        return self.head(x)


def slices_of(image: Path, labels: Path) -> tuple[Tensor, Tensor]:
    """Axial slices, (Z, 1, X, Y) in [-1, 1], and the class of each voxel, (Z, X, Y)."""
    intensity = torch.from_numpy(nibabel.load(image).get_fdata(dtype="float32"))
    scaled = ((intensity + 1000) / 800 - 1).clamp(-1, 1)  # from -1000 to 600 HU
    classes = torch.from_numpy(nibabel.load(labels).get_fdata(dtype="float32"))
    return scaled.permute(2, 0, 1)[:, None].contiguous(), classes.permute(2, 0, 1).to(torch.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, default=DATA / "chest-ct.nii.gz")
    parser.add_argument("--labels", type=Path, default=DATA / "chest-ct-labels.nii.gz")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument(
        "--threads", type=int, default=1, help="more pay for larger images, or an idle machine"
    )
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    images, labels = slices_of(arguments.image, arguments.labels)
    # Blocks of two slices are held out; their neighbours look too much like them to train on.
    place = torch.arange(len(images)) % 8
    training, validation = place < 4, (place == 5) | (place == 6)

    data = TensorDataset(images[training], labels[training])
    loader = DataLoader(data, batch_size=2, shuffle=True)
    model = UNet(len(CLASSES))
    criterion = DiceCELoss(background=False, pool="batch")
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, arguments.epochs + 1):
        total = 0.0
        for image, label in loader:
            loss = criterion(model(image), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 0 or epoch == arguments.epochs:
            print(f"epoch {epoch:3}  loss {total / len(loader):.4f}", flush=True)

    model.eval()
    with torch.no_grad():
        # The sweep that gives the loss also counts voxels; NaN for a class that is nowhere.
        _, details = criterion(model(images[validation]), labels[validation], details=True)
    print(f"\nDice on {int(validation.sum())} held-out slices of the same patient")
    for name, dice in zip(CLASSES, details.hard_dice.tolist(), strict=True):
        print(f"{name:15}  {dice:.3f}")


if __name__ == "__main__":
    main()
