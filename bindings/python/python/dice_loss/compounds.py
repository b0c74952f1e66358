# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.
"""Weighted sums of terms that have names of their own.

A compound can stand wherever a term can: `Objective([(0.5, DiceCrossEntropy(pool="batch"))])`. Its
settings hold for its parts: pool, absent and background for the overlap term (the voxel term keeps
the background), class weights for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ._choices import ACTIVATION, OVERLAP, VOLUME_WEIGHT, Activation, Overlap, VolumeWeight
from ._terms import CLASS_VALUES, COUNT, FLAG, NUMBER, SMOOTHING, ClassValues, Compound, Smoothing

__all__ = [
    "Combo",
    "Compound",
    "DiceBinaryCrossEntropy",
    "DiceCrossEntropy",
    "DiceFocal",
    "GeneralizedDiceFocal",
    "UnifiedFocal",
]


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceCrossEntropy(Compound):
    """Dice + CE: Dice plus cross-entropy over exclusive classes, the usual choice for multi-class
    segmentation.

    L = λ_D Dice + λ_CE CE. Cross-entropy keeps the background that Dice may leave out.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        label_smoothing: ε, the share of the target that is spread evenly over the classes; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_CE, the weight of cross-entropy.
    """

    loss: ClassVar[str] = "dice_cross_entropy"
    short: ClassVar[str] = "DiceCE"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    label_smoothing: float = field(default=0.0, metadata=NUMBER)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)
    dice_weight: float = field(default=1.0, metadata=NUMBER)
    cross_entropy_weight: float = field(default=1.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceBinaryCrossEntropy(Compound):
    """Dice + BCE: Dice plus binary cross-entropy, the usual choice for binary and multilabel
    segmentation.

    L = λ_D Dice + λ_BCE BCE. Cross-entropy keeps the background that Dice may leave out.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Isensee et al. 2021 (nnU-Net),
    https://arxiv.org/abs/1809.10486.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        pos_weight: π, how much a positive voxel counts against a negative one; one number, one for
            each class, or `BackgroundForeground`; at least 0.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_BCE, the weight of cross-entropy.
    """

    loss: ClassVar[str] = "dice_binary_cross_entropy"
    short: ClassVar[str] = "DiceBCE"
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    pos_weight: ClassValues = field(default=1.0, metadata=CLASS_VALUES)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)
    dice_weight: float = field(default=1.0, metadata=NUMBER)
    cross_entropy_weight: float = field(default=1.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceFocal(Compound):
    """Dice + focal: Dice plus focal loss, each under its own activation.

    L = λ_D Dice + λ_F Focal. The focal loss is that of each channel's sigmoid by default, also
    beside a softmax Dice.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Zhu et al. 2018 (AnatomyNet),
    https://arxiv.org/abs/1808.05238.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        focal_activation: that of the focal loss, softmax or sigmoid, whatever that of the other.
        dice_weight: λ_D, the weight of Dice.
        focal_weight: λ_F, the weight of focal.
    """

    loss: ClassVar[str] = "dice_focal"
    short: ClassVar[str] = "DiceFocal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    gamma: ClassValues = field(default=2.0, metadata=CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=CLASS_VALUES)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)
    focal_activation: Activation = field(default="sigmoid", metadata=ACTIVATION)
    dice_weight: float = field(default=1.0, metadata=NUMBER)
    focal_weight: float = field(default=1.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedDiceFocal(Compound):
    """Generalized Dice + focal: generalized Dice plus focal loss, each under its own activation.

    L = λ_GD GeneralizedDice + λ_F Focal. The focal loss is that of each channel's sigmoid by
    default, also beside a softmax Dice.

    Range [0, ∞); a perfect match costs 0 by default. Papers: Sudre et al. 2017,
    https://arxiv.org/abs/1707.03237; Lin et al. 2017, https://arxiv.org/abs/1708.02002.

    Args:
        weight: v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G; `"uniform"`,
            1.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
        focal_activation: that of the focal loss, softmax or sigmoid, whatever that of the other.
        generalized_dice_weight: λ_GD, the weight of generalized Dice.
        focal_weight: λ_F, the weight of focal.
    """

    loss: ClassVar[str] = "generalized_dice_focal"
    short: ClassVar[str] = "GeneralizedDiceFocal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    weight: VolumeWeight = field(default="inverse_square", metadata=VOLUME_WEIGHT)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    gamma: ClassValues = field(default=2.0, metadata=CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=CLASS_VALUES)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)
    focal_activation: Activation = field(default="sigmoid", metadata=ACTIVATION)
    generalized_dice_weight: float = field(default=1.0, metadata=NUMBER)
    focal_weight: float = field(default=1.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class Combo(Compound):
    """Combo: binary cross-entropy with a price each for false negatives and false positives, mixed
    with Dice.

    L = α B + (1 − α) Dice, with B the mean over voxels and classes of −β g ln p − (1 − β)(1 − g)
    ln(1 − p).

    β > ½ punishes false negatives more, β < ½ false positives. (The paper subtracts the Dice
    coefficient; the gradient is the same.)

    Range [0, ∞); a perfect match costs 0 by default. Paper: Taghanaki et al. 2019,
    https://arxiv.org/abs/1805.02798.

    Args:
        alpha: α, the share of cross-entropy; 0 to 1.
        beta: β, the share of the voxels of a class in its cross-entropy; between 0 and 1, neither
            included.
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "combo"
    short: ClassVar[str] = "Combo"
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "probabilities")
    alpha: float = field(default=0.5, metadata=NUMBER)
    beta: float = field(default=0.5, metadata=NUMBER)
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class UnifiedFocal(Compound):
    """Unified focal: focal and focal Tversky with one balance and one focus between them.

    L = λ F + (1 − λ) T. F is the focal loss with α = δ for foreground classes, 1 − δ for the
    background and the exponent γ; T is the focal Tversky loss with the exponent 1 − γ, where false
    negatives weigh δ and false positives 1 − δ.

    The asymmetric form focuses only where it helps: foreground voxels keep their full
    cross-entropy, the background its full Tversky loss, and T is half the background's, half the
    foreground's. Under sigmoid every channel is a foreground class.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Yeung et al. 2022,
    https://arxiv.org/abs/2102.04525.

    Args:
        asymmetric: the asymmetric form.
        lambda_: λ, the share of F; 0 to 1.
        delta: δ, the weight of the foreground and of false negatives; 0 to 1.
        gamma: γ, the focus: 0 is none in F and full in T; 0 to 1, 1 not included.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "unified_focal"
    short: ClassVar[str] = "UnifiedFocal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    asymmetric: bool = field(default=False, metadata=FLAG)
    lambda_: float = field(default=0.5, metadata=NUMBER)
    delta: float = field(default=0.6, metadata=NUMBER)
    gamma: float = field(default=0.5, metadata=NUMBER)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
