"""What losses that count lesions do for small ones beside large ones: three losses, several seeds.

Draws images of a few large lesions and many tiny ones under noise, trains the same small network
on each loss, and prints Dice, lesion-wise recall and false positives an image on images that were
held out: mean and range over the seeds. Takes a few minutes on two cores.

From a clone of the repository, with a Rust toolchain:

pip install "./bindings/python[torch]"
python bindings/python/examples/train_lesions.py
"""

import argparse

import numpy as np
import torch
from dice_loss import metrics
from dice_loss.torch import BlobLoss, CCDiceCELoss, DiceCELoss
from torch import Tensor, nn

SIZE = 64
LOSSES = {
    "Dice + CE": DiceCELoss(background=False, pool="batch"),
    "CC-DiceCE": CCDiceCELoss(),
    "blob": BlobLoss(),
}


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images (N, 1, H, W) and masks (N, H, W): two lesions of 150 to 450 pixels and eight of 5 to
    20, of different contrast, which may touch."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    shades = np.zeros((count, SIZE, SIZE))
    for shade in shades:
        radii = [*generator.uniform(7, 12, 2), *generator.uniform(1.2, 2.6, 8)]
        for radius in radii:
            row, column = generator.uniform(0, SIZE, 2)
            inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
            shade[inside] = np.maximum(shade[inside], generator.uniform(0.35, 1.0))
    images = shades + generator.normal(0, 0.45, shades.shape)
    return torch.from_numpy(images).float()[:, None], torch.from_numpy((shades > 0).astype("uint8"))


def network() -> nn.Module:
    """Two classes at every pixel, from 35 pixels around."""
    layers: list[nn.Module] = []
    inputs = 1
    for dilation in (1, 1, 2, 4, 8, 1):
        layers += [
            nn.Conv2d(inputs, 16, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
        ]
        inputs = 16
    return nn.Sequential(*layers, nn.Conv2d(inputs, 2, 1))


def scores(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """Dice of all pixels, the share of the lesions that are found, and how many found in an image
    are none. One pixel is enough to be found."""
    found, wanted = found[:, None], wanted[:, None]
    lesions = metrics.lesions(found, wanted, pool="all")
    dice = metrics.dice_coefficient(found, wanted, pool="all")
    return float(dice), float(lesions.recall()), float(lesions.false_positives / len(found))


def trained(name: str, seed: int, iterations: int, threshold: float) -> tuple[float, float, float]:
    """Scores of a network trained on a loss, on the images that were held out."""
    torch.manual_seed(seed)
    images, masks = drawn(48, seed)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(iterations):
        batch = torch.randint(len(images), (8,))
        loss = LOSSES[name](model(images[batch]), masks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    images, masks = drawn(24, 1000)
    with torch.no_grad():
        found = model(images).softmax(1)[:, 1] > threshold
    return scores(found.numpy(), masks.bool().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--threshold", type=float, default=0.5, help="of a lesion's probability")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{'loss':10}  {'Dice':>20}  {'lesion recall':>20}  {'false an image':>20}")
    for name in LOSSES:
        options = (arguments.iterations, arguments.threshold)
        runs = np.array([trained(name, seed, *options) for seed in range(arguments.seeds)])
        cells = [
            f"{column.mean():.3f} ({column.min():.3f}–{column.max():.3f})" for column in runs.T
        ]
        print(f"{name:10}  " + "  ".join(f"{cell:>20}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
