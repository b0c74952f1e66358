"""The losses themselves, as values: which formula, with which options, over what.

A term says nothing about arrays or frameworks. `dice_loss.Objective` takes a weighted list of them
for NumPy arrays, `dice_loss.torch.SegmentationLoss` the same list for tensors::

    from dice_loss.terms import CrossEntropy, Dice

    [(1.0, Dice(squared=True, background=False)), (0.5, CrossEntropy(class_weights=[0.1, 1, 1]))]

Terms are frozen, compare by value and hash. All options are keyword-only. What a term leaves at
`None` is the objective's default. In the formulas, p is the probability that the activation gives
a class, g the reference and Σ a sum over the voxels, each times its weight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from . import _options
from ._options import BackgroundForeground

__all__ = [
    "BackgroundForeground",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Dice",
    "Focal",
    "FocalTversky",
    "GeneralizedDice",
    "GeneralizedWassersteinDice",
    "IoU",
    "LogCoshDice",
    "LogDice",
    "MatthewsCorrelation",
    "OverlapTerm",
    "Term",
    "Tversky",
    "VoxelTerm",
]

Activation: TypeAlias = Literal["softmax", "sigmoid", "probabilities"]
"""What turns logits into probabilities: always named, never guessed."""
Pool: TypeAlias = Literal["sample", "batch", "all"]
"""What an overlap loss is computed over: each class of each sample, each class, or everything."""
Absent: TypeAlias = Literal["skip", "formula", "zero"]
"""What a class without reference counts: nothing, what the formula says, or a loss of 0."""
Overlap: TypeAlias = Literal["product", "l1"]
"""How the intersection is counted: Σpg, or (Σ|p| + Σg − Σ|p − g|) / 2, which suits soft labels."""
Smoothing: TypeAlias = float | tuple[float, float]
"""Added to numerator and denominator: one number for both, or a pair."""
ClassValues: TypeAlias = float | Sequence[float] | BackgroundForeground
"""One value for all classes, one for each, or one for the background and one for the rest."""
VolumeWeight: TypeAlias = Literal["inverse_square", "inverse", "uniform"]
"""How much a class weighs by the size G of its reference: 1/G², 1/G or 1."""

ACTIVATION = {"convert": _options.one_of("softmax", "sigmoid", "probabilities")}
POOL = {"convert": _options.one_of("sample", "batch", "all")}
ABSENT = {"convert": _options.one_of("skip", "formula", "zero")}
OVERLAP = {"convert": _options.one_of("product", "l1")}
VOLUME = {"convert": _options.one_of("inverse_square", "inverse", "uniform")}
TRANSPORT = {"convert": _options.one_of("foreground", "inverse_square", "inverse", "uniform")}
NUMBER = {"convert": _options.number}
NUMBERS = {"convert": _options.numbers}
INTEGERS = {"convert": _options.integers}
FLAG = {"convert": _options.flag}
SMOOTHING = {"convert": _options.smoothing}
CLASS_VALUES = {"convert": _options.class_values}
MATRIX = {"convert": _options.matrix}


class Options:
    """Keyword-only options that are made plain on construction and shown where they are set."""

    loss: ClassVar[str]
    """The name in the catalogue."""
    unreduced: ClassVar[str]
    """The shape of its values for reduction "none"."""

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if value is not None or entry.default is not None:
                what = f"{type(self).__name__}: {entry.name}"
                object.__setattr__(self, entry.name, entry.metadata["convert"](what, value))

    def __repr__(self) -> str:
        defaults, own = type(self)(), type(self).__annotations__
        names = [entry.name for entry in dataclasses.fields(self)]  # type: ignore[arg-type]
        names.sort(key=lambda name: name not in own)
        options = [
            f"{name}={getattr(self, name)!r}"
            for name in names
            if getattr(self, name) != getattr(defaults, name)
        ]
        return f"{type(self).__name__}({', '.join(options)})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Term(Options):
    """One loss within an objective.

    Args:
        activation: softmax, sigmoid or probabilities (the input as it is).
        background: whether class 0 takes part; with one channel it always does. Under softmax its
            logit is part of the activation either way.
        classes: only these classes take part.
        class_weights: one for each class, not negative; they normalise the mean over classes.
    """

    activation: Activation | None = field(default=None, metadata=ACTIVATION)
    background: bool | None = field(default=None, metadata=FLAG)
    classes: Sequence[int] | None = field(default=None, metadata=INTEGERS)
    class_weights: Sequence[float] | None = field(default=None, metadata=NUMBERS)


@dataclass(frozen=True, kw_only=True, repr=False)
class OverlapTerm(Term):
    """A loss of a few sums for each class: Dice and its family.

    Args:
        pool: what it is computed over: "sample", "batch" or "all".
        absent: what a class counts that the reference lacks: "skip", "formula" or "zero".
    """

    unreduced: ClassVar[str] = "(N, C), or what pooling leaves of it"
    pool: Pool | None = field(default=None, metadata=POOL)
    absent: Absent | None = field(default=None, metadata=ABSENT)


@dataclass(frozen=True, kw_only=True, repr=False)
class VoxelTerm(Term):
    """A mean over the voxels of a function of each voxel's own probabilities.

    Keeps the background unless the term itself drops it.
    """


@dataclass(frozen=True, kw_only=True, repr=False)
class Dice(OverlapTerm):
    """Soft Dice: 1 − (2 Σpg + s) / (Σp + Σg + s′), or with `squared` Σp² + Σg² below.

    Range [0, 1] for hard labels and s ≤ s′. Papers: https://arxiv.org/abs/1608.04117 (linear),
    https://arxiv.org/abs/1606.04797 (V-Net, squared), https://arxiv.org/abs/2303.16296 ("l1").

    Args:
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "dice"
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class IoU(OverlapTerm):
    """Soft intersection over union (Jaccard): 1 − (I + s) / (Σp + Σg − I + s′), I = Σpg.

    Range [0, 1] for hard labels and s ≤ s′. Papers: https://doi.org/10.1007/978-3-319-50835-1_22,
    https://arxiv.org/abs/2302.05666 ("l1").

    Args:
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "iou"
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class Tversky(OverlapTerm):
    """Tversky: 1 − (I + s) / (I + α FP + β FN + s′), FP = Σp − I, FN = Σg − I.

    α weighs false positives, β false negatives. Range [0, 1] for hard labels and s ≤ s′.
    Paper: https://arxiv.org/abs/1706.05721.

    Args:
        alpha: α, the weight of false positives, at least 0.
        beta: β, the weight of false negatives, at least 0.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "tversky"
    alpha: float = field(default=0.3, metadata=NUMBER)
    beta: float = field(default=0.7, metadata=NUMBER)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class FocalTversky(OverlapTerm):
    """Focal Tversky: (1 − T)^γ with the Tversky index T, class by class before any mean.

    Range [0, 1] for hard labels and s ≤ s′. Paper: https://arxiv.org/abs/1810.07842, which writes
    the exponent as 1/γ.

    Args:
        alpha: α, the weight of false positives, at least 0.
        beta: β, the weight of false negatives, at least 0.
        gamma: γ, the exponent, above 0.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "focal_tversky"
    alpha: float = field(default=0.3, metadata=NUMBER)
    beta: float = field(default=0.7, metadata=NUMBER)
    gamma: float = field(default=0.75, metadata=NUMBER)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class LogDice(OverlapTerm):
    """Logarithmic Dice: (−ln D)^γ with the Dice coefficient D.

    Range [0, ∞). Paper: https://arxiv.org/abs/1809.00076.

    Args:
        gamma: γ, the exponent, above 0.
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "log_dice"
    gamma: float = field(default=1.0, metadata=NUMBER)
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class LogCoshDice(OverlapTerm):
    """Log-cosh Dice: ln cosh(1 − D) with the Dice coefficient D.

    Range [0, 0.434]. Paper: https://arxiv.org/abs/2006.14822.

    Args:
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "log_cosh_dice"
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedDice(OverlapTerm):
    """Generalized Dice: 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′).

    One ratio for all classes, in which a rare class weighs more: v = 1/G² by default, the smallest
    class present weighing 1. Range [0, 1]. Paper: https://arxiv.org/abs/1707.03237.

    Args:
        weight: v by the size G of a class: "inverse_square", 1/G²; "inverse", 1/G; "uniform", 1.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "generalized_dice"
    unreduced: ClassVar[str] = "(N,), or pooled a number"
    weight: VolumeWeight = field(default="inverse_square", metadata=VOLUME)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedWassersteinDice(OverlapTerm):
    """Generalized Wasserstein Dice: confusing two classes costs their distance.

    With the cost E_k = Σ g_k Σ_l M_kl p_l of a class and its size G_k,
    1 − (2 Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = 1 for
    foreground classes and b = 1, or a = b = v by the size of the class. Softmax, or probabilities
    that add up to 1. Range [0, 1]. Paper: https://arxiv.org/abs/1707.00478.

    Args:
        distances: M, a row for each class: not negative, 0 on the diagonal, divided by its largest
            entry. All classes are equally far apart by default.
        weight: "foreground", a = 1 for foreground classes, 0 for the background, and b = 1; or
            a = b = v as in `GeneralizedDice`: "inverse_square", "inverse" or "uniform".
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "generalized_wasserstein_dice"
    unreduced: ClassVar[str] = "(N,), or pooled a number"
    distances: Sequence[Sequence[float]] | None = field(default=None, metadata=MATRIX)
    weight: Literal["foreground", "inverse_square", "inverse", "uniform"] = field(
        default="foreground", metadata=TRANSPORT
    )
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class MatthewsCorrelation(OverlapTerm):
    """Matthews correlation: 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), n voxels.

    Each class against the rest; it rewards true negatives too. Range [0, 2]. Paper: https://arxiv.org/abs/2010.13454.

    Args:
        smoothing: voxels added to the true positives and to the true negatives, at least 0.
    """

    loss: ClassVar[str] = "matthews_correlation"
    smoothing: float = field(default=1e-5, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class CrossEntropy(VoxelTerm):
    """Cross-entropy over exclusive classes: −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C).

    w are the class weights; the mean divides by Σ_k w_k g_k of the voxels that count. Where classes
    are not annotated, p and g of the background hold theirs (https://arxiv.org/abs/2007.03868).
    Softmax or probabilities. Range [0, ∞). Paper: https://arxiv.org/abs/1512.00567.

    Args:
        label_smoothing: ε, 0 to 1: the share of the target that is spread evenly over the classes.
    """

    loss: ClassVar[str] = "cross_entropy"
    unreduced: ClassVar[str] = "(N, 1, spatial…)"
    label_smoothing: float = field(default=0.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class BinaryCrossEntropy(VoxelTerm):
    """Binary cross-entropy of each channel by itself: −π g ln p − (1 − g) ln(1 − p).

    The mean is over the voxels that count and the classes. Sigmoid or probabilities. Range [0, ∞).

    Args:
        pos_weight: π, how much a positive voxel counts against a negative one, at least 0: one
            number, one for each class, or `BackgroundForeground`.
    """

    loss: ClassVar[str] = "binary_cross_entropy"
    unreduced: ClassVar[str] = "(N, C, spatial…)"
    pos_weight: ClassValues = field(default=1.0, metadata=CLASS_VALUES)


@dataclass(frozen=True, kw_only=True, repr=False)
class Focal(VoxelTerm):
    """Focal: cross-entropy that looks away from the voxels it already gets right.

    Softmax: −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each channel by itself:
    −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully.
    Range [0, ∞). Paper: https://arxiv.org/abs/1708.02002.

    Args:
        gamma: γ, the exponent, at least 0: one number, one for each class, or
            `BackgroundForeground`.
        alpha: α, the balance, 0 to 1, likewise; none by default.
    """

    loss: ClassVar[str] = "focal"
    unreduced: ClassVar[str] = "(N, 1, spatial…) under softmax, (N, C, spatial…) under sigmoid"
    gamma: ClassValues = field(default=2.0, metadata=CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=CLASS_VALUES)


def described(term: Term) -> dict[str, Any]:
    """A term as plain data: the name of its loss, and every field by name."""
    return {"loss": term.loss} | {
        entry.name: getattr(term, entry.name) for entry in dataclasses.fields(term)
    }
