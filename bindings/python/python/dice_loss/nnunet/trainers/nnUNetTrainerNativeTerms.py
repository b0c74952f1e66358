"""What nnU-Net's trainers with terms of this package have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from dice_loss.nnunet.terms import LossOfTerms
from dice_loss.nnunet.trainers.nnUNetTrainerNativeLoss import nnUNetTrainerNativeLoss

__all__ = ["nnUNetTrainerNativeTerms"]


class nnUNetTrainerNativeTerms(nnUNetTrainerNativeLoss):
    """nnU-Net's trainer with a sum of terms for its loss: to derive from, with `terms`.

    `"class_weights"` of dataset.json weigh the classes in every term: a mapping by the names of
    `"labels"`, where what is not named weighs 1, or a list of one for each channel of the output.
    """

    def terms(self) -> Any:
        """A term, or several, each alone or as `(weight, term)`."""
        raise NotImplementedError

    def class_weights(self) -> list[float] | None:
        """One for each channel of the output; None if dataset.json has none."""
        given: Any = self.dataset_json.get("class_weights")
        if not isinstance(given, Mapping):
            return None if given is None else list(given)
        labels = self.label_manager
        unseen = {"ignore", "background"} if labels.has_regions else {"ignore"}
        names = [name for name in self.dataset_json["labels"] if name not in unseen]
        if not labels.has_regions:
            names.sort(key=self.dataset_json["labels"].get)
        for name in given:
            if name not in names:
                raise ValueError(
                    f"class_weights of dataset.json: found {name!r}, wanted names among "
                    f"{', '.join(names)}"
                )
        return [float(given.get(name, 1.0)) for name in names]

    def _native_loss(self) -> nn.Module:
        labels = self.label_manager
        return LossOfTerms(
            self.terms(),
            regions=labels.has_regions,
            ignore_label=labels.ignore_label,
            batch_dice=self.configuration_manager.batch_dice,
            class_weights=self.class_weights(),
            process_group="world" if self.is_ddp else None,
        )
