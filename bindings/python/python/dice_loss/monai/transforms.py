"""Dictionary transforms of MONAI that prepare the maps of losses, in the workers of a data loader.

::

    from dice_loss.monai.transforms import SignedDistanced

    transforms = Compose([
        LoadImaged(["image", "label"], ensure_channel_first=True),
        SignedDistanced("label", classes=range(3)),
        RandCropByPosNegLabeld(
            ["image", "label", "label_distance"], label_key="label", spatial_size=(96, 96, 96)
        ),
    ])
    loss = BoundaryLoss()(logits, batch["label"], maps={"boundary": batch["label_distance"]})

What they compute is `dice_loss.morphology`'s. Ahead of a crop they know what lies beyond it, where
a loss that makes its own maps sees the crop alone. Flips and turns move a map as they move labels;
what changes the size of voxels has to come first.

Label maps are (1, spatial…), NumPy arrays or tensors, with two or three spatial axes, of integers
or floats that are integers. Where they are a `MetaTensor`, its spacing is the one of the voxels
unless another is given, and the result is one too.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from .. import morphology

try:
    from monai.data import MetaTensor
    from monai.transforms import MapTransform
except ImportError as error:
    raise ImportError(
        "dice_loss.monai.transforms: found no MONAI, wanted `pip install monai`; its losses in "
        "dice_loss.monai do without, and so does dice_loss.morphology"
    ) from error

__all__ = ["Componentsd", "SignedDistanced", "Skeletond"]

Keys = Collection[Hashable] | Hashable
Spacing = float | Sequence[float] | None


class _OfLabelsd(MapTransform):
    """Puts what a function makes of a label map beside it, under a key of its own."""

    def __init__(self, keys: Keys, postfix: str, allow_missing_keys: bool) -> None:
        super().__init__(keys, allow_missing_keys)
        self.postfix = str(postfix)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The dictionary with a further entry for each key."""
        found = dict(data)
        for key in self.key_iterator(found):
            found[f"{key}_{self.postfix}"] = self._of(key, found[key])
        return found

    def _of(self, key: Hashable, value: Any) -> Any:
        labels = _labels(key, value)
        made = self._made(labels[0], _spacing_of(value))
        if isinstance(value, MetaTensor):
            return MetaTensor(made, meta=value.meta)
        return made if isinstance(value, Tensor) else made.numpy()

    def _made(self, labels: Tensor, spacing: Sequence[float] | float) -> Tensor:
        raise NotImplementedError


class SignedDistanced(_OfLabelsd):
    """The signed distances of `morphology.signed_distance`, (C, spatial…) in float32.

    What `BoundaryLoss` takes as its map.

    Args:
        keys: of the label maps.
        classes: the labels, a channel for each, in the order of the logits' channels.
        spacing: of the voxels, one number or one for each axis; that of a `MetaTensor`, or 1.
        convention: "boundary", as the boundary loss has it, or "centres".
        postfix: `label` becomes `label_distance`.
        allow_missing_keys: whether a key may be absent.
    """

    def __init__(
        self,
        keys: Keys,
        classes: Iterable[int],
        *,
        spacing: Spacing = None,
        convention: Literal["centres", "boundary"] = "boundary",
        postfix: str = "distance",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, postfix, allow_missing_keys)
        self.classes = _classes(classes)
        self.spacing = spacing
        self.convention = convention

    def _made(self, labels: Tensor, spacing: Sequence[float] | float) -> Tensor:
        spacing = spacing if self.spacing is None else self.spacing
        return morphology.signed_distance(
            labels, classes=self.classes, spacing=spacing, convention=self.convention
        )


class Skeletond(_OfLabelsd):
    """The skeletons of `morphology.skeletonize`, (C, spatial…) in float32: 1 on the skeleton.

    With a radius they are dilated, within their class: the map of `SkeletonRecallLoss`.

    Args:
        keys: of the label maps.
        classes: the labels, a channel for each, in the order of the logits' channels.
        radius: how far skeletons are dilated, in the unit of the spacing; 0 for not at all.
        spacing: of the voxels, one number or one for each axis; that of a `MetaTensor`, or 1.
        postfix: `label` becomes `label_skeleton`.
        allow_missing_keys: whether a key may be absent.
    """

    def __init__(
        self,
        keys: Keys,
        classes: Iterable[int],
        *,
        radius: float = 0.0,
        spacing: Spacing = None,
        postfix: str = "skeleton",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, postfix, allow_missing_keys)
        self.classes = _classes(classes)
        self.radius = float(radius)
        self.spacing = spacing

    def _made(self, labels: Tensor, spacing: Sequence[float] | float) -> Tensor:
        spacing = spacing if self.spacing is None else self.spacing
        made = torch.empty((len(self.classes), *labels.shape), dtype=torch.float32)
        for channel, label in zip(made, self.classes, strict=True):
            mask = labels == label
            skeleton = morphology.skeletonize(mask)
            if self.radius > 0.0:
                skeleton = morphology.dilate(skeleton, self.radius, spacing=spacing) & mask
            channel.copy_(skeleton)
        return made


class Componentsd(_OfLabelsd):
    """The components of `morphology.connected_components`, (1, spatial…) in int32.

    Each voxel has the number of its component within its class, from 1 on; background has 0.

    Args:
        keys: of the label maps.
        classes: the labels wanted, by default all but 0; others are background.
        connectivity: how many neighbours touch a voxel: 4 or 8, 6, 18 or 26; the most by default.
        postfix: `label` becomes `label_components`.
        allow_missing_keys: whether a key may be absent.
    """

    def __init__(
        self,
        keys: Keys,
        classes: Iterable[int] | None = None,
        *,
        connectivity: int | None = None,
        postfix: str = "components",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, postfix, allow_missing_keys)
        self.classes = None if classes is None else _classes(classes)
        self.connectivity = connectivity

    def _made(self, labels: Tensor, spacing: Sequence[float] | float) -> Tensor:
        found: Tensor = morphology.connected_components(
            labels, classes=self.classes, connectivity=self.connectivity
        ).map
        return found[None]


def _classes(classes: Iterable[int]) -> tuple[int, ...]:
    if not isinstance(classes, Iterable) or isinstance(classes, str):
        raise TypeError(f"classes: found {classes!r}, wanted labels, such as range(3)")
    return tuple(int(label) for label in classes)


def _labels(key: Hashable, value: Any) -> Tensor:
    """A label map as integers, (1, spatial…)."""
    if not isinstance(value, np.ndarray | Tensor):
        raise TypeError(f"{key}: found {type(value).__name__}, wanted an array or a tensor")
    labels = value.as_tensor() if isinstance(value, MetaTensor) else torch.as_tensor(value)
    if labels.dim() not in (3, 4) or labels.shape[0] != 1:
        raise ValueError(
            f"{key}: found shape {tuple(labels.shape)}, wanted labels (1, H, W) or (1, H, W, D)"
        )
    labels = labels.cpu()
    if not labels.is_floating_point():
        return labels.to(torch.uint8) if labels.dtype is torch.bool else labels
    whole = labels.long()
    if not bool((whole == labels).all()):
        raise ValueError(f"{key}: found labels that are no integers, wanted integers")
    return whole


def _spacing_of(value: Any) -> Sequence[float] | float:
    if not isinstance(value, MetaTensor):
        return 1.0
    steps: Any = value.pixdim
    return tuple(float(step) for step in steps)[: value.dim() - 1]
