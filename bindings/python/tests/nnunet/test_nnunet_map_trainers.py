"""The trainers with terms that read maps, which the data loader makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from beside_nnunet import near
from dice_loss import Boundary, Dice, SkeletonRecall, morphology
from dice_loss.nnunet.maps import LossWithMap, MapTransform, without_maps
from dice_loss.torch import (
    BlobLoss,
    BoundaryLoss,
    CCDiceCELoss,
    DiceLoss,
    InstanceCELoss,
)
from nnunet_trainers import LABELS, SPACING, batch

BOUNDARY, SKELETON = "nnUNetTrainerNativeBoundary", "nnUNetTrainerNativeSkeletonRecall"
CELLS, BLOBS = "nnUNetTrainerNativeCCDiceCE", "nnUNetTrainerNativeBlob"


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize(
    ("name", "kind"),
    [(BOUNDARY, "classes"), (SKELETON, "ignored"), (CELLS, "regions"), (BLOBS, "ignored")],
)
def test_maps_come_with_the_batch(made, name, kind, deep):
    trainer = made(name, kind)
    trainer.enable_deep_supervision = deep
    trainer.initialize()
    trainer.dataloader_train, _ = trainer.get_dataloaders()
    trainer.current_epoch = 4
    trainer.on_train_epoch_start()
    batch = next(trainer.dataloader_train)
    targets, maps = without_maps(batch["target"])
    assert len(maps) == len(targets) == (3 if deep else 1)
    # Of instances the numbers of each class, and weights, which softmax has one of.
    channels = {BOUNDARY: 3, SKELETON: 3, CELLS: 4, BLOBS: 4}[name]
    assert [map.shape for map in maps] == [(2, channels, *t.shape[2:]) for t in targets]
    assert np.isfinite(trainer.train_step(batch)["loss"])
    with_map = next(m for m in trainer.loss.modules() if isinstance(m, LossWithMap))
    assert with_map.share == (0.05 if name == BOUNDARY else 1.0)
    assert with_map.whole == {CELLS: 0.0, BLOBS: 2.0}.get(name, 1.0)


def test_the_loss_is_the_sum_of_its_parts():
    logits = torch.randn(2, 3, 12, 16)
    target = torch.randint(0, 3, (2, 1, 12, 16))
    plain = torch.nn.CrossEntropyLoss()
    loss = LossWithMap(lambda x, y: plain(x, y[:, 0]), Boundary(spacing=SPACING), share=0.25)
    map = loss.maps_of(target, 3)
    for sample in range(2):
        distances = morphology.signed_distance(
            target[sample, 0], classes=(1, 2), spacing=SPACING, convention="boundary"
        )
        assert torch.equal(map[sample, 1:], distances)
    boundary = BoundaryLoss(background=False, spacing=SPACING)(logits, target)
    near(loss(logits, target, map), plain(logits, target[:, 0]) + 0.25 * boundary)


def cells_by_hand(logits, target, options, mask, spacing):
    """The numbers of cells, class by class, and the weights of their voxels."""
    numbers = torch.zeros(logits.shape, dtype=torch.int32)
    for sample, row in enumerate(target):
        for k in range(logits.shape[1]):
            if options["target_kind"] == "dense":
                inside = row[k] == 1 if mask is None else (row[k] == 1) & mask[sample, 0]
            elif k == 0:
                continue
            else:
                inside = row[0] == k
            components = morphology.connected_components(inside).map
            numbers[sample, k] = morphology.nearest_component(components, spacing=spacing)
    told = {name: value for name, value in options.items() if name != "background"}
    weights = InstanceCELoss(spacing=spacing, **{"activation": "softmax", **told})
    return {"instances": numbers, **weights.maps(logits, target, mask=mask)}


@pytest.mark.parametrize("spacing", [SPACING, (1.0, 1.0)])
@pytest.mark.parametrize("kind", LABELS)
def test_cells(made, kind, spacing):
    """As CC-DiceCE by itself, with cells of the plan's spacing."""
    loss = made(CELLS, kind, spacing=list(spacing))._native_loss()
    logits, target, options, (of_term, mask) = batch(kind)
    maps = loss.maps_of(target, logits.shape[1])
    found = loss(logits, target, maps)
    direct = CCDiceCELoss(**options)
    by_hand = cells_by_hand(logits, of_term, options, mask, spacing)
    of_each = maps.split(loss.channels_of(logits.shape[1]), 1)
    for name, map in zip(loss.names, of_each, strict=True):
        assert torch.equal(map, by_hand[name].float())
    near(found, direct(logits, of_term, mask=mask, maps=by_hand))
    in_voxels = direct(logits, of_term, mask=mask)
    if spacing == SPACING:
        assert (found - in_voxels).abs() > 1e-4
    else:
        near(found, in_voxels)


@pytest.mark.parametrize("kind", ["classes", "ignored regions"])
def test_cells_with_weights_and_partial_labels(made, kind):
    about = {"class_weights": {"tumour": 4}, "annotated": {"case_0": ["tumour"]}}
    trainer = made(CELLS, kind, about, spacing=[1.0, 1.0])
    trainer.enable_deep_supervision = False
    logits, target, options, (of_term, mask) = batch(kind)
    if kind == "classes":
        target[0][target[0] == 1] = 0
        told = {"class_weights": [1.0, 1.0, 4.0]}
        valid = torch.tensor([[True, False, True], [True] * 3])
    else:
        told = {"class_weights": [1.0, 4.0]}
        valid = torch.tensor([[False, True], [True] * 2])
    trainer.loss = trainer._build_loss()
    with_map = next(m for m in trainer.loss.modules() if isinstance(m, LossWithMap))
    maps = with_map.maps_of(target, logits.shape[1])
    trainer._handed_over({"target": [target, maps], "keys": ["case_0", "case_1"]})
    direct = CCDiceCELoss(**options, **told)
    near(trainer.loss(logits, target), direct(logits, of_term, mask=mask, class_valid=valid))


@pytest.mark.parametrize("kind", LABELS)
def test_blobs(made, kind):
    """As blob loss by itself, but that nnU-Net takes no Dice from 1."""
    loss = made(BLOBS, kind, batch_dice=False)._native_loss()
    logits, target, options, (of_term, mask) = batch(kind)
    found = loss(logits, target, loss.maps_of(target, logits.shape[1]))
    if kind == "ignored regions":
        # There nnU-Net's cross-entropy is a sum over the classes.
        direct = BlobLoss(whole_weight=0.0, **options)(logits, of_term, mask=mask)
        near(found, direct + 2 * loss.loss(logits, target))
    else:
        near(found, BlobLoss(**options)(logits, of_term, mask=mask) - 2)


@pytest.mark.parametrize("pool", ["cell", "blob"])
def test_an_instance_that_a_coarse_target_lacks_leaves_the_mean(pool):
    loss = LossWithMap(torch.nn.Identity(), Dice(pool=pool), whole=0.0)
    target = torch.zeros(1, 16, 16, dtype=torch.int16)
    target[:, 2:8, 2:8] = target[:, 12:16, 12:16] = 1
    target[:, 2, 12] = 1
    coarse = target[:, 1::2, 1::2]
    made = MapTransform(loss, 2)(segmentation=[target, coarse])["segmentation"]
    numbers = made[3][1]
    # The second is the one of a single voxel.
    assert (made[2][1] == 2).any() and not ((numbers == 2) & (coarse[0] == 1)).any()
    logits = torch.randn(1, 2, 8, 8)
    dice = DiceLoss(background=False)
    regions = [numbers == k if pool == "cell" else (numbers == 0) | (numbers == k) for k in (1, 3)]
    wanted = [dice(logits, coarse[None], mask=region[None, None]) for region in regions]
    near(loss(logits, coarse[None], made[3][None]), sum(wanted) / 2)


def test_maps_are_resized_as_targets_are():
    loss = LossWithMap(torch.nn.Identity(), SkeletonRecall(radius=1.0))
    target = torch.zeros(1, 16, 16, dtype=torch.int16)
    target[:, 3:10] = 1
    coarse = target[:, 1::2, 1::2]
    made = MapTransform(loss, 2)(image=None, segmentation=[target, coarse])["segmentation"]
    assert len(made) == 4 and made[0] is target and made[1] is coarse
    assert torch.equal(made[3], made[2][:, 1::2, 1::2])
    assert made[2][1].any() and not made[2][1][target[0] == 0].any()


def test_a_term_without_a_map_is_refused():
    with pytest.raises(ValueError, match="term: found one with 0 maps, wanted one with a map"):
        LossWithMap(torch.nn.Identity(), Dice())
