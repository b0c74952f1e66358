"""The trainers with losses that nnU-Net has not, with maps of its data loader or without."""

from __future__ import annotations

import copy
import json
import warnings

import numpy as np
import pytest
import torch
from beside_nnunet import near
from test_nnunet_trainer import LABELS, PLANS, found_by_nnunet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetNumpy

from dice_loss import Boundary, Dice, SkeletonRecall, morphology
from dice_loss.nnunet.maps import LossWithMap, MapTransform, without_maps
from dice_loss.torch import (
    BCELoss,
    BlobLoss,
    BoundaryLoss,
    CCDiceCELoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    InstanceCELoss,
    TverskyLoss,
)

BOUNDARY, SKELETON = "nnUNetTrainerNativeBoundary", "nnUNetTrainerNativeSkeletonRecall"
CELLS, BLOBS = "nnUNetTrainerNativeCCDiceCE", "nnUNetTrainerNativeBlob"
SPACING = (2.0, 0.5)
IGNORED = 3


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """Folders of what nnU-Net preprocessed, with an ignored label and without."""
    folders = {highest: tmp_path_factory.mktemp("preprocessed") for highest in (2, IGNORED)}
    for highest, folder in folders.items():
        preprocessed(folder, highest)
    return folders


def preprocessed(folder, highest):
    """Two cases as nnU-Net's preprocessing leaves them: slices of a bent tube."""
    data = folder / "Dataset001_Dummy" / "nnUNetPlans_2d"
    data.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for case in ("case_0", "case_1"):
        image = generator.normal(size=(1, 1, 32, 32)).astype(np.float32)
        seg = np.zeros((1, 1, 32, 32), np.int8)
        seg[..., 4:28, 10:16] = 1
        seg[..., 22:28, 10:28] = 2
        seg[..., :3, :3] = highest
        places = {k: np.argwhere(seg == k) for k in (1, 2)}
        if highest == IGNORED:
            # Wherever something is known, in nnU-Net's words.
            places[-1, 0, 1, 2] = np.argwhere(seg != IGNORED)
        nnUNetDatasetNumpy.save_case(image, seg, {"class_locations": places}, str(data / case))
    split = {"train": ["case_0"], "val": ["case_1"]}
    (data.parent / "splits_final.json").write_text(json.dumps([split]))


@pytest.fixture
def made(datasets, tmp_path, monkeypatch):
    """Makes a trainer of a data set made up, by its name and the kind of labels."""

    def make(name, kind, about=None, **configuration):
        labels = LABELS[kind]
        highest = IGNORED if "ignore" in labels else 2
        monkeypatch.setenv("nnUNet_results", str(tmp_path))
        monkeypatch.setenv("nnUNet_preprocessed", str(datasets[highest]))
        monkeypatch.setenv("nnUNet_n_proc_DA", "0")
        dataset = {
            "labels": labels,
            "regions_class_order": [1, 2],
            "channel_names": {"0": "CT"},
            "numTraining": 2,
            "file_ending": ".nii.gz",
            **(about or {}),
        }
        plans = copy.deepcopy({**PLANS, "continue_training": False})
        plans["configurations"]["2d"] |= {
            "spacing": list(SPACING),
            "use_mask_for_norm": [False],
            "normalization_schemes": ["ZScoreNormalization"],
            **configuration,
        }
        return found_by_nnunet(name)(plans, "2d", 0, dataset, device=torch.device("cpu"))

    return make


ITERATIONS = [
    *(
        (name, kind, deep)
        for name in (BOUNDARY, SKELETON)
        for kind in LABELS
        for deep in (True, False)
    ),
    *((name, kind, True) for name in (CELLS, BLOBS) for kind in ("classes", "ignored regions")),
    (CELLS, "regions", False),
    (BLOBS, "ignored", False),
]


@pytest.mark.parametrize(("name", "kind", "deep"), ITERATIONS)
def test_an_iteration(made, name, kind, deep):
    trainer = made(name, kind)
    trainer.enable_deep_supervision = deep
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.current_epoch = 4
    trainer.on_train_epoch_start()
    batch = next(trainer.dataloader_train)
    targets, maps = without_maps(batch["target"])
    assert len(maps) == len(targets) == (3 if deep else 1)
    channels = trainer.label_manager.num_segmentation_heads * (2 if name in (CELLS, BLOBS) else 1)
    assert [map.shape for map in maps] == [(2, channels, *t.shape[2:]) for t in targets]
    before = [p.clone() for p in trainer.network.parameters()]
    loss = trainer.train_step(batch)["loss"]
    assert np.isfinite(loss)
    assert any((p != q).any() for p, q in zip(trainer.network.parameters(), before, strict=True))
    out = trainer.validation_step(next(trainer.dataloader_val))
    assert np.isfinite(out["loss"]) and len(out["tp_hard"]) == 2
    with_map = trainer.loss.with_map
    assert with_map.share == (0.05 if name == BOUNDARY else 1.0)
    assert with_map.whole == {CELLS: 0.0, BLOBS: 2.0}.get(name, 1.0)


@pytest.mark.parametrize("name", ["nnUNetTrainerNativeDiceFocal", "nnUNetTrainerNativeTverskyCE"])
@pytest.mark.parametrize("kind", LABELS)
def test_an_iteration_without_maps(made, name, kind):
    trainer = made(name, kind)
    trainer.enable_deep_supervision = kind != "ignored"
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.on_train_epoch_start()
    before = [p.clone() for p in trainer.network.parameters()]
    assert np.isfinite(trainer.train_step(next(trainer.dataloader_train))["loss"])
    assert any((p != q).any() for p, q in zip(trainer.network.parameters(), before, strict=True))
    out = trainer.validation_step(next(trainer.dataloader_val))
    assert np.isfinite(out["loss"]) and len(out["tp_hard"]) == 2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_what_the_loss_without_maps_is(made, kind, weighted):
    about = {"class_weights": {"tumour": 4}} if weighted else {}
    logits, target, options, (of_ours, mask) = batch(kind)
    regions = logits.shape[1] == 2
    if weighted:
        options["class_weights"] = [1.0, 1.0, 4.0][-logits.shape[1] :]
    ratio = {"pool": "batch", "background": regions}
    cross_entropy = BCELoss if regions else CrossEntropyLoss
    for name, parts in (
        ("nnUNetTrainerNativeDiceFocal", ((DiceLoss, ratio), (FocalLoss, {}))),
        ("nnUNetTrainerNativeTverskyCE", ((TverskyLoss, ratio), (cross_entropy, {}))),
    ):
        trainer = made(name, kind, about)
        trainer.enable_deep_supervision = False
        found = trainer._build_loss()(logits, target)
        losses = [loss(**{**options, **own}) for loss, own in parts]
        near(found, sum(loss(logits, of_ours, mask=mask) for loss in losses))


def test_class_weights_of_the_dataset(made):
    name = "nnUNetTrainerNativeDiceFocal"
    found = made(name, "classes", {"class_weights": [0.1, 1.0, 2.0]})._native_loss()
    assert found.terms.class_weights.tolist() == pytest.approx([0.1, 1.0, 2.0])
    for kind, names in (("classes", "background, liver, tumour"), ("regions", "organ, tumour")):
        trainer = made(name, kind, {"class_weights": {"spleen": 2.0}})
        with pytest.raises(ValueError, match=f"found 'spleen', wanted names among {names}"):
            trainer._native_loss()


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


def batch(kind):
    """Logits, a target as nnU-Net has it, and what a loss of this package is told of both: several
    instances of both classes in both samples."""
    labels = LABELS[kind]
    found = torch.zeros(2, 1, 14, 18, dtype=torch.int16)
    found[..., 1:6, 1:5] = found[..., 9:12, 14:17] = 1
    found[..., 3, 13] = found[..., 12, 2] = 1
    found[..., 2:4, 2:4] = found[..., 8, 7] = found[..., 10, 15:18] = 2
    found[1, :, 0, 10:12] = 2
    if "ignore" in labels:
        found[..., 6:8, :9] = found[1, :, 3, 13] = IGNORED
    if "regions" not in kind:
        logits = torch.randn(2, 3, 14, 18)
        ignored = {"ignore_index": IGNORED} if "ignore" in labels else {}
        return logits, found, {"target_kind": "labels", **ignored}, (found, None)
    channels = [(found == 1) | (found == 2), found == 2]
    mask = found != IGNORED if "ignore" in labels else None
    target = torch.cat([*channels, *([] if mask is None else [~mask])], 1).to(torch.int16)
    options = {"activation": "sigmoid", "background": True, "target_kind": "dense"}
    return torch.randn(2, 2, 14, 18), target, options, (target[:, :2], mask)


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
    for name, map in zip(loss.names, maps.chunk(2, 1), strict=True):
        assert torch.equal(map, by_hand[name].float())
    near(found, direct(logits, of_term, mask=mask, maps=by_hand))
    in_voxels = direct(logits, of_term, mask=mask)
    if spacing == SPACING:
        assert (found - in_voxels).abs() > 1e-4
    else:
        near(found, in_voxels)


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
