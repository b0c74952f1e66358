"""The trainer that nnU-Net finds by `-tr nnUNetTrainerNativeLoss`."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from functools import cache

import pytest
import torch
from beside_nnunet import agree

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("nnunetv2.training.nnUNetTrainer.nnUNetTrainer", reason="needs nnunetv2")
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

from dice_loss import nnunet

LABELS = {
    "classes": {"background": 0, "liver": 1, "tumour": 2},
    "ignored": {"background": 0, "liver": 1, "tumour": 2, "ignore": 3},
    "regions": {"background": 0, "organ": [1, 2], "tumour": 2},
    "ignored regions": {"background": 0, "organ": [1, 2], "tumour": 2, "ignore": 3},
}
UNET = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
PLANS = {
    "dataset_name": "Dataset001_Dummy",
    "plans_name": "nnUNetPlans",
    "label_manager": "LabelManager",
    "configurations": {
        "2d": {
            "batch_dice": True,
            "batch_size": 2,
            "patch_size": [16, 16],
            "data_identifier": "nnUNetPlans_2d",
            "architecture": {
                "network_class_name": UNET,
                "arch_kwargs": {
                    "n_stages": 4,
                    "features_per_stage": [4, 8, 8, 8],
                    "conv_op": "torch.nn.modules.conv.Conv2d",
                    "kernel_sizes": [[3, 3]] * 4,
                    "strides": [[1, 1], [2, 2], [2, 2], [2, 2]],
                    "n_conv_per_stage": [1, 1, 1, 1],
                    "n_conv_per_stage_decoder": [1, 1, 1],
                    "conv_bias": True,
                    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
                    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                    "dropout_op": None,
                    "dropout_op_kwargs": None,
                    "nonlin": "torch.nn.LeakyReLU",
                    "nonlin_kwargs": {"inplace": True},
                },
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
        }
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


@pytest.fixture(scope="module")
def trainer_class():
    return found_by_nnunet("nnUNetTrainerNativeLoss")


@pytest.fixture(params=LABELS)
def trainers(request, trainer_class, tmp_path, monkeypatch):
    """This package's and nnU-Net's."""
    monkeypatch.setenv("nnUNet_results", str(tmp_path))
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path))
    dataset = {
        "labels": LABELS[request.param],
        "regions_class_order": [1, 2],
        "channel_names": {"0": "CT"},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    return [
        trainer(
            copy.deepcopy({**PLANS, "continue_training": False}),
            "2d",
            0,
            dataset,
            device=torch.device("cpu"),
        )
        for trainer in (trainer_class, nnUNetTrainer)
    ]


def outputs_and_targets(trainer):
    """What a network with deep supervision returns, and nnU-Net's targets of it."""
    labels = trainer.label_manager
    network = trainer.build_network_architecture(
        trainer.plans_manager,
        trainer.configuration_manager,
        1,
        labels.num_segmentation_heads,
        enable_deep_supervision=True,
    )
    with torch.no_grad():
        outputs = network(torch.randn(2, 1, 16, 16))
    highest = 4 if labels.has_ignore_label else 3
    targets = []
    for output in outputs:
        target = torch.randint(0, highest, (2, 1, *output.shape[2:]))
        if labels.has_regions:
            channels = [(target == 1) | (target == 2), target == 2]
            channels += [target == 3] if labels.has_ignore_label else []
            target = torch.cat(channels, 1)
        targets.append(target)
    return outputs, targets


def test_it_computes_what_the_trainer_of_nnunet_computes(trainers):
    outputs, targets = outputs_and_targets(trainers[0])
    assert len(outputs) == 3
    losses = [trainer._build_loss() for trainer in trainers]
    assert type(losses[0].loss).__module__.startswith("dice_loss")
    assert losses[0].weight_factors == losses[1].weight_factors
    for level in range(2):

        def of_level(loss, level=level):
            return lambda x: loss([*outputs[:level], x, *outputs[level + 1 :]], targets)

        agree(*(of_level(loss) for loss in losses), outputs[level])


def test_without_deep_supervision(trainers):
    outputs, targets = outputs_and_targets(trainers[0])
    for trainer in trainers:
        trainer.enable_deep_supervision = False
    losses = [trainer._build_loss() for trainer in trainers]
    assert isinstance(losses[0], nnunet.DC_and_CE_loss | nnunet.DC_and_BCE_loss)
    agree(*losses, outputs[0], targets[0])


def test_where_nnunet_compiles(trainers, monkeypatch):
    """Dice as nnU-Net does, and only where it runs by itself."""
    outputs, targets = outputs_and_targets(trainers[0])
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(self))
    losses = []
    for trainer, compiles in zip(trainers, (True, False), strict=True):
        monkeypatch.setattr(trainer, "_do_i_compile", lambda compiles=compiles: compiles)
        trainer.enable_deep_supervision = False
        losses.append(trainer._build_loss())
    assert compiled == [losses[0].dc]
    agree(*losses, outputs[0], targets[0])


def test_nothing_else_differs(trainers):
    ours, _ = trainers
    assert isinstance(ours, nnUNetTrainer)
    own = {name for name in vars(type(ours)) if not name.startswith("__")}
    assert own == {"_build_loss", "_native_loss"}
    assert ours.output_folder.endswith("nnUNetTrainerNativeLoss__nnUNetPlans__2d/fold_0")
