//! Cross-entropy in which every instance counts the same.

use crate::{
    Activation, Division,
    declaration::*,
    maps::{Recipe, Wanted},
};

/// Cross-entropy in which every instance counts the same, be it large or small: the companion of an
/// overlap loss with pool [`Cell`](crate::Pool::Cell) or [`Blob`](crate::Pool::Blob).
///
/// ℓ(voxel) = −m Σ_k w_k g_k ln p_k with class weights w. With K instances of a class, m is 1 / (K |R|) in
/// the voxels R of each: its cell, or itself and the background, whose voxels have a share in all K. So
/// Σ m = 1, and the loss of a class is the mean over its instances of the mean over the voxels of each. A
/// class without instances is one, of all voxels.
///
/// - **Map**: `instance_weights`, (N, C, S), not negative. Under softmax it is the same for all classes, the
///   mean over the classes but the background that have instances.
/// - **Activation**: softmax, computed as a log-softmax; or sigmoid, binary cross-entropy of each channel.
/// - **Shapes**: a voxel map for reduction none, (N, S) under softmax, (N, C, S) under sigmoid.
/// - **Range**: [0, ∞).
/// - **Errors**: a spacing that is not above 0; a target without the map.
/// - **Paper**: Bouteille et al. 2025, <https://arxiv.org/abs/2511.17146> (cells); Kofler et al. 2022,
///   <https://arxiv.org/abs/2205.08209> (blobs).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstanceCrossEntropy {
    /// Which voxels are those of an instance; [`Division::Cells`] by default.
    pub division: Division,
    /// The distance from voxel to voxel along each spatial axis, of cells; 1 by default.
    pub spacing: Option<Vec<f64>>,
}

impl Declare for InstanceCrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "instance_cross_entropy",
        title: "Cross-entropy by instances",
        class: "InstanceCrossEntropy",
        short: "InstanceCE",
        summary: "cross-entropy in which every instance counts the same, be it large or small",
        formula: "−Σm ln p_y / Σm",
        details: "ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and the map `instance_weights` that the \
             target carries. With K instances of a class, m is 1 / (K |R|) in the voxels R of each: its cell, \
             or itself and the background, whose voxels have a share in all K. So the loss of a class is the \
             mean over its instances of the mean over the voxels of each. A class without instances is one, \
             of all voxels. The mean divides by Σ m w_y of the voxels that count.\n\n\
             Under softmax the map is the same for all classes, the mean over the classes but the background \
             that have instances. Under sigmoid it is binary cross-entropy, each channel with the instances \
             of its own.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[
            Paper { cite: "Bouteille et al. 2025", address: "https://arxiv.org/abs/2511.17146" },
            Paper { cite: "Kofler et al. 2022", address: "https://arxiv.org/abs/2205.08209" },
        ],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "division",
            "which voxels are those of an instance: `cells`, those nearest to it; `blobs`, its own \
             and the background",
            |l: &mut Self| Slot::Choice(&mut l.division),
        ),
        LossOption::spacing(|l: &mut Self| Slot::Spacing(&mut l.spacing)),
    ];

    fn map(&self) -> Option<Wanted> {
        let Self { division, spacing } = self.clone();
        Some(Wanted {
            name: "instance_weights",
            is_signed: false,
            recipe: Recipe::InstanceWeights { division, spacing },
        })
    }
}
