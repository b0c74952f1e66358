"""What a target holds, see `dice_loss.smp`."""

__all__ = ["BINARY_MODE", "MULTICLASS_MODE", "MULTILABEL_MODE"]

#: One class: logits (N, 1, spatial…), target (N, spatial…) or (N, 1, spatial…) of 0 and 1.
BINARY_MODE: str = "binary"

#: Classes that exclude each other: logits (N, C, spatial…), labels (N, spatial…) of 0 to C − 1.
MULTICLASS_MODE: str = "multiclass"

#: Classes that may overlap: logits and target (N, C, spatial…), each channel of 0 and 1.
MULTILABEL_MODE: str = "multilabel"
