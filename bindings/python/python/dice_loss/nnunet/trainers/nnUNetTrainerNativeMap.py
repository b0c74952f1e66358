"""What nnU-Net's trainers with terms that read maps have in common."""

from __future__ import annotations

from typing import Any

from torch import nn

from dice_loss.nnunet.maps import LossWithMap, MapTransform, without_maps
from dice_loss.nnunet.trainers.nnUNetTrainerNativeLoss import nnUNetTrainerNativeLoss

__all__ = ["nnUNetTrainerNativeMap"]


class nnUNetTrainerNativeMap(nnUNetTrainerNativeLoss):
    """`nnUNetTrainerNativeLoss` and a term with a map, or several: to derive from, with a `term`.

    Maps are made by the workers of the data loader, of what augmentation left of the target, and
    handed to every output of deep supervision.
    """

    def term(self) -> Any:
        """What is added to Dice and cross-entropy: a term, or several as a list."""
        raise NotImplementedError

    def share(self) -> float:
        """What the term counts in this epoch."""
        return 1.0

    def whole(self) -> float:
        """What Dice and cross-entropy count; with 0 they are left out."""
        return 1.0

    def _native_loss(self) -> nn.Module:
        return self._with_map(super()._native_loss())

    def _with_map(self, loss: nn.Module) -> LossWithMap:
        labels = self.label_manager
        return LossWithMap(
            loss,
            self.term(),
            share=self.share(),
            whole=self.whole(),
            spacing=tuple(self.configuration_manager.spacing),
            regions=labels.has_regions,
            ignore_label=labels.ignore_label,
            batch_dice=self.configuration_manager.batch_dice,
            class_weights=self.class_weights(),
        )

    def _hands_over(self) -> bool:
        return True

    # nnU-Net's are static, and called by the instance.
    def get_training_transforms(self, *args: Any, **kwargs: Any) -> Any:
        """nnU-Net's, and then the maps."""
        return self._and_maps(super().get_training_transforms(*args, **kwargs))

    def get_validation_transforms(self, *args: Any, **kwargs: Any) -> Any:
        """nnU-Net's, and then the maps."""
        return self._and_maps(super().get_validation_transforms(*args, **kwargs))

    def _and_maps(self, transforms: Any) -> Any:
        channels = self.label_manager.num_segmentation_heads
        transforms.transforms.append(MapTransform(self._with_map(nn.Identity()), channels))
        return transforms

    def on_train_epoch_start(self) -> None:
        """As nnU-Net's, with the share of the epoch."""
        super().on_train_epoch_start()
        for module in self.loss.modules():
            if isinstance(module, LossWithMap):
                module.share = self.share()

    def _handed_over(self, batch: dict[str, Any]) -> dict[str, Any]:
        batch = super()._handed_over(batch)
        targets, _ = without_maps(batch["target"])
        return {**batch, "target": targets if self.enable_deep_supervision else targets[0]}

    def _beside(self, batch: dict[str, Any]) -> list[list[Any]]:
        targets, maps = without_maps(batch["target"])
        there = [map.to(self.device, non_blocking=True) for map in maps]
        return [there, *super()._beside({**batch, "target": targets})]
