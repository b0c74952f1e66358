"""What losses that see borders and centre lines do for thin tubes: three losses, several seeds.

Draws images of bent, branching tubes under noise, trains the same small network on each loss, and
prints Dice, clDice and the surface distance on images that were held out: mean and range over the
seeds. Takes a few minutes on two cores.

From a clone of the repository, with a Rust toolchain:

pip install "./bindings/python[torch]"
python bindings/python/examples/train_tubes.py
"""

import argparse

import numpy as np
import torch
from dice_loss import morphology
from dice_loss.terms import Boundary, CrossEntropy, Dice, SkeletonRecall
from dice_loss.torch import SegmentationLoss
from torch import Tensor, nn

SIZE = 96
DICE_CE = [Dice(background=False, pool="batch"), CrossEntropy()]
#: The share of the term that is added, from the first iteration to the last. Boundary loss begins
#: small, as its authors advise: by itself it is least where nothing is found.
LOSSES = {
    "Dice + CE": (None, 0.0, 0.0),
    "+ boundary": (Boundary(background=False), 0.01, 0.2),
    "+ skeleton recall": (SkeletonRecall(background=False, radius=1), 1.0, 1.0),
}


def tube(generator: np.random.Generator, mask: np.ndarray) -> None:
    """Draws one that bends and has thinner branches."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    starts = [(generator.uniform(0, SIZE, 2), generator.uniform(0, 2 * np.pi), 2.2)]
    while starts:
        place, angle, radius = starts.pop()
        for step in range(90):
            mask |= (rows - place[0]) ** 2 + (columns - place[1]) ** 2 <= radius**2
            angle += generator.normal(0, 0.16)
            place += np.array([np.sin(angle), np.cos(angle)])
            radius = max(0.6, radius * 0.992)
            if step % 30 == 20 and radius > 0.9:
                turn = generator.choice([-0.8, 0.8])
                starts.append((place.copy(), angle + turn, 0.7 * radius))
            if not ((place >= 0) & (place < SIZE)).all():
                break


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images (N, 1, H, W) and masks (N, H, W)."""
    generator = np.random.default_rng(seed)
    masks = np.zeros((count, SIZE, SIZE), dtype=bool)
    for mask in masks:
        for _ in range(2):
            tube(generator, mask)
    shade = np.linspace(0.35, 1.0, SIZE)[None, :, None]
    images = masks * shade + generator.normal(0, 0.45, masks.shape)
    return torch.from_numpy(images).float()[:, None], torch.from_numpy(masks.astype("uint8"))


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
    """Dice, clDice, and the mean distance between the surfaces, in pixels."""
    dice = 2 * (found & wanted).sum() / (found.sum() + wanted.sum())
    if not found.any():
        return float(dice), 0.0, float("nan")
    precision = wanted[morphology.skeletonize(found)].mean()
    recall = found[morphology.skeletonize(wanted)].mean()
    cl_dice = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    surfaces = [mask & ~morphology.erode(mask, 1) for mask in (found, wanted)]
    to = [morphology.distance_transform(surface) for surface in surfaces]
    apart = np.concatenate([to[1][surfaces[0]], to[0][surfaces[1]]]).mean()
    return float(dice), float(cl_dice), float(apart)


def trained(name: str, seed: int, iterations: int) -> np.ndarray:
    """Scores of a network trained on a loss: means over the images that were held out."""
    term, first, last = LOSSES[name]
    torch.manual_seed(seed)
    images, masks = drawn(48, seed)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = SegmentationLoss(DICE_CE, activation="softmax")
    for iteration in range(iterations):
        if term is not None:
            share = first + (last - first) * iteration / max(1, iterations - 1)
            criterion.terms = [*DICE_CE, (share, term)]
        batch = torch.randint(len(images), (8,))
        loss = criterion(model(images[batch]), masks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    images, masks = drawn(24, 1000)
    with torch.no_grad():
        found = model(images).argmax(1).bool().numpy()
    wanted = masks.bool().numpy()
    return np.nanmean([scores(f, w) for f, w in zip(found, wanted, strict=True)], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{'loss':18}  {'Dice':>20}  {'clDice':>20}  {'surface, pixels':>20}")
    for name in LOSSES:
        runs = np.array(
            [trained(name, seed, arguments.iterations) for seed in range(arguments.seeds)]
        )
        cells = [
            f"{column.mean():.3f} ({column.min():.3f}–{column.max():.3f})" for column in runs.T
        ]
        print(f"{name:18}  " + "  ".join(f"{cell:>20}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
