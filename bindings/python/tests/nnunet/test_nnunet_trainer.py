"""The trainer that nnU-Net finds by `-tr nnUNetTrainerNativeLoss`."""

from __future__ import annotations

import pytest
import torch
from beside_nnunet import agree
from dice_loss import nnunet
from nnunet_trainers import LABELS, found_by_nnunet, trainer_of
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


@pytest.fixture(scope="module")
def trainer_class():
    return found_by_nnunet("nnUNetTrainerNativeLoss")


@pytest.fixture(params=LABELS)
def trainers(request, trainer_class, tmp_path, monkeypatch):
    """This package's and nnU-Net's."""
    monkeypatch.setenv("nnUNet_results", str(tmp_path))
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path))
    return [trainer_of(trainer, request.param) for trainer in (trainer_class, nnUNetTrainer)]


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
    own = {name for name in vars(type(ours)) if hasattr(nnUNetTrainer, name) and name[:2] != "__"}
    assert own == {"_build_loss", "get_tr_and_val_datasets", "train_step", "validation_step"}
    assert ours.output_folder.endswith("nnUNetTrainerNativeLoss__nnUNetPlans__2d/fold_0")
