"""What two processes compute together, for the tests of distributed losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from batches import labels_of, logits_of, uniform
from dice_loss.torch import (
    Accumulation,
    BlobLoss,
    CCDiceLoss,
    CrossEntropyLoss,
    DiceCELoss,
    DiceLoss,
    GeneralizedDiceLoss,
    SegmentationLoss,
)
from torch.nn.parallel import DistributedDataParallel

SHAPE = (4, 2, 6, 5)
CLASSES = 3
#: Which samples each rank has.
SPLITS = {"uneven": [slice(0, 3), slice(3, 4)], "empty": [slice(0, 0), slice(0, 4)]}

LOSSES: dict[str, Any] = {
    "dice": lambda **more: DiceLoss(pool="batch", **more),
    "dice all": lambda **more: DiceLoss(pool="all", class_weights=[1, 2, 3], **more),
    "dice by sample": lambda **more: DiceLoss(background=False, **more),
    "dice + ce": lambda **more: DiceCELoss(
        pool="batch", ignore_index=2, class_weights=[1, 2, 3], **more
    ),
    "dice + ce by sample": lambda **more: DiceCELoss(ignore_index=2, **more),
    "cross-entropy": lambda **more: CrossEntropyLoss(class_weights=[1, 2, 3], **more),
    "generalized dice": lambda **more: GeneralizedDiceLoss(pool="batch", **more),
    "sum": lambda **more: CrossEntropyLoss(reduction="sum", **more),
    "cells": lambda **more: CCDiceLoss(class_weights=[1, 2, 3], **more),
    "blobs": lambda **more: BlobLoss(ignore_index=2, **more),
}
#: What a voxel counts, which makes ranks hold unequal amounts.
MASKS = {"mask": uniform((4, 6, 5), 5) < 0.7, "voxel_weight": uniform((4, 6, 5), 6)}
VALID = torch.tensor([[1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype=torch.bool)
#: How much each rank's loss counts.
FACTORS = [0.5, 3.0]


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Conv2d(SHAPE[1], CLASSES, 3, padding=1, dtype=torch.float64)


def data() -> tuple[torch.Tensor, torch.Tensor]:
    return logits_of("softmax", SHAPE), labels_of((SHAPE[0], CLASSES, *SHAPE[2:]))


def gradient(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


def whole(loss: SegmentationLoss, **masks: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """What one process computes of the whole batch."""
    network, (image, labels) = model(), data()
    value = loss(network(image), labels, **masks)
    value.backward()
    return value.detach(), gradient(network)


def together(
    rank: int, loss: SegmentationLoss, split: str, factor: float = 1.0, **masks: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same by DistributedDataParallel, each rank with its own samples."""
    own = SPLITS[split][rank]
    network, (image, labels) = DistributedDataParallel(model()), data()
    masks = {name: mask[own] for name, mask in masks.items()}
    value = factor * loss(network(image[own]), labels[own], **masks)
    value.backward()
    return value.detach() / factor, gradient(network.module)


def accumulated(rank: int, loss: SegmentationLoss) -> tuple[torch.Tensor, torch.Tensor]:
    """Two micro-batches on each rank."""
    network, (image, labels) = DistributedDataParallel(model()), data()
    parts = [[slice(0, 2), slice(2, 3)], [slice(3, 3), slice(3, 4)]][rank]
    step = Accumulation(loss)
    with torch.no_grad():
        for own in parts:
            step.measure(network(image[own]), labels[own])
    for own in parts:
        value = step.loss(network(image[own]), labels[own])
        value.backward()
    return value.detach(), gradient(network.module)


def sharded(rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    from torch.distributed.fsdp import fully_shard

    own = SPLITS["uneven"][rank]
    network, (image, labels) = model(), data()
    fully_shard(network)
    loss = LOSSES["dice + ce"](process_group="world")
    value = loss(network(image[own]), labels[own])
    value.backward()
    full = [parameter.grad.full_tensor().flatten() for parameter in network.parameters()]
    return value.detach(), torch.cat(full)


def compiled(rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    own = SPLITS["uneven"][rank]
    network, (image, labels) = DistributedDataParallel(model()), data()
    loss = torch.compile(LOSSES["dice + ce"](process_group="world"), backend="aot_eager")
    value = loss(network(image[own]), labels[own])
    value.backward()
    return value.detach(), gradient(network.module)


def run(rank: int, folder: str) -> None:
    """One of two processes. Leaves its results in the folder."""
    torch.set_num_threads(1)
    store = dist.FileStore(str(Path(folder) / "store"), 2)
    dist.init_process_group("gloo", rank=rank, world_size=2, store=store)
    results = {}
    for name, build in LOSSES.items():
        loss = build(process_group="world")
        results[name] = together(rank, loss, "uneven")
        results[name, "masks"] = together(rank, loss, "uneven", **MASKS)
        results[name, "weighted ranks"] = together(rank, loss, "uneven", FACTORS[rank])
        results[name, "accumulated"] = accumulated(rank, loss)
    for name in ("dice", "dice by sample", "dice + ce"):
        loss = LOSSES[name](process_group=dist.group.WORLD)
        results[name, "empty"] = together(rank, loss, "empty")
        results[name, "partial"] = together(rank, loss, "uneven", class_valid=VALID)
    results["local"] = together(rank, LOSSES["dice + ce"](), "uneven")
    results["sharded"] = sharded(rank)
    results["compiled"] = compiled(rank)
    with torch.no_grad():
        image, labels = data()
        own = SPLITS["uneven"][rank]
        loss = LOSSES["dice + ce"](process_group="world")
        _, details = loss(model()(image[own]), labels[own], details=True)
        results["details"] = tuple(details)
    torch.save(results, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()
