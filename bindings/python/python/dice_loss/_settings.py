"""What functions of arrays take beside logits and target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from numpy.typing import ArrayLike

from ._terms import Regions


class Counted(TypedDict, total=False):
    """What of the target counts, and how it is to be read."""

    ignore_index: int | None
    mask: ArrayLike | None
    voxel_weight: ArrayLike | None
    class_valid: ArrayLike | None
    regions: Regions | None
    maps: Mapping[str, ArrayLike] | None
