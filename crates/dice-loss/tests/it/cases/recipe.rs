//! What a random batch is made from. Shapes and kinds shrink; values follow from a seed.

use dice_loss::{Absent, Decision, Objective, Pool, Reduction};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestCaseResult, TestRunner},
};

use super::{Arrangement, DenseKind, FloatKind, LabelKind};

/// The kinds of target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TargetKind {
    Labels(LabelKind),
    Dense(DenseKind, Softness),
    Regions(LabelKind),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Softness {
    OneHot,
    Multilabel,
    Soft,
}

/// Which masks there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaskKinds {
    pub ignore_index: bool,
    pub mask: Option<DenseKind>,
    pub weights: Option<FloatKind>,
    pub class_valid: bool,
}

/// The settings of an objective.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub pool: Pool,
    pub absent: Absent,
    pub reduction: Reduction,
    pub background: bool,
    pub decision: Option<Decision>,
}

impl Settings {
    /// The objective, and how it is reduced in the end: none becomes a sum for terms that have no
    /// output in common.
    pub fn apply(&self, objective: Objective, classes: usize) -> (Objective, Reduction) {
        let mut objective =
            objective.pool(self.pool).absent(self.absent).background(self.background);
        if let Some(decision) = self.decision {
            objective = objective.decision(decision);
        }
        let reduced = objective.clone().reduction(self.reduction);
        match reduced.check(classes) {
            Ok(()) => (reduced, self.reduction),
            Err(_) => (objective.reduction(Reduction::Sum), Reduction::Sum),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Recipe {
    pub shape: [usize; 3],
    pub logits: FloatKind,
    pub arrangements: [Arrangement; 3],
    pub target: TargetKind,
    pub masks: MaskKinds,
    pub settings: Settings,
    pub seed: u64,
}

/// Sizes around what a loop might round to.
fn voxels() -> impl Strategy<Value = usize> {
    prop_oneof![
        3 => 1..20usize,
        3 => select(vec![63, 64, 65, 127, 129]),
        4 => 100..700usize,
        1 => select(vec![1023, 1024, 1025]),
        1 => 2040..2600usize,
    ]
}

fn shapes() -> impl Strategy<Value = [usize; 3]> {
    let classes = prop_oneof![4 => 1..6usize, 1 => 6..12usize];
    (1..4usize, classes, voxels()).prop_map(|(n, c, s)| [n, c, s])
}

fn targets() -> impl Strategy<Value = TargetKind> {
    let labels = || select(LabelKind::ALL);
    let softness = select(vec![Softness::OneHot, Softness::Multilabel, Softness::Soft]);
    prop_oneof![
        4 => labels().prop_map(TargetKind::Labels),
        4 => (select(DenseKind::ALL), softness).prop_map(|(kind, softness)| match kind {
            DenseKind::Bool | DenseKind::U8 if softness == Softness::Soft => {
                TargetKind::Dense(kind, Softness::Multilabel)
            }
            _ => TargetKind::Dense(kind, softness),
        }),
        1 => labels().prop_map(TargetKind::Regions),
    ]
}

fn masks() -> impl Strategy<Value = MaskKinds> {
    let mask = prop_oneof![Just(None), select(DenseKind::ALL).prop_map(Some)];
    let weights = prop_oneof![Just(None), select(FloatKind::ALL).prop_map(Some)];
    let some = (any::<bool>(), mask, weights, any::<bool>()).prop_map(
        |(ignore_index, mask, weights, class_valid)| MaskKinds {
            ignore_index,
            mask,
            weights,
            class_valid,
        },
    );
    let none = MaskKinds { ignore_index: false, mask: None, weights: None, class_valid: false };
    prop_oneof![1 => Just(none), 3 => some]
}

fn settings() -> impl Strategy<Value = Settings> {
    let decisions = vec![None, Some(Decision::Argmax), Some(Decision::Threshold(0.37))];
    (
        select(vec![Pool::Sample, Pool::Batch, Pool::All]),
        select(vec![Absent::Skip, Absent::Formula, Absent::Zero]),
        select(vec![Reduction::Mean, Reduction::Sum, Reduction::None]),
        any::<bool>(),
        select(decisions),
    )
        .prop_map(|(pool, absent, reduction, background, decision)| Settings {
            pool,
            absent,
            reduction,
            background,
            decision,
        })
}

/// Batches of every kind.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    let arrangement = || select(Arrangement::ALL);
    let arrangements = [arrangement(), arrangement(), arrangement()];
    (shapes(), select(FloatKind::ALL), arrangements, targets(), masks(), settings(), any::<u64>())
        .prop_map(|(shape, logits, arrangements, target, masks, settings, seed)| Recipe {
            shape,
            logits,
            arrangements,
            target,
            masks,
            settings,
            seed,
        })
}

/// Tries so many recipes: always the same ones for a name.
pub fn check(name: &str, cases: u32, test: impl Fn(Recipe) -> TestCaseResult) {
    let seed = name.bytes().fold(17u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 1000,
        ..Config::default()
    };
    if let Err(failure) = TestRunner::new(config).run(&recipes(), test) {
        panic!("{name}: {failure}");
    }
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// With this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}
