"""Trains MONAI's U-Net on a chest CT. Takes half a minute.

It is a script for MONAI's own loss in which one import line was changed.

From a clone of the repository, with a Rust toolchain:

pip install "./bindings/python[torch]" monai nibabel
python bindings/python/examples/train_monai.py
"""

import argparse
from pathlib import Path

import torch
from dice_loss.monai import DiceCELoss  # was: from monai.losses import DiceCELoss
from monai.data import CacheDataset, DataLoader
from monai.metrics import DiceMetric
from monai.networks.nets import UNet
from monai.transforms import (
    AsDiscrete,
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    RandShiftIntensityd,
    ScaleIntensityRanged,
)
from monai.utils import set_determinism

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
KEYS = ("image", "label")


def slices_of(image: Path, label: Path) -> list[dict[str, torch.Tensor]]:
    """Axial slices, (1, X, Y) each."""
    load = Compose(
        [
            LoadImaged(KEYS),
            EnsureChannelFirstd(KEYS),
            ScaleIntensityRanged("image", -1000, 600, -1, 1, clip=True),
        ]
    )
    scan = load({"image": image, "label": label})
    return [{key: scan[key][..., z] for key in KEYS} for z in range(scan["image"].shape[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, default=DATA / "chest-ct.nii.gz")
    parser.add_argument("--labels", type=Path, default=DATA / "chest-ct-labels.nii.gz")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--threads", type=int, default=1, help="more pay for larger images, or an idle machine"
    )
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    set_determinism(0)
    slices = slices_of(arguments.image, arguments.labels)
    # Blocks of two slices are held out; their neighbours look too much like them to train on.
    training = [pair for z, pair in enumerate(slices) if z % 8 < 4]
    validation = [pair for z, pair in enumerate(slices) if z % 8 in (5, 6)]

    # Slices are cached; what is random comes after.
    data = CacheDataset(training, RandShiftIntensityd("image", 0.1, prob=1.0), progress=False)
    loader = DataLoader(data, batch_size=2, shuffle=True)
    model = UNet(2, 1, len(CLASSES), channels=(16, 32, 64, 64), strides=(2, 2, 2), num_res_units=1)
    criterion = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, arguments.epochs + 1):
        total = 0.0
        for batch in loader:
            loss = criterion(model(batch["image"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 0 or epoch == arguments.epochs:
            print(f"epoch {epoch:3}  loss {total / len(loader):.4f}", flush=True)

    # Over all held-out slices at once: one (1, C, X, Y, Z) segmentation.
    metric = DiceMetric(reduction="mean_batch")
    decide = AsDiscrete(argmax=True, to_onehot=len(CLASSES))
    reference = AsDiscrete(to_onehot=len(CLASSES))
    model.eval()
    with torch.no_grad():
        found = [decide(model(pair["image"][None])[0]) for pair in validation]
    wanted = [reference(pair["label"]) for pair in validation]
    metric(torch.stack(found, -1)[None], torch.stack(wanted, -1)[None])
    print(f"\nDice on {len(validation)} held-out slices of the same patient")
    for name, dice in zip(CLASSES, metric.aggregate().tolist(), strict=True):
        print(f"{name:15}  {dice:.3f}")


if __name__ == "__main__":
    main()
