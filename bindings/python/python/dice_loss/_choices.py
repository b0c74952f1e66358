# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.
"""Options that are one of a few words."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ._options import one_of

Absent: TypeAlias = Literal["skip", "formula", "zero"]
Activation: TypeAlias = Literal["softmax", "sigmoid", "probabilities"]
Division: TypeAlias = Literal["cells", "blobs"]
Overlap: TypeAlias = Literal["product", "l1"]
Pool: TypeAlias = Literal["sample", "batch", "all", "cell", "blob"]
Reduction: TypeAlias = Literal["mean", "sum", "none"]
TransportWeight: TypeAlias = Literal["foreground", "inverse_square", "inverse", "uniform"]
VolumeWeight: TypeAlias = Literal["inverse_square", "inverse", "uniform"]

ABSENT = {"convert": one_of("skip", "formula", "zero")}
ACTIVATION = {"convert": one_of("softmax", "sigmoid", "probabilities")}
DIVISION = {"convert": one_of("cells", "blobs")}
OVERLAP = {"convert": one_of("product", "l1")}
POOL = {"convert": one_of("sample", "batch", "all", "cell", "blob")}
REDUCTION = {"convert": one_of("mean", "sum", "none")}
TRANSPORT_WEIGHT = {"convert": one_of("foreground", "inverse_square", "inverse", "uniform")}
VOLUME_WEIGHT = {"convert": one_of("inverse_square", "inverse", "uniform")}
