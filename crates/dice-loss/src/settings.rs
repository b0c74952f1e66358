//! What every loss can be told beside its own options: over what it is computed.

use crate::{
    Absent, Activation, Declaration, Declare, LossOption, Pool, Range, Slot, Term, term::Loss,
};

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
             class over the batch; `all`, everything at once",
            |s: &mut Self| Slot::Choice(&mut s.pool),
        ),
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
            Self::Compound => setting != "classes",
        }
    }
}

impl Settings {
    /// Those of a term.
    pub(crate) fn of(term: &Term) -> Self {
        Self {
            activation: Some(term.activation),
            pool: term.pool,
            absent: term.absent,
            background: term.background,
            classes: term.classes.clone(),
            class_weights: term.class_weights.clone(),
        }
    }

    /// Fills in what a term of its own leaves open.
    pub(crate) fn onto(&self, term: &mut Term) {
        if let Loss::Overlap(_) = term.loss {
            term.pool = term.pool.or(self.pool);
            term.absent = term.absent.or(self.absent);
        }
        term.background = term.background.or(self.background);
        term.classes = term.classes.take().or_else(|| self.classes.clone());
        self.weigh(term);
    }

    /// Fills in what a part of a compound, or a term of an objective, leaves open: voxel losses keep
    /// the background.
    pub(crate) fn onto_part(&self, term: &mut Term) {
        if let Loss::Overlap(_) = term.loss {
            term.pool = term.pool.or(self.pool);
            term.absent = term.absent.or(self.absent);
            term.background = term.background.or(self.background);
        }
        self.weigh(term);
    }

    fn weigh(&self, term: &mut Term) {
        if term.class_weights.is_none() {
            term.class_weights.clone_from(&self.class_weights);
        }
    }
}
