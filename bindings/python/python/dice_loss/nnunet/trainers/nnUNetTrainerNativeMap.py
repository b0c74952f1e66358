"""What nnU-Net's trainers with terms that read maps have in common."""

from __future__ import annotations

from typing import Any

from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from torch import Tensor, nn

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
        )

    def _build_loss(self) -> nn.Module:
        return _HandingMaps(super()._build_loss())

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
        self.loss.with_map.share = self.share()

    def train_step(self, batch: dict[str, Any]) -> Any:
        """nnU-Net's, the maps aside."""
        return super().train_step(self._as_of_nnunet(batch))

    def validation_step(self, batch: dict[str, Any]) -> Any:
        """nnU-Net's, the maps aside."""
        return super().validation_step(self._as_of_nnunet(batch))

    def _as_of_nnunet(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch as nnU-Net knows it; its maps go to the loss."""
        targets, maps = without_maps(batch["target"])
        self.loss.maps = [map.to(self.device, non_blocking=True) for map in maps]
        return {**batch, "target": targets if self.enable_deep_supervision else targets[0]}


class _HandingMaps(nn.Module):
    """A loss of outputs and targets, which gets the maps of the step beside them."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.maps: list[Tensor] = []

    @property
    def with_map(self) -> LossWithMap:
        """The loss of one output."""
        loss: Any = self.loss
        found: LossWithMap = loss.loss if isinstance(loss, DeepSupervisionWrapper) else loss
        return found

    def forward(self, outputs: Any, targets: Any) -> Tensor:
        """Of all outputs, or of the one."""
        maps = self.maps if isinstance(outputs, list | tuple) else self.maps[0]
        loss: Tensor = self.loss(outputs, targets, maps)
        return loss
