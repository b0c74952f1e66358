"""The trainers as nnU-Net finds them, and a small data set that it can train on."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("nnunetv2.training.nnUNetTrainer.nnUNetTrainer", reason="needs nnunetv2")
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetNumpy
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

LABELS = {
    "classes": {"background": 0, "liver": 1, "tumour": 2},
    "ignored": {"background": 0, "liver": 1, "tumour": 2, "ignore": 3},
    "regions": {"background": 0, "organ": [1, 2], "tumour": 2},
    "ignored regions": {"background": 0, "organ": [1, 2], "tumour": 2, "ignore": 3},
}
IGNORED = 3
SPACING = (2.0, 0.5)


def configuration(patch_size, spacing, strides):
    """Of plans: a network with an output for each stride but the last."""
    dim, stages = len(patch_size), len(strides)
    return {
        "batch_dice": True,
        "batch_size": 2,
        "patch_size": patch_size,
        "data_identifier": "nnUNetPlans_2d",
        "spacing": spacing,
        "use_mask_for_norm": [False],
        "normalization_schemes": ["ZScoreNormalization"],
        "architecture": {
            "network_class_name": (
                "dynamic_network_architectures.architectures.unet.PlainConvUNet"
            ),
            "arch_kwargs": {
                "n_stages": stages,
                "features_per_stage": [4, *[8] * (stages - 1)],
                "conv_op": f"torch.nn.modules.conv.Conv{dim}d",
                "kernel_sizes": [[3] * dim] * stages,
                "strides": strides,
                "n_conv_per_stage": [1] * stages,
                "n_conv_per_stage_decoder": [1] * (stages - 1),
                "conv_bias": True,
                "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dim}d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }


PLANS = {
    "dataset_name": "Dataset001_Dummy",
    "plans_name": "nnUNetPlans",
    "label_manager": "LabelManager",
    "configurations": {
        "2d": configuration([16, 16], list(SPACING), [[1, 1], [2, 2], [2, 2], [2, 2]]),
        "3d_fullres": configuration(
            [4, 16, 16], [1.5, *SPACING], [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
        ),
    },
}


@cache
def folder_of_trainers():
    """The one that nnU-Net is told of."""
    return subprocess.run(
        [sys.executable, "-m", "dice_loss.nnunet"], check=True, capture_output=True, text=True
    ).stdout.strip()


def found_by_nnunet(name):
    """As `nnUNetv2_train … -tr name` looks for it."""
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        # What nnU-Net's own trainers, all of which it imports, are warned of is not tested here.
        warnings.simplefilter("ignore")
        environment.setenv("nnUNet_extTrainer", folder_of_trainers())
        return recursive_find_trainer_class_by_name(name)


def names_of_trainers():
    """Of every trainer of the package, by what its files are called."""
    return sorted(path.stem for path in Path(folder_of_trainers()).glob("nnUNetTrainer*.py"))


def trainer_of(trainer, kind, about=None, named="2d", **settings):
    """One of a class, for labels of a kind; `about` goes into dataset.json, and settings into the
    configuration of the plans."""
    dataset = {
        "labels": LABELS[kind],
        "regions_class_order": [1, 2],
        "channel_names": {"0": "CT"},
        "numTraining": 2,
        "file_ending": ".nii.gz",
        **(about or {}),
    }
    plans = copy.deepcopy({**PLANS, "continue_training": False})
    plans["configurations"][named] |= settings
    return trainer(plans, named, 0, dataset, device=torch.device("cpu"))


def preprocessed(folder, highest):
    """Two cases as nnU-Net's preprocessing leaves them: a bent tube, four slices of it."""
    data = folder / "Dataset001_Dummy" / "nnUNetPlans_2d"
    data.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for case in ("case_0", "case_1"):
        image = generator.normal(size=(1, 4, 32, 32)).astype(np.float32)
        seg = np.zeros((1, 4, 32, 32), np.int8)
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
