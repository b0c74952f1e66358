//! Cross-entropy with the weights of borders.

use crate::{
    Activation,
    declaration::*,
    maps::{Recipe, Wanted},
};

/// Border-weighted cross-entropy, the loss of U-Net: voxels between components that touch, or nearly
/// so, count more.
///
/// ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with m = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), d₁ and d₂ the distances to
/// the nearest component of a class and the nearest other one, and class weights w
/// ([`Term::class_weights`](crate::Term::class_weights)), which balance the classes as U-Net does it. The mean
/// divides by Σ m w_y of the voxels that count. Under sigmoid it is binary cross-entropy, each
/// channel with the components of its own.
///
/// For cells, nuclei, anything of which there are many and that must not grow together. What touches in
/// the label map is one component: of instances that do, hand in the map, made by
/// [`border_weights`](dice_loss_morphology::border_weights).
///
/// - **Map**: `border`, (N, C, S), not negative. Under softmax it is the same for all classes, the largest
///   weight of any class but the background.
/// - **Activation**: softmax, computed as a log-softmax; or sigmoid.
/// - **Shapes**: a voxel map for reduction none, (N, S) under softmax, (N, C, S) under sigmoid.
/// - **Range**: [0, ∞).
/// - **Errors**: w₀ below 0; σ or a spacing that is not above 0; a target without the map.
/// - **Paper**: Ronneberger et al. 2015, <https://arxiv.org/abs/1505.04597>.
#[derive(Debug, Clone, PartialEq)]
pub struct BorderCrossEntropy {
    /// w₀, what is added to the weight where two components touch; 10 by default.
    pub w0: f64,
    /// σ, how far a border reaches, in the units of the spacing; 5 by default.
    pub sigma: f64,
    /// The distance from voxel to voxel along each spatial axis; 1 by default.
    pub spacing: Option<Vec<f64>>,
}

impl Default for BorderCrossEntropy {
    fn default() -> Self {
        Self { w0: 10.0, sigma: 5.0, spacing: None }
    }
}

impl Declare for BorderCrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "border_cross_entropy",
        title: "Border-weighted cross-entropy",
        class: "BorderCrossEntropy",
        short: "BorderCE",
        summary: "cross-entropy in which the borders between components that nearly touch count more",
        formula: "−Σm ln p_y / Σm",
        details: "ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and m = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), \
             d₁ and d₂ the distances to the nearest component of a class and the nearest other one, which the \
             target carries as the map `border`. The mean divides by Σ m w_y of the voxels that count.\n\n\
             Under softmax the map is the same for all classes, the largest weight of any class but the \
             background. Under sigmoid it is binary cross-entropy, each channel with the components of its \
             own. What touches in the label map is one component: of instances that do, hand in the map.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[Paper {
            cite: "Ronneberger et al. 2015 (U-Net)",
            address: "https://arxiv.org/abs/1505.04597",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "w0",
            "w₀, what is added to the weight where two components touch",
            |l: &mut Self| Slot::Number(&mut l.w0),
        )
        .range(Range::at_least(0.0))
        .trial("4.0"),
        LossOption::new(
            "sigma",
            "σ, how far a border reaches, in the units of the spacing",
            |l: &mut Self| Slot::Number(&mut l.sigma),
        )
        .range(Range::above(0.0))
        .trial("1.5"),
        LossOption::spacing(|l: &mut Self| Slot::Spacing(&mut l.spacing)),
    ];

    fn map(&self) -> Option<Wanted> {
        let Self { w0, sigma, spacing } = self.clone();
        Some(Wanted {
            name: "border",
            is_signed: false,
            recipe: Recipe::Border { w0, sigma, spacing },
        })
    }
}
