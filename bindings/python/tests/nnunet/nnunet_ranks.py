"""What two processes compute, for the tests of distributed Dice."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from beside_nnunet import batch, theirs, value_and_gradient
from dice_loss import nnunet

NAMES = ("SoftDiceLoss", "MemoryEfficientSoftDiceLoss", "DC_and_CE_loss", "DC_and_BCE_loss")
DICE = {"batch_dice": True, "smooth": 1e-5, "do_bg": False}
#: Which samples each rank has.
SPLITS = {"even": [slice(0, 2), slice(2, 4)], "uneven": [slice(0, 3), slice(3, 4)]}


def data(name):
    """Of all ranks."""
    x, labels = batch((4, 3, 7, 5), 1)
    if name == "DC_and_BCE_loss":
        return x, torch.nn.functional.one_hot(labels[:, 0]).movedim(-1, 1)
    return x, labels


def loss_of(library, name, ddp):
    if name == "DC_and_CE_loss":
        return library.DC_and_CE_loss({**DICE, "ddp": ddp}, {})
    if name == "DC_and_BCE_loss":
        return library.DC_and_BCE_loss({}, {**DICE, "ddp": ddp})
    return getattr(library, name)(torch.sigmoid, **DICE, ddp=ddp)


def run(rank, folder):
    """One of two processes. Leaves its results in the folder."""
    torch.set_num_threads(1)
    store = dist.FileStore(str(Path(folder) / "store"), 2)
    dist.init_process_group("gloo", rank=rank, world_size=2, store=store)
    results = {}
    for name in NAMES:
        x, target = data(name)
        for library in (nnunet, theirs):
            for split, parts in SPLITS.items():
                if library is theirs and split == "uneven":
                    continue
                own = parts[rank]
                loss = loss_of(library, name, ddp=True)
                found = value_and_gradient(loss, x[own], target[own])
                results[name, library is nnunet, split] = found
    torch.save(results, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()
