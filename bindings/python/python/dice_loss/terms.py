# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.
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

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ._choices import DIVISION, OVERLAP, TRANSPORT_WEIGHT, VOLUME_WEIGHT
from ._choices import Absent as Absent
from ._choices import Activation as Activation
from ._choices import Division as Division
from ._choices import Overlap as Overlap
from ._choices import Pool as Pool
from ._choices import Reduction as Reduction
from ._choices import TransportWeight as TransportWeight
from ._choices import VolumeWeight as VolumeWeight
from ._options import BackgroundForeground
from ._terms import (
    CLASS_VALUES,
    COUNT,
    DISTANCES,
    FLAG,
    NUMBER,
    SMOOTHING,
    SPACING,
    OverlapTerm,
    Term,
    VoxelTerm,
)
from ._terms import ClassValues as ClassValues
from ._terms import ClassWeights as ClassWeights
from ._terms import Regions as Regions
from ._terms import Smoothing as Smoothing

__all__ = [
    "BackgroundForeground",
    "BinaryCrossEntropy",
    "BorderCrossEntropy",
    "Boundary",
    "CrossEntropy",
    "Dice",
    "Focal",
    "FocalTversky",
    "GeneralizedDice",
    "GeneralizedWassersteinDice",
    "HausdorffDT",
    "InstanceCrossEntropy",
    "IoU",
    "Kappa",
    "LogCoshDice",
    "LogDice",
    "MatthewsCorrelation",
    "OverlapTerm",
    "SensitivitySpecificity",
    "SkeletonRecall",
    "Term",
    "Tversky",
    "VoxelTerm",
]


@dataclass(frozen=True, kw_only=True, repr=False)
class Dice(OverlapTerm):
    """Dice: one minus twice the overlap over the two sizes.

    L = 1 − (2 I + s) / (Σp + Σg + s′), with the soft intersection I = Σpg; or with `squared`
    L = 1 − (2 Σpg + s) / (Σp² + Σg² + s′).

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Milletari,
    Navab and Ahmadi 2016 (V-Net, squared), https://arxiv.org/abs/1606.04797; Drozdzal et al. 2016
    (linear), https://arxiv.org/abs/1608.04117; Wang et al. 2023 (`"l1"`),
    https://arxiv.org/abs/2303.16296.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "dice"
    short: ClassVar[str] = "Dice"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class IoU(OverlapTerm):
    """IoU: intersection over union, the Jaccard index: one minus the overlap over the union.

    L = 1 − (I + s) / (Σp + Σg − I + s′), with the soft intersection I = Σpg; or with `squared`
    sizes Σp² and Σg² (power Jaccard).

    It has the minimum of Dice and punishes a small overlap more.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Rahman and
    Wang 2016, https://doi.org/10.1007/978-3-319-50835-1_22; Wang and Blaschko 2023 (`"l1"`),
    https://arxiv.org/abs/2302.05666; Duque-Arias et al. 2021 (squared),
    https://hal.science/hal-03139997.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "iou"
    short: ClassVar[str] = "IoU"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class Tversky(OverlapTerm):
    """Tversky: Dice with a price each for false positives and false negatives.

    L = 1 − (I + s) / (I + α FP + β FN + s′), with the soft intersection I = Σpg, FP = Σp − I and
    FN = Σg − I; with `squared`, Σp² and Σg² stand for Σp and Σg, I is Σpg whatever the overlap, and
    α is at most β: where a voxel is half found, Σp² − I is negative, and a larger α would reward
    that.

    The defaults favour recall. α = β = ½ is Dice (with 2s for s), α = β = 1 is IoU.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Papers: Salehi,
    Erdogmus and Gholipour 2017, https://arxiv.org/abs/1706.05721; Wang and Blaschko 2023 (`"l1"`),
    https://arxiv.org/abs/2302.05666; Duque-Arias et al. 2021 (squared),
    https://hal.science/hal-03139997.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        alpha: α, the weight of false positives; at least 0.
        beta: β, the weight of false negatives; at least 0.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "tversky"
    short: ClassVar[str] = "Tversky"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    alpha: float = field(default=0.3, metadata=NUMBER)
    beta: float = field(default=0.7, metadata=NUMBER)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class FocalTversky(OverlapTerm):
    """Focal Tversky: a power of the Tversky loss, taken class by class before any mean.

    L = (1 − T)^γ, with the Tversky index T = (I + s) / (I + α FP + β FN + s′).

    γ < 1 keeps the gradient large while a class is nearly right, γ > 1 looks away from such a
    class. The paper writes the exponent as 1/γ.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Abraham and
    Khan 2018, https://arxiv.org/abs/1810.07842.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap.
        alpha: α, the weight of false positives; at least 0.
        beta: β, the weight of false negatives; at least 0.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the exponent; above 0.
    """

    loss: ClassVar[str] = "focal_tversky"
    short: ClassVar[str] = "FocalTversky"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    alpha: float = field(default=0.3, metadata=NUMBER)
    beta: float = field(default=0.7, metadata=NUMBER)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    gamma: float = field(default=0.75, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class LogDice(OverlapTerm):
    """Log-Dice: a power of minus the logarithm of the Dice coefficient.

    L = (−ln D)^γ, with the smoothed Dice coefficient D.

    The paper takes γ = 0.3. Smoothing of the numerator bounds it: without, it is infinite where
    nothing overlaps.

    Range [0, ∞) for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Wong et al.
    2018, https://arxiv.org/abs/1809.00076.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
        gamma: γ, the exponent; above 0.
    """

    loss: ClassVar[str] = "log_dice"
    short: ClassVar[str] = "LogDice"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)
    gamma: float = field(default=1.0, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class LogCoshDice(OverlapTerm):
    """Log-cosh Dice: the Dice loss, made smooth around its minimum.

    L = ln cosh(1 − D), with the smoothed Dice coefficient D: about half the square of a small Dice
    loss, so that the gradient fades towards a perfect match.

    Range [0, 0.434] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Jadon
    2020, https://arxiv.org/abs/2006.14822.

    Args:
        squared: sizes as sums of squares, Σp² + Σg², as in V-Net.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "log_cosh_dice"
    short: ClassVar[str] = "LogCoshDice"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    squared: bool = field(default=False, metadata=FLAG)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedDice(OverlapTerm):
    """Generalized Dice: one Dice ratio for all classes, in which a rare class weighs more.

    L = 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′), with the soft intersections I = Σpg
    and weights v by the size of the class, the smallest class present weighing 1.

    Range [0, 1] for hard labels and s ≤ s′; a perfect match costs 0 by default. Paper: Sudre et al.
    2017, https://arxiv.org/abs/1707.03237.

    Args:
        weight: v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G; `"uniform"`,
            1.
        overlap: how the intersection I is counted: `"product"`, Σpg; or `"l1"`,
            (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for soft ones.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "generalized_dice"
    short: ClassVar[str] = "GeneralizedDice"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    unreduced: ClassVar[str] = "(N,), or pooled a number"
    weight: VolumeWeight = field(default="inverse_square", metadata=VOLUME_WEIGHT)
    overlap: Overlap = field(default="product", metadata=OVERLAP)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class GeneralizedWassersteinDice(OverlapTerm):
    """Generalized Wasserstein Dice: Dice in which confusing two classes costs their distance.

    With the cost E_k = Σ g_k Σ_l M_kl p_l of a class and its size G_k,
    L = 1 − (2 Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = 1
    for foreground classes, 0 for the background, and b = 1; or a = b = v by the size of the class.

    Probabilities must add up to 1 over the classes.

    Range [0, 1] for s ≤ s′; a perfect match costs 0 by default. Paper: Fidon et al. 2017,
    https://arxiv.org/abs/1707.00478.

    Args:
        distances: M, a row for each class: not negative, 0 on the diagonal, divided by its largest
            entry; by default all classes are equally far apart.
        weight: `"foreground"`, a = 1 for foreground classes, 0 for the background, and b = 1; or
            a = b = v by the size G of a class: `"inverse_square"`, 1/G²; `"inverse"`, 1/G;
            `"uniform"`, 1.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "generalized_wasserstein_dice"
    short: ClassVar[str] = "GeneralizedWassersteinDice"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "probabilities")
    unreduced: ClassVar[str] = "(N,), or pooled a number"
    distances: Sequence[Sequence[float]] | None = field(default=None, metadata=DISTANCES)
    weight: TransportWeight = field(default="foreground", metadata=TRANSPORT_WEIGHT)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class MatthewsCorrelation(OverlapTerm):
    """Matthews correlation: one minus the correlation of prediction and reference, each class
    against the rest.

    L = 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), with n voxels, to which s true positives
    and s true negatives are added.

    It rewards true negatives too: swapping a class and its background changes nothing.

    Range [0, 2] for probabilities; 1 without any correlation; a perfect match costs 0 by default.
    Paper: Abhishek and Hamarneh 2020, https://arxiv.org/abs/2010.13454.

    Args:
        smoothing: s, voxels added to the true positives and to the true negatives; at least 0.
    """

    loss: ClassVar[str] = "matthews_correlation"
    short: ClassVar[str] = "MatthewsCorrelation"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    smoothing: float = field(default=1e-5, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class Kappa(OverlapTerm):
    """Kappa: one minus Cohen's κ, the agreement of prediction and reference beyond chance.

    L = 1 − (2 Σpg − 2C + s) / (Σp + Σg − 2C + s′), each class against the rest, with the overlap
    C = Σp Σg / n that n voxels would have by chance.

    It rewards true negatives too: swapping a class and its background changes nothing.

    Range [0, 2] for s ≤ s′; 1 where the two agree as by chance; a perfect match costs 0 by default.
    Paper: Zhang, Petitjean and Ainouz 2020, https://doi.org/10.1109/ISBI45749.2020.9098404.

    Args:
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "kappa"
    short: ClassVar[str] = "Kappa"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class SensitivitySpecificity(OverlapTerm):
    """Sensitivity-specificity: the mean squared errors inside and outside the reference, weighed
    against each other.

    L = r Σg(p − g)² / Σg + (1 − r) Σ(1 − g)(p − g)² / Σ(1 − g), with the sensitivity ratio r.

    A side without voxels costs nothing.

    Range [0, 1]; a perfect match costs 0 by default. Paper: Brosch et al. 2015,
    https://doi.org/10.1007/978-3-319-24574-4_1.

    Args:
        ratio: r, the share of the error inside the reference; 0 to 1.
    """

    loss: ClassVar[str] = "sensitivity_specificity"
    short: ClassVar[str] = "SensitivitySpecificity"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    ratio: float = field(default=0.05, metadata=NUMBER)


@dataclass(frozen=True, kw_only=True, repr=False)
class Boundary(OverlapTerm):
    """Boundary: the mean of the probabilities times the signed distances to the border.

    L = Σmp / Σ1, with the signed distance m of each voxel to the border of the class, negative
    inside, which the target carries as the map `boundary`.

    By itself it leads to empty predictions: add it to an overlap loss, with a weight that rises
    from epoch to epoch.

    Range any number; a perfect match costs least, but not 0. Paper: Kervadec et al. 2019,
    https://arxiv.org/abs/1812.07032.

    Args:
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
    """

    loss: ClassVar[str] = "boundary"
    short: ClassVar[str] = "Boundary"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    spacing: Sequence[float] | None = field(default=None, metadata=SPACING)


@dataclass(frozen=True, kw_only=True, repr=False)
class HausdorffDT(OverlapTerm):
    """Hausdorff distance: the squared errors, each times how far from both borders it lies.

    L = Σm(p − g)² / Σ1, with m = d_p^α + d_g^α, the distances of each voxel to the borders of the
    prediction and of the reference, which the target carries as the map `hausdorff`; or with `log`
    ln(1 + L).

    The distances to the prediction's border are those of p > ½, taken anew in each step. No
    gradient goes through them.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Karimi and Salcudean 2019,
    https://arxiv.org/abs/1904.10030.

    Args:
        alpha: α, the power of the distances; above 0.
        log: whether the loss is ln(1 + L), which tames large distances.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
    """

    loss: ClassVar[str] = "hausdorff_dt"
    short: ClassVar[str] = "HausdorffDT"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    alpha: float = field(default=2.0, metadata=NUMBER)
    log: bool = field(default=False, metadata=FLAG)
    spacing: Sequence[float] | None = field(default=None, metadata=SPACING)


@dataclass(frozen=True, kw_only=True, repr=False)
class SkeletonRecall(OverlapTerm):
    """Skeleton recall: one minus the share of the reference's skeleton that is predicted.

    L = 1 − (Σmp + s) / (Σm + s′), with m the dilated skeleton of each class, within the class,
    which the target carries as the map `skeleton`.

    False positives cost nothing: add it to an overlap loss.

    Range [0, 1]; a perfect match costs 0 by default. Paper: Kirchhoff et al. 2024,
    https://arxiv.org/abs/2404.03010.

    Args:
        radius: how far the skeleton is dilated, in the units of the spacing; at least 0.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair; at
            least 0.
    """

    loss: ClassVar[str] = "skeleton_recall"
    short: ClassVar[str] = "SkeletonRecall"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid", "probabilities")
    radius: float = field(default=2.0, metadata=NUMBER)
    spacing: Sequence[float] | None = field(default=None, metadata=SPACING)
    smoothing: Smoothing = field(default=1e-5, metadata=SMOOTHING)


@dataclass(frozen=True, kw_only=True, repr=False)
class CrossEntropy(VoxelTerm):
    """Cross-entropy: the log loss over exclusive classes.

    ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w and C classes.
    The mean divides by Σ_k w_k g_k of the voxels that count, so it does not depend on how many are
    ignored.

    Where classes are not annotated, p and g of the background hold theirs too (Shi et al. 2021,
    https://arxiv.org/abs/2007.03868).

    Range [0, ∞); a perfect match costs 0 by default. Paper: Szegedy et al. 2016 (label smoothing),
    https://arxiv.org/abs/1512.00567.

    Args:
        label_smoothing: ε, the share of the target that is spread evenly over the classes; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
    """

    loss: ClassVar[str] = "cross_entropy"
    short: ClassVar[str] = "CrossEntropy"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "probabilities")
    unreduced: ClassVar[str] = "(N, 1, spatial…)"
    label_smoothing: float = field(default=0.0, metadata=NUMBER)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)


@dataclass(frozen=True, kw_only=True, repr=False)
class BinaryCrossEntropy(VoxelTerm):
    """Binary cross-entropy: the log loss of each channel by itself, for binary and multilabel data.

    ℓ(voxel, class) = −π g ln p − (1 − g) ln(1 − p), with the weight π of positives. The mean is
    over the voxels that count and the classes.

    Range [0, ∞); a perfect match costs 0 by default.

    Args:
        pos_weight: π, how much a positive voxel counts against a negative one; one number, one for
            each class, or `BackgroundForeground`; at least 0.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
    """

    loss: ClassVar[str] = "binary_cross_entropy"
    short: ClassVar[str] = "BCE"
    activations: ClassVar[tuple[Activation, ...]] = ("sigmoid", "probabilities")
    unreduced: ClassVar[str] = "(N, C, spatial…)"
    pos_weight: ClassValues = field(default=1.0, metadata=CLASS_VALUES)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)


@dataclass(frozen=True, kw_only=True, repr=False)
class Focal(VoxelTerm):
    """Focal: cross-entropy that looks away from the voxels it already gets right.

    Softmax: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by itself: ℓ(voxel,
    class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully.
    The mean is over the voxels that count.

    α balances but does not normalise; class weights do both.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Lin et al. 2017,
    https://arxiv.org/abs/1708.02002.

    Args:
        gamma: γ, the focusing exponent; one number, one for each class, or `BackgroundForeground`;
            at least 0.
        alpha: α, the balance; none by default; one number, one for each class, or
            `BackgroundForeground`; 0 to 1.
        top_k: the share of the voxels that count, those with the largest losses, which the loss is
            the mean over; 1 for all; 0 to 1.
        threshold: the probability of the truth below which a voxel is one that the loss is the mean
            over (OHEM); 1 for all; 0 to 1.
        min_kept: how many voxels of the batch `top_k` and `threshold` leave at least.
    """

    loss: ClassVar[str] = "focal"
    short: ClassVar[str] = "Focal"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    unreduced: ClassVar[str] = "(N, 1, spatial…) under softmax, (N, C, spatial…) under sigmoid"
    gamma: ClassValues = field(default=2.0, metadata=CLASS_VALUES)
    alpha: ClassValues | None = field(default=None, metadata=CLASS_VALUES)
    top_k: float = field(default=1.0, metadata=NUMBER)
    threshold: float = field(default=1.0, metadata=NUMBER)
    min_kept: int = field(default=0, metadata=COUNT)


@dataclass(frozen=True, kw_only=True, repr=False)
class BorderCrossEntropy(VoxelTerm):
    """Border-weighted cross-entropy: cross-entropy in which the borders between components that
    nearly touch count more.

    ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and m = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), d₁
    and d₂ the distances to the nearest component of a class and the nearest other one, which the
    target carries as the map `border`. The mean divides by Σ m w_y of the voxels that count.

    Under softmax the map is the same for all classes, the largest weight of any class but the
    background. Under sigmoid it is binary cross-entropy, each channel with the components of its
    own. What touches in the label map is one component: of instances that do, hand in the map.

    Range [0, ∞); a perfect match costs 0 by default. Paper: Ronneberger et al. 2015 (U-Net),
    https://arxiv.org/abs/1505.04597.

    Args:
        w0: w₀, what is added to the weight where two components touch; at least 0.
        sigma: σ, how far a border reaches, in the units of the spacing; above 0.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
    """

    loss: ClassVar[str] = "border_cross_entropy"
    short: ClassVar[str] = "BorderCE"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    unreduced: ClassVar[str] = "(N, 1, spatial…) under softmax, (N, C, spatial…) under sigmoid"
    w0: float = field(default=10.0, metadata=NUMBER)
    sigma: float = field(default=5.0, metadata=NUMBER)
    spacing: Sequence[float] | None = field(default=None, metadata=SPACING)


@dataclass(frozen=True, kw_only=True, repr=False)
class InstanceCrossEntropy(VoxelTerm):
    """Cross-entropy by instances: cross-entropy in which every instance counts the same, be it
    large or small.

    ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and the map `instance_weights` that the
    target carries. With K instances of a class, m is 1 / (K |R|) in the voxels R of each: its cell,
    or itself and the background, whose voxels have a share in all K. So the loss of a class is the
    mean over its instances of the mean over the voxels of each. A class without instances is one,
    of all voxels. The mean divides by Σ m w_y of the voxels that count.

    Under softmax the map is the same for all classes, the mean over the classes but the background
    that have instances. Under sigmoid it is binary cross-entropy, each channel with the instances
    of its own.

    Range [0, ∞); a perfect match costs 0 by default. Papers: Bouteille et al. 2025,
    https://arxiv.org/abs/2511.17146; Kofler et al. 2022, https://arxiv.org/abs/2205.08209.

    Args:
        division: which voxels are those of an instance: `"cells"`, those nearest to it; `"blobs"`,
            its own and the background.
        spacing: the distance from voxel to voxel along each spatial axis; 1 by default; above 0.
    """

    loss: ClassVar[str] = "instance_cross_entropy"
    short: ClassVar[str] = "InstanceCE"
    activations: ClassVar[tuple[Activation, ...]] = ("softmax", "sigmoid")
    unreduced: ClassVar[str] = "(N, 1, spatial…) under softmax, (N, C, spatial…) under sigmoid"
    division: Division = field(default="cells", metadata=DIVISION)
    spacing: Sequence[float] | None = field(default=None, metadata=SPACING)
