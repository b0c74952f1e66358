//! What every loss can be told beside its own options: over what it is computed.

use serde::{Deserialize, Serialize};

use crate::{
    Activation,
    declaration::{Declaration, Declare, LossOption, Range, Slot, Words},
};

/// What an overlap loss is computed over. (The voxel losses are a mean over everything that counts.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// Each class of each sample has a loss of its own.
    #[default]
    Sample,
    /// Each class has one, over all voxels of the batch: steadier where a class is rare.
    Batch,
    /// One for everything, voxels of all samples and classes alike. Class weights weigh the
    /// classes' sums. A loss that couples the classes is pooled over the batch.
    All,
    /// Each instance of a class in a sample has one, over the voxels that are nearest to it (its
    /// Voronoi cell), and a class of a sample has their mean: CC-Dice (Bouteille et al.,
    /// <https://arxiv.org/abs/2511.17146>). Small instances count as much as large ones. Wants
    /// [`Instances`](crate::Instances) with the target; not for losses that couple the classes.
    Cell,
    /// Each instance has one, over its own voxels and the background, all other instances left out:
    /// blob loss (Kofler et al., <https://arxiv.org/abs/2205.08209>). Otherwise as `Cell`.
    Blob,
}

impl Words for Pool {
    const TYPE: &'static str = "Pool";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("sample", Self::Sample),
        ("batch", Self::Batch),
        ("all", Self::All),
        ("cell", Self::Cell),
        ("blob", Self::Blob),
    ];
}

/// What a class counts that is absent from the reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absent {
    /// Nothing: it leaves the mean, and has no gradient.
    #[default]
    Skip,
    /// What the formula says: smoothing decides. The gradient pushes its prediction down.
    Formula,
    /// A loss of 0, which stays in the mean's denominator.
    Zero,
}

impl Words for Absent {
    const TYPE: &'static str = "Absent";
    const WORDS: &'static [(&'static str, Self)] =
        &[("skip", Self::Skip), ("formula", Self::Formula), ("zero", Self::Zero)];
}

/// The settings of a term, a compound or a whole objective; what is open is decided further out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// What turns logits into probabilities.
    pub activation: Option<Activation>,
    /// What overlap losses are computed over.
    pub pool: Option<Pool>,
    /// What a class counts that is absent from the reference.
    pub absent: Option<Absent>,
    /// Whether class 0 takes part.
    pub background: Option<bool>,
    /// Only these classes take part.
    pub classes: Option<Vec<usize>>,
    /// Weights of the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// The name of the map that weighs the voxels.
    pub map: Option<String>,
}

impl Settings {
    /// The weight of each class, 0 where it takes no part.
    pub(crate) fn weights(&self, classes: usize) -> Vec<f64> {
        (0..classes)
            .map(|class| {
                let dropped = class == 0 && classes > 1 && self.background == Some(false);
                let selected = self.classes.as_ref().is_none_or(|only| only.contains(&class));
                match &self.class_weights {
                    _ if dropped || !selected => 0.0,
                    Some(weights) => weights[class],
                    None => 1.0,
                }
            })
            .collect()
    }
}

impl Declare for Settings {
    const DECLARATION: Declaration =
        Declaration { name: "settings", title: "Settings", class: "Settings", ..Declaration::OWN };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new("activation", "what turns logits into probabilities", |s: &mut Self| {
            Slot::Choice(&mut s.activation)
        }),
        LossOption::new(
            "pool",
            "what the overlap is computed over: `sample`, each class of each sample; `batch`, each \
             class over the batch; `all`, everything at once; `cell` and `blob`, each instance of each \
             class of each sample, with the voxels nearest to it or with the background",
            |s: &mut Self| Slot::Choice(&mut s.pool),
        )
        .apart(&["cell", "blob"]),
        LossOption::new(
            "absent",
            "what a class counts that the reference lacks: `skip`, nothing; `formula`, what the \
             formula says; `zero`, a loss of 0 that stays in the mean",
            |s: &mut Self| Slot::Choice(&mut s.absent),
        ),
        LossOption::new(
            "background",
            "whether class 0 takes part, in a compound in its overlap; with one channel it always does",
            |s: &mut Self| Slot::OptionalFlag(&mut s.background),
        ),
        LossOption::new(
            "classes",
            "only these classes take part; all by default",
            |s: &mut Self| Slot::OptionalIndices(&mut s.classes),
        ),
        LossOption::new(
            "class_weights",
            "one for each class, at least 0; they normalise the mean over classes",
            |s: &mut Self| Slot::OptionalNumbers(&mut s.class_weights),
        )
        .range(Range::at_least(0.0)),
        LossOption::new(
            "map",
            "the name of the map that weighs the voxels in every sum of the loss; a loss that wants a \
             map has a name for it, any other has none",
            |s: &mut Self| Slot::OptionalName(&mut s.map),
        ),
    ];
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A loss of a few sums.
    Overlap {
        /// Whether it couples the classes: one value for all of them.
        coupled: bool,
    },
    /// A mean over the voxels.
    Voxel,
    /// A sum of terms with a name of its own.
    Compound,
}

impl Kind {
    /// Whether it takes the setting of this name.
    pub fn takes(self, setting: &str) -> bool {
        match self {
            Self::Overlap { .. } => true,
            Self::Voxel => !["pool", "absent"].contains(&setting),
            // A map weighs a term, and a compound is several.
            Self::Compound => !["classes", "map"].contains(&setting),
        }
    }
}
