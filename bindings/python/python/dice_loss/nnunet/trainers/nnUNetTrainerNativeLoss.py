"""nnU-Net's trainer with this package's losses.

nnU-Net looks for trainers in its own folders and then in those that the environment variable
`nnUNet_extTrainer` names, in training and in prediction::

    export nnUNet_extTrainer="$(python -m dice_loss.nnunet)"
    nnUNetv2_train DATASET CONFIGURATION FOLD -tr nnUNetTrainerNativeLoss
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import Tensor, nn

from dice_loss import BinaryCrossEntropy, CrossEntropy, Dice
from dice_loss.nnunet import (
    DC_and_BCE_loss,
    DC_and_CE_loss,
    MemoryEfficientSoftDiceLoss,
    dataset,
)
from dice_loss.nnunet.steps import Handing, hard_counts
from dice_loss.nnunet.terms import LossOfTerms

__all__ = ["nnUNetTrainerNativeLoss"]


class nnUNetTrainerNativeLoss(nnUNetTrainer):
    """`nnUNetTrainer` in all but the implementation of its loss.

    Dice (in the batch if the plans say so, smoothing 1e-5) plus cross-entropy, under softmax
    without the background in Dice, or under sigmoid for regions; the ignore label; nnU-Net's own
    weights of deep supervision. Folders of results have this class's name.

    Two keys of dataset.json that nnU-Net does not know are read. `"class_weights"` weigh the
    classes in every term: a mapping by the names of `"labels"`, where what is not named weighs 1,
    or a list of one for each channel of the output. `"annotated"` is a mapping of cases to lists of
    labels, names or numbers: other classes were not annotated in the case, and leave its loss and
    the counts of online validation. A case without a list was annotated in full. With either, the
    best value of the loss is 0, not −1, and cross-entropy a mean in every case.
    """

    def class_weights(self) -> list[float] | None:
        """One for each channel of the output; None if dataset.json has none."""
        return dataset.class_weights(self.dataset_json, self.label_manager.has_regions)

    @cached_property
    def annotated(self) -> dict[str, list[bool]]:
        """Whether each channel of the output was annotated, of the cases that have a list."""
        return dataset.annotated(self.dataset_json, self.label_manager.has_regions)

    def _build_loss(self) -> nn.Module:
        """The loss, in nnU-Net's wrapper if the network has several outputs."""
        loss: nn.Module = self._native_loss()
        wrapper = super()._build_loss()
        if isinstance(wrapper, DeepSupervisionWrapper):
            wrapper.loss, loss = loss, wrapper
        loss = self._of_outputs(loss)
        return Handing(loss) if self._hands_over() else loss

    def _native_loss(self) -> nn.Module:
        labels = self.label_manager
        if self.annotated or self.class_weights() is not None:
            # The same, of terms that know them.
            return self._of_terms([Dice(smoothing=1e-5, absent="formula"), self._cross_entropy()])
        dice = {
            "batch_dice": self.configuration_manager.batch_dice,
            "do_bg": labels.has_regions,
            "smooth": 1e-5,
            "ddp": self.is_ddp,
        }
        loss: DC_and_BCE_loss | DC_and_CE_loss
        if labels.has_regions:
            loss = DC_and_BCE_loss({}, dice, use_ignore_label=labels.ignore_label is not None)
        else:
            loss = DC_and_CE_loss(
                dice, {}, ignore_label=labels.ignore_label, dice_class=MemoryEfficientSoftDiceLoss
            )
        if self._do_i_compile():
            loss.dc.compile()
        return loss

    def _of_terms(self, terms: Any) -> LossOfTerms:
        labels = self.label_manager
        return LossOfTerms(
            terms,
            regions=labels.has_regions,
            ignore_label=labels.ignore_label,
            batch_dice=self.configuration_manager.batch_dice,
            class_weights=self.class_weights(),
            process_group="world" if self.is_ddp else None,
        )

    def _cross_entropy(self, **options: Any) -> CrossEntropy | BinaryCrossEntropy:
        regions = self.label_manager.has_regions
        return BinaryCrossEntropy(**options) if regions else CrossEntropy(**options)

    def _of_outputs(self, loss: nn.Module) -> nn.Module:
        """What is made of the loss of all outputs."""
        return loss

    def _hands_over(self) -> bool:
        """Whether the loss is told more than outputs and targets."""
        return bool(self.annotated)

    def get_tr_and_val_datasets(self) -> Any:
        """nnU-Net's, if the data set has every case that is said to be annotated in part."""
        found = super().get_tr_and_val_datasets()
        if self.annotated:
            cases = self.dataset_class.get_identifiers(self.preprocessed_dataset_folder)
            dataset.check_cases(self.annotated, cases)
        return found

    def train_step(self, batch: dict[str, Any]) -> Any:
        """nnU-Net's, after the loss was handed what else it wants to know."""
        return super().train_step(self._handed_over(batch))

    def validation_step(self, batch: dict[str, Any]) -> Any:
        """Likewise; what was not annotated does not count."""
        batch = self._handed_over(batch)
        if not self.annotated:
            return super().validation_step(batch)
        counts: dict[str, Any] = {}
        labels = self.label_manager

        def count(_: nn.Module, arguments: tuple[Any, Any]) -> None:
            output, target = (x[0] if self.enable_deep_supervision else x for x in arguments)
            of_finest = hard_counts(
                output,
                target,
                self._class_valid(batch),
                regions=labels.has_regions,
                ignore_label=labels.ignore_label,
            )
            counts.update(of_finest)

        # nnU-Net hands the outputs to the loss alone, and changes the target after that.
        with self.loss.register_forward_pre_hook(count):
            found = super().validation_step(batch)
        return {**found, **counts}

    def _handed_over(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch as nnU-Net knows it; the rest goes to the loss."""
        if self._hands_over():
            self.loss.beside = self._beside(batch)
        return batch

    def _beside(self, batch: dict[str, Any]) -> list[list[Any]]:
        """What the loss is told beside outputs and targets, output by output."""
        if not self.annotated:
            return []
        targets = batch["target"]
        outputs = len(targets) if isinstance(targets, list) else 1
        return [[self._class_valid(batch)] * outputs]

    def _class_valid(self, batch: dict[str, Any]) -> Tensor:
        """Which classes were annotated in each sample of a batch."""
        in_full = [True] * self.label_manager.num_segmentation_heads
        valid = [self.annotated.get(case, in_full) for case in batch["keys"]]
        return torch.tensor(valid, device=self.device)
