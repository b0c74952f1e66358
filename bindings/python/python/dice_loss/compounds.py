"""Weighted sums of terms that have names of their own.

A compound can stand wherever a term can: `Objective([(0.5, DiceCrossEntropy(pool="batch"))])`. Its
settings hold for its parts: pool, absent and background for the overlap term (the voxel term keeps
the background), class weights for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from . import terms
from .terms import (
    Absent,
    Activation,
    BackgroundForeground,
    BinaryCrossEntropy,
    ClassValues,
    CrossEntropy,
    Dice,
    Focal,
    FocalTversky,
    GeneralizedDice,
    Overlap,
    Pool,
    Smoothing,
    Term,
    Tversky,
    VolumeWeight,
)

__all__ = [
    "Combo",
    "Compound",
    "DiceBinaryCrossEntropy",
    "DiceCrossEntropy",
    "DiceFocal",
    "GeneralizedDiceFocal",
    "UnifiedFocal",
]

WeightedTerms = list[tuple[float, Term]]


@dataclass(frozen=True, kw_only=True, repr=False)
class Compound(terms.Options):
    """A weighted sum of terms.

    Args:
        activation: of its terms.
        background: whether class 0 takes part in the overlap term.
        class_weights: one for each class, of all its terms.
        pool: what the overlap term is computed over.
        absent: what a class counts that the reference lacks.
    """

    activation: Activation | None = field(default=None, metadata=terms.ACTIVATION)
    background: bool | None = field(default=None, metadata=terms.FLAG)
    class_weights: Sequence[float] | None = field(default=None, metadata=terms.NUMBERS)
    pool: Pool | None = field(default=None, metadata=terms.POOL)
    absent: Absent | None = field(default=None, metadata=terms.ABSENT)

    activations: ClassVar[tuple[Activation, ...]]
    """Those that it can be used with."""

    def terms(self, activation: Activation | None = None) -> WeightedTerms:
        """The weighted terms that it stands for, under its own activation or else this one.

        Raises ValueError if there is none, or one that it cannot be used with.
        """
        used = self.activation or activation
        if used not in self.activations:
            raise ValueError(
                f"{type(self).__name__}: found activation {used!r}, wanted "
                + " or ".join(map(repr, self.activations))
            )
        return self._terms(used)

    def _terms(self, activation: Activation) -> WeightedTerms:
        raise NotImplementedError

    def _of_overlap(self, activation: Activation) -> dict[str, Any]:
        return self._of_voxels(activation) | {
            "background": self.background,
            "pool": self.pool,
            "absent": self.absent,
        }

    def _of_voxels(self, activation: Activation) -> dict[str, Any]:
        return {"activation": activation, "class_weights": self.class_weights}

    def _dice(self: Any, activation: Activation) -> Dice:
        return Dice(
            squared=self.squared,
            overlap=self.overlap,
            smoothing=self.smoothing,
            **self._of_overlap(activation),
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceCrossEntropy(Compound):
    """λ_D Dice + λ_CE cross-entropy: the usual choice for multi-class segmentation.

    Softmax or probabilities. Range [0, ∞). Paper: https://arxiv.org/abs/1809.10486 (nnU-Net).

    Args:
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
        label_smoothing: ε of `CrossEntropy`, 0 to 1.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_CE, the weight of cross-entropy.
    """

    loss: ClassVar[str] = "dice_cross_entropy"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "probabilities")
    squared: bool = field(default=False, metadata=terms.FLAG)
    overlap: Overlap = field(default="product", metadata=terms.OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)
    label_smoothing: float = field(default=0.0, metadata=terms.NUMBER)
    dice_weight: float = field(default=1.0, metadata=terms.NUMBER)
    cross_entropy_weight: float = field(default=1.0, metadata=terms.NUMBER)

    def _terms(self, activation: Activation) -> WeightedTerms:
        cross_entropy = CrossEntropy(
            label_smoothing=self.label_smoothing, **self._of_voxels(activation)
        )
        return [
            (self.dice_weight, self._dice(activation)),
            (self.cross_entropy_weight, cross_entropy),
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceBinaryCrossEntropy(Compound):
    """λ_D Dice + λ_BCE binary cross-entropy: the usual choice for binary and multilabel data.

    Sigmoid or probabilities. Range [0, ∞). Paper: https://arxiv.org/abs/1809.10486 (nnU-Net).

    Args:
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
        pos_weight: π of `BinaryCrossEntropy`.
        dice_weight: λ_D, the weight of Dice.
        cross_entropy_weight: λ_BCE, the weight of cross-entropy.
    """

    loss: ClassVar[str] = "dice_binary_cross_entropy"
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=terms.FLAG)
    overlap: Overlap = field(default="product", metadata=terms.OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)
    pos_weight: ClassValues = field(default=1.0, metadata=terms.CLASS_VALUES)
    dice_weight: float = field(default=1.0, metadata=terms.NUMBER)
    cross_entropy_weight: float = field(default=1.0, metadata=terms.NUMBER)

    def _terms(self, activation: Activation) -> WeightedTerms:
        cross_entropy = BinaryCrossEntropy(
            pos_weight=self.pos_weight, **self._of_voxels(activation)
        )
        return [
            (self.dice_weight, self._dice(activation)),
            (self.cross_entropy_weight, cross_entropy),
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class DiceFocal(Compound):
    """λ_D Dice + λ_F focal; the focal loss is that of each channel's sigmoid unless said otherwise.

    Softmax or sigmoid, for either. Range [0, ∞). Paper: https://arxiv.org/abs/1808.05238.

    Args:
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
        gamma: γ of `Focal`, one number, one for each class, or `BackgroundForeground`.
        alpha: α of `Focal`, likewise; none by default.
        focal_activation: that of the focal loss, "softmax" or "sigmoid".
        dice_weight: λ_D, the weight of Dice.
        focal_weight: λ_F, the weight of focal.
    """

    loss: ClassVar[str] = "dice_focal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    squared: bool = field(default=False, metadata=terms.FLAG)
    overlap: Overlap = field(default="product", metadata=terms.OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)
    gamma: ClassValues = field(default=2.0, metadata=terms.CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=terms.CLASS_VALUES)
    focal_activation: Activation = field(default="sigmoid", metadata=terms.ACTIVATION)
    dice_weight: float = field(default=1.0, metadata=terms.NUMBER)
    focal_weight: float = field(default=1.0, metadata=terms.NUMBER)

    def _terms(self, activation: Activation) -> WeightedTerms:
        focal = Focal(gamma=self.gamma, alpha=self.alpha, **self._of_voxels(self.focal_activation))
        return [(self.dice_weight, self._dice(activation)), (self.focal_weight, focal)]


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedDiceFocal(Compound):
    """λ_GD generalized Dice + λ_F focal; the focal loss is that of each channel's sigmoid unless
    said otherwise.

    Softmax or sigmoid, for either. Range [0, ∞). Papers: https://arxiv.org/abs/1707.03237,
    https://arxiv.org/abs/1708.02002.

    Args:
        weight: v of `GeneralizedDice`: "inverse_square", "inverse" or "uniform".
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
        gamma: γ of `Focal`, one number, one for each class, or `BackgroundForeground`.
        alpha: α of `Focal`, likewise; none by default.
        focal_activation: that of the focal loss, "softmax" or "sigmoid".
        generalized_dice_weight: λ_GD, the weight of generalized Dice.
        focal_weight: λ_F, the weight of focal.
    """

    loss: ClassVar[str] = "generalized_dice_focal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    weight: VolumeWeight = field(default="inverse_square", metadata=terms.VOLUME)
    overlap: Overlap = field(default="product", metadata=terms.OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)
    gamma: ClassValues = field(default=2.0, metadata=terms.CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=terms.CLASS_VALUES)
    focal_activation: Activation = field(default="sigmoid", metadata=terms.ACTIVATION)
    generalized_dice_weight: float = field(default=1.0, metadata=terms.NUMBER)
    focal_weight: float = field(default=1.0, metadata=terms.NUMBER)

    def _terms(self, activation: Activation) -> WeightedTerms:
        dice = GeneralizedDice(
            weight=self.weight,
            overlap=self.overlap,
            smoothing=self.smoothing,
            **self._of_overlap(activation),
        )
        focal = Focal(gamma=self.gamma, alpha=self.alpha, **self._of_voxels(self.focal_activation))
        return [(self.generalized_dice_weight, dice), (self.focal_weight, focal)]


@dataclass(frozen=True, kw_only=True, repr=False)
class Combo(Compound):
    """α B + (1 − α) Dice, B the mean of −β g ln p − (1 − β)(1 − g) ln(1 − p).

    β > ½ punishes false negatives more, β < ½ false positives. Sigmoid or probabilities. Range
    [0, ∞). Paper: https://arxiv.org/abs/1805.02798.

    Args:
        alpha: α, 0 to 1, the share of cross-entropy.
        beta: β, above 0 and below 1, the share of the voxels of a class in its cross-entropy.
        squared: sizes as sums of squares, as in V-Net.
        overlap: how the intersection I is counted: "product", Σpg; or "l1",
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and right for soft ones.
        smoothing: added to numerator and denominator, at least 0: one number, or a pair.
    """

    loss: ClassVar[str] = "combo"
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "probabilities")
    alpha: float = field(default=0.5, metadata=terms.NUMBER)
    beta: float = field(default=0.5, metadata=terms.NUMBER)
    squared: bool = field(default=False, metadata=terms.FLAG)
    overlap: Overlap = field(default="product", metadata=terms.OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("Combo: alpha", self.alpha, 0.0 <= self.alpha <= 1.0, "0 to 1")
        _check("Combo: beta", self.beta, 0.0 < self.beta < 1.0, "above 0 and below 1")

    def _terms(self, activation: Activation) -> WeightedTerms:
        odds = self.beta / (1.0 - self.beta)
        cross_entropy = BinaryCrossEntropy(pos_weight=odds, **self._of_voxels(activation))
        return [
            (1.0 - self.alpha, self._dice(activation)),
            (self.alpha * (1.0 - self.beta), cross_entropy),
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class UnifiedFocal(Compound):
    """λ F + (1 − λ) T: focal and focal Tversky with one balance δ and one focus γ between them.

    F is the focal loss with α = δ for foreground classes, 1 − δ for the background and exponent γ;
    T is the focal Tversky loss with exponent 1 − γ, where false negatives weigh δ and false
    positives 1 − δ. The asymmetric form focuses only where it helps: foreground voxels keep their
    full cross-entropy, the background its full Tversky loss, and T is half the background's, half
    the foreground's. Under sigmoid every channel is a foreground class.

    Softmax or sigmoid. Range [0, ∞). Paper: https://arxiv.org/abs/2102.04525.

    Args:
        asymmetric: the asymmetric form.
        lambda_: λ, 0 to 1, the share of F.
        delta: δ, 0 to 1, the weight of the foreground and of false negatives.
        gamma: γ, 0 to 1 and not 1, the focus: 0 is none in F and full in T.
        smoothing: of the Tversky index: one number, or a pair.
    """

    loss: ClassVar[str] = "unified_focal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    asymmetric: bool = field(default=False, metadata=terms.FLAG)
    lambda_: float = field(default=0.5, metadata=terms.NUMBER)
    delta: float = field(default=0.6, metadata=terms.NUMBER)
    gamma: float = field(default=0.5, metadata=terms.NUMBER)
    smoothing: Smoothing = field(default=1e-5, metadata=terms.SMOOTHING)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lambda_", "delta"):
            value = getattr(self, name)
            _check(f"UnifiedFocal: {name}", value, 0.0 <= value <= 1.0, "0 to 1")
        _check("UnifiedFocal: gamma", self.gamma, 0.0 <= self.gamma < 1.0, "0 to 1, 1 not included")

    def _terms(self, activation: Activation) -> WeightedTerms:
        return self._focal(activation) + self._tversky(activation)

    def _focal(self, activation: Activation) -> WeightedTerms:
        settings = self._of_voxels(activation)
        background, foreground = 1.0 - self.delta, self.delta
        if activation == "softmax":
            gamma = BackgroundForeground(self.gamma, 0.0 if self.asymmetric else self.gamma)
            alpha = BackgroundForeground(background, foreground)
            return [(self.lambda_, Focal(gamma=gamma, alpha=alpha, **settings))]
        if not self.asymmetric:
            return [(self.lambda_, Focal(gamma=self.gamma, alpha=foreground, **settings))]
        # α of 1 and 0 take either side of a channel alone: its own voxels without focus.
        return [
            (self.lambda_ * foreground, Focal(gamma=0.0, alpha=1.0, **settings)),
            (self.lambda_ * background, Focal(gamma=self.gamma, alpha=0.0, **settings)),
        ]

    def _tversky(self, activation: Activation) -> WeightedTerms:
        share = 1.0 - self.lambda_
        settings = self._of_overlap(activation) | {
            "alpha": 1.0 - self.delta,
            "beta": self.delta,
            "smoothing": self.smoothing,
        }
        gamma = 1.0 - self.gamma
        if not (self.asymmetric and activation == "softmax"):
            return [(share, FocalTversky(gamma=gamma, **settings))]
        of_background = Tversky(**settings | {"background": True, "classes": [0]})
        of_foreground = FocalTversky(gamma=gamma, **settings | {"background": False})
        return [(share / 2.0, of_background), (share / 2.0, of_foreground)]


def _check(what: str, value: float, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{what}: found {value}, wanted {wanted}")
