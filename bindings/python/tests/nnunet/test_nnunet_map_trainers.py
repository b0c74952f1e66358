"""The trainers with maps, which nnU-Net's data loader makes."""

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
from dice_loss.torch import BoundaryLoss

TRAINERS = ("nnUNetTrainerNativeBoundary", "nnUNetTrainerNativeSkeletonRecall")
SPACING = (2.0, 0.5)


@pytest.fixture(scope="module", params=TRAINERS)
def trainer_class(request):
    return found_by_nnunet(request.param)


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
        if highest == 3:
            # Wherever something is known, in nnU-Net's words.
            places[-1, 0, 1, 2] = np.argwhere(seg != 3)
        nnUNetDatasetNumpy.save_case(image, seg, {"class_locations": places}, str(data / case))
    split = {"train": ["case_0"], "val": ["case_1"]}
    (data.parent / "splits_final.json").write_text(json.dumps([split]))


@pytest.fixture(params=LABELS)
def trainer(request, trainer_class, tmp_path, monkeypatch):
    """One that has nnU-Net's loaders of a data set made up."""
    for name in ("nnUNet_results", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    labels = LABELS[request.param]
    dataset = {
        "labels": labels,
        "regions_class_order": [1, 2],
        "channel_names": {"0": "CT"},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    preprocessed(tmp_path, 3 if "ignore" in labels else 2)
    plans = copy.deepcopy({**PLANS, "continue_training": False})
    plans["configurations"]["2d"] |= {
        "spacing": list(SPACING),
        "use_mask_for_norm": [False],
        "normalization_schemes": ["ZScoreNormalization"],
    }
    return trainer_class(plans, "2d", 0, dataset, device=torch.device("cpu"))


@pytest.mark.parametrize("deep", [True, False])
def test_an_iteration(trainer, deep):
    trainer.enable_deep_supervision = deep
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.current_epoch = 4
    trainer.on_train_epoch_start()
    batch = next(trainer.dataloader_train)
    targets, maps = without_maps(batch["target"])
    assert len(maps) == len(targets) == (3 if deep else 1)
    heads = trainer.label_manager.num_segmentation_heads
    assert [map.shape for map in maps] == [(2, heads, *t.shape[2:]) for t in targets]
    before = [p.clone() for p in trainer.network.parameters()]
    loss = trainer.train_step(batch)["loss"]
    assert np.isfinite(loss)
    assert any((p != q).any() for p, q in zip(trainer.network.parameters(), before, strict=True))
    out = trainer.validation_step(next(trainer.dataloader_val))
    assert np.isfinite(out["loss"]) and len(out["tp_hard"]) == 2
    share = trainer.loss.with_map.share
    assert share == (0.05 if "Boundary" in type(trainer).__name__ else 1.0)


def test_the_loss_is_the_sum_of_its_parts():
    logits = torch.randn(2, 3, 12, 16)
    target = torch.randint(0, 3, (2, 1, 12, 16))
    plain = torch.nn.CrossEntropyLoss()
    loss = LossWithMap(lambda x, y: plain(x, y[:, 0]), Boundary(spacing=SPACING), share=0.25)
    map = loss.map_of(target, 3)
    for sample in range(2):
        distances = morphology.signed_distance(
            target[sample, 0], classes=(1, 2), spacing=SPACING, convention="boundary"
        )
        assert torch.equal(map[sample, 1:], distances)
    boundary = BoundaryLoss(background=False, spacing=SPACING)(logits, target)
    near(loss(logits, target, map), plain(logits, target[:, 0]) + 0.25 * boundary)


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
