//! The Lovász losses.

use serde_json::Value;

use crate::{
    Absent, Error, Isa, Logits, Objective, Output, Pool, Reduction, Result, Settings, Target,
    Upstream, Words,
    declaration::each,
    error::stated,
    sweep::{self, Asked, Input},
};

/// What is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// 1 − x for voxels inside a class, 1 + x for others; none below 0.
    Hinge,
    /// |g − p| under softmax.
    Softmax,
    /// |g − p| of probabilities.
    Probabilities,
}

/// Lovász losses: the Jaccard loss of hard predictions, continued to errors of any size.
///
/// Of each class the voxels are sorted by their errors e, the largest first. With J_i the Jaccard loss
/// of a prediction that is wrong in the first i voxels and right in all others,
///
/// L = Σ_i e_i (J_i − J_{i−1}), where J_i = 1 − (G − inside_i) / (G + outside_i),
///
/// G is the size of the class, and inside_i and outside_i are how many of the first i voxels lie inside
/// and outside it. The gradient by e_i is the increment J_i − J_{i−1}; of errors that are the same, the
/// voxel that comes first in its sample, and of samples the first, is taken for the larger.
///
/// - [`hinge`](Self::hinge): e = max(0, 1 − x) inside the class, max(0, 1 + x) outside, of each channel
///   by itself. A logit beyond its margin has no error and no gradient.
/// - [`softmax`](Self::softmax) and [`probabilities`](Self::probabilities): e = |g − p|.
///
/// - **Shapes**: a value for each (sample, class), or with [`Pool::Batch`] for each class.
/// - **Range**: [0, 1] of probabilities, 0 or more of the hinge; 0 at a perfect match.
/// - **Targets**: labels, regions, and dense ones of 0 and 1. Anything between is an error, and so are
///   voxel weights and maps: ranks have none. Masks, `ignore_index` and `class_valid` hold as for an
///   overlap loss: what does not count is not ranked.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>; the hinge:
///   Yu and Blaschko 2015.
///
/// It is no function of sums: it has no moments, and is no term of an [`Objective`]. Over processes or
/// parts of a batch it can only be computed of each by itself.
///
/// Beside its inputs and the gradient it takes, of `f32` and half types, 20 bytes for each voxel that is
/// ranked together, whatever the number of classes, of `f64` 40; and 4 for each voxel of the batch, under
/// softmax 12, of `f64` 20. The gradient's own buffer holds the slopes until they are its elements; of half
/// types they are rounded to these on the way.
///
/// ```
/// use dice_loss::{Layout, Logits, Lovasz, Output, Pool, Target};
/// let (x, labels) = (vec![0.5f32; 2 * 3 * 16], vec![1u8; 2 * 16]);
/// let layout = Layout::channels_first(&[2, 3, 4, 4])?;
/// let logits = Logits::new(&x, layout)?;
/// let target = Target::labels(&labels, Layout::voxels(&[2, 4, 4])?)?;
///
/// let lovasz = Lovasz::softmax().pool(Pool::Batch);
/// let mut gradient = vec![0.0f32; x.len()];
/// let output = Output::new(&mut gradient, layout)?;
/// let ranking = lovasz.loss_and_gradient(1.0, &logits, &target, output)?;
/// // Class 1 alone is there, and each of its voxels has an error of 2/3.
/// assert!((ranking.loss() - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lovasz {
    pub(crate) errors: Errors,
    pub(crate) settings: Settings,
    pub(crate) reduction: Reduction,
    isa: Isa,
}

/// What a Lovász loss says of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    loss: f64,
    values: Vec<f64>,
    shape: Vec<usize>,
    per_class: Vec<f64>,
}

/// How many voxels that count each class has in each sample, row-major.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub sizes: Vec<u64>,
}

/// What becomes of a class of one sample, or of all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Whether its errors are ranked; otherwise its loss is 0.
    pub is_ranked: bool,
    /// Voxels of the class.
    pub size: u64,
    /// The derivative of the outcome by its loss.
    pub factor: f64,
}

impl Ranking {
    /// The loss: the mean or sum over what counts. For [`Reduction::None`], the sum of all values.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The value of each (sample, class), or of each class of the batch, row-major, times the class's
    /// weight. One that is left out, or skipped as absent, has a value of 0.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The shape of [`values`](Self::values): (N, C) or (C).
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The loss of each class, a mean over the samples that count; NaN where none does.
    pub fn per_class(&self) -> &[f64] {
        &self.per_class
    }
}

impl Lovasz {
    fn new(errors: Errors) -> Self {
        let (settings, reduction) = (Settings::default(), Reduction::default());
        Self { errors, settings, reduction, isa: Isa::default() }
    }

    /// The Lovász hinge, of logits: binary, and of several channels each by itself.
    pub fn hinge() -> Self {
        Self::new(Errors::Hinge)
    }

    /// Lovász-softmax, of logits of classes that exclude each other.
    pub fn softmax() -> Self {
        Self::new(Errors::Softmax)
    }

    /// Lovász-softmax, of probabilities, which are not clamped.
    pub fn probabilities() -> Self {
        Self::new(Errors::Probabilities)
    }

    /// The loss that a text stands for: JSON with the key `lovasz`, which is `hinge`, `softmax` or
    /// `probabilities`, and as they are wanted `pool`, `absent`, `background`, `classes`,
    /// `class_weights` and `reduction`.
    ///
    /// ```
    /// use dice_loss::Lovasz;
    /// assert!(Lovasz::from_spec(r#"{"lovasz": "softmax", "pool": "batch"}"#).is_ok());
    /// assert!(Lovasz::from_spec(r#"{"lovasz": "softmax", "smoothing": 1}"#).is_err());
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn from_spec(text: &str) -> Result<Self> {
        let mut given = match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(other) => return stated("lovasz", other.to_string(), "an object"),
            Err(error) => return stated("lovasz", error.to_string(), "JSON"),
        };
        let kind = given.remove("lovasz").unwrap_or_default();
        let mut lovasz = match kind.as_str() {
            Some("hinge") => Self::hinge(),
            Some("softmax") => Self::softmax(),
            Some("probabilities") => Self::probabilities(),
            _ => {
                return stated("lovasz", kind.to_string(), "hinge, softmax or probabilities");
            }
        };
        if let Some(word) = given.remove("reduction") {
            match word.as_str().and_then(Reduction::from_word) {
                Some(reduction) => lovasz.reduction = reduction,
                None => return stated("reduction", word.to_string(), "mean, sum or none"),
            }
        }
        let (mut result, mut known) = (Ok(()), vec!["reduction"]);
        each(&mut lovasz.settings, &mut |facts, slot| {
            if ["activation", "map"].contains(&facts.name) {
                return;
            }
            known.push(facts.name);
            if let (Ok(()), Some(value)) = (&result, given.remove(facts.name)) {
                result = slot.set("lovasz", facts, &value);
            }
        });
        result?;
        match given.keys().next() {
            Some(key) => stated("lovasz: key", key, format!("one of {}", known.join(", "))),
            None => Ok(lovasz),
        }
    }

    /// What is ranked together: the voxels of each sample by itself, which is the default, or those of
    /// the batch. Other pools are refused.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.settings.pool = Some(pool);
        self
    }

    /// What a class counts that is absent from the reference. With [`Absent::Formula`] its loss is the
    /// largest of its errors.
    ///
    /// By default the hinge counts it so, and the others skip it, as the paper's code does. ("Classes
    /// present" are [`Absent::Skip`], "all" are [`Absent::Formula`].)
    pub fn absent(mut self, absent: Absent) -> Self {
        self.settings.absent = Some(absent);
        self
    }

    /// Whether class 0 takes part. It does by default; with one channel it always does.
    pub fn background(mut self, background: bool) -> Self {
        self.settings.background = Some(background);
        self
    }

    /// Only these classes take part.
    pub fn classes(mut self, classes: impl Into<Vec<usize>>) -> Self {
        self.settings.classes = Some(classes.into());
        self
    }

    /// Weights of the mean over classes, one for each class, not negative. They normalise it.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.settings.class_weights = Some(weights.into());
        self
    }

    /// How the values become the loss; [`Reduction::Mean`] by default.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Forces an instruction set; the best that the machine has by default.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// Its name, as errors have it.
    pub fn name(&self) -> &'static str {
        match self.errors {
            Errors::Hinge => "lovasz_hinge",
            Errors::Softmax | Errors::Probabilities => "lovasz_softmax",
        }
    }

    /// How the values become the loss, as [`reduction`](Self::reduction) has set it.
    pub fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    /// Whether all options fit each other and the number of classes.
    pub fn check(&self, classes: usize) -> Result<()> {
        let name = self.name();
        if self.errors == Errors::Softmax && classes < 2 {
            let wanted = "2 channels or more; for one channel use lovasz_hinge";
            return stated(format!("{name}: softmax"), format!("{classes} channels"), wanted);
        }
        if let Some(pool) = self.settings.pool
            && !matches!(pool, Pool::Sample | Pool::Batch)
        {
            let wanted = "sample or batch: each class is ranked by itself";
            return stated(format!("{name}: pool"), pool.word(), wanted);
        }
        let mut result = Ok(());
        each(&mut self.settings.clone(), &mut |facts, slot| {
            if result.is_ok() {
                result = slot.check(name, facts, classes);
            }
        });
        result
    }

    /// The loss.
    ///
    /// Runs, as the sweeps of an [`Objective`], in the rayon pool that it is called from; the result does
    /// not depend on the number of threads, bit for bit.
    pub fn loss(&self, logits: &Logits, target: &Target) -> Result<Ranking> {
        self.ranking(1.0.into(), logits, target, None)
    }

    /// The loss; and ∂loss/∂logits, times `upstream`, is written.
    ///
    /// `upstream` is a number, or for [`Reduction::None`] one for each of the
    /// [values](Ranking::values).
    pub fn loss_and_gradient<'u>(
        &self,
        upstream: impl Into<Upstream<'u>>,
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<Ranking> {
        gradient.check(logits)?;
        self.ranking(upstream.into(), logits, target, Some(gradient))
    }

    fn ranking(
        &self,
        upstream: Upstream,
        logits: &Logits,
        target: &Target,
        gradient: Option<Output>,
    ) -> Result<Ranking> {
        let [samples, classes, _] = logits.layout.shape();
        self.check(classes)?;
        // It reads what an objective without terms reads.
        let prepared = Objective::new().isa(self.isa).prepare(classes)?;
        prepared.check_tensors(logits, target)?;
        if target.masks.weights.is_some() {
            let wanted = "none: ranks have no weights; a mask says what does not count";
            return stated(format!("{}: voxel weights", self.name()), "weights", wanted);
        }
        let asked = Asked { errors: self.errors, pooled: self.is_pooled() };
        let rows = if asked.pooled { 1 } else { samples };
        let upstream = self.upstreams(&upstream, rows * classes)?;
        let mut parts = Vec::new();
        let mut scale = 1.0;
        let batch = Input::new(prepared.plan(), logits, target);
        let decide = |sizes: &Sizes| {
            parts = self.parts(sizes, samples, classes, target.masks.class_valid);
            if self.reduction == Reduction::Mean {
                let total: f64 = parts.iter().map(|part| part.weight).sum();
                scale = if total > 0.0 { 1.0 / total } else { 0.0 };
            }
            let cell = |(part, upstream): (&Part, f64)| Cell {
                is_ranked: part.is_ranked,
                size: part.size,
                factor: scale * part.weight * upstream,
            };
            parts.iter().zip(upstream).map(cell).collect()
        };
        let losses = sweep::ranked(&batch, asked, decide, gradient)?;
        let values: Vec<_> =
            parts.iter().zip(&losses).map(|(part, loss)| part.times(*loss)).collect();
        let per_class = |class: usize| {
            let of_class = parts.iter().zip(&losses).skip(class).step_by(classes);
            let counted = of_class.filter(|(part, _)| part.weight > 0.0);
            let (sum, count) =
                counted.fold((0.0, 0.0), |(sum, n), (_, loss)| (sum + loss, n + 1.0));
            sum / count
        };
        Ok(Ranking {
            loss: scale * values.iter().sum::<f64>(),
            per_class: (0..classes).map(per_class).collect(),
            values,
            shape: if self.is_pooled() { vec![classes] } else { vec![samples, classes] },
        })
    }

    fn is_pooled(&self) -> bool {
        self.settings.pool == Some(Pool::Batch)
    }

    fn upstreams(&self, upstream: &Upstream, count: usize) -> Result<Vec<f64>> {
        match *upstream {
            Upstream::Scalar(scalar) => Ok(vec![scalar; count]),
            Upstream::Values(values)
                if self.reduction == Reduction::None && values.len() == count =>
            {
                Ok(values.to_vec())
            }
            Upstream::Values(values) => Err(Error::Shape {
                what: "upstream gradient",
                found: vec![values.len()],
                wanted: match self.reduction {
                    Reduction::None => format!("{count} values, or a number"),
                    _ => "a number".into(),
                },
            }),
            Upstream::Map(map) => Err(Error::Shape {
                what: "upstream gradient",
                found: map.layout.shape().to_vec(),
                wanted: "a number, or values: there is no map of voxel losses".into(),
            }),
        }
    }

    /// What counts, and how much before a mean is taken.
    fn parts(
        &self,
        Sizes { sizes }: &Sizes,
        samples: usize,
        classes: usize,
        valid: Option<&[bool]>,
    ) -> Vec<Part> {
        let weights = self.settings.weights(classes);
        let by_default = if self.errors == Errors::Hinge { Absent::Formula } else { Absent::Skip };
        let absent = self.settings.absent.unwrap_or(by_default);
        let together = if self.is_pooled() { samples } else { 1 };
        let rows = if self.is_pooled() { 1 } else { samples };
        let part = |index: usize| {
            let class = index % classes;
            let first = index / classes * together;
            let annotated = (first..first + together)
                .map(|sample| sample * classes + class)
                .filter(|&at| valid.is_none_or(|valid| valid[at]));
            let (any, size) = annotated.fold((false, 0), |(_, size), at| (true, size + sizes[at]));
            let counts = any && (size > 0 || absent != Absent::Skip);
            let weight = if counts { weights[class] } else { 0.0 };
            let is_ranked = weight > 0.0 && (size > 0 || absent == Absent::Formula);
            Part { size, is_ranked, weight }
        };
        (0..rows * classes).map(part).collect()
    }
}

/// A class of one sample, or of all of them.
#[derive(Debug, Clone, Copy)]
struct Part {
    size: u64,
    is_ranked: bool,
    /// Of the class; 0 where it does not count.
    weight: f64,
}

impl Part {
    /// What it adds, before a mean is taken.
    fn times(self, loss: f64) -> f64 {
        if self.weight > 0.0 { self.weight * loss } else { 0.0 }
    }
}
