//! A random batch: logits, target and masks, with rubbish wherever nothing counts.

use dice_loss::{Activation, Layout, Logits, Target, maps::Named};

use super::{
    DenseKind, Denses, FloatKind, Floats, LabelKind, Labels, Recipe, Rng,
    recipe::{Softness, TargetKind},
};

/// A tensor that owns its buffer.
#[derive(Debug, Clone)]
pub struct Tensor<D> {
    pub data: D,
    pub layout: Layout,
}

/// Logits lie within ±`SPREAD`.
pub const SPREAD: f64 = 6.0;

#[derive(Debug, Clone)]
pub enum Reference {
    Labels(Labels),
    Dense(Denses),
    Regions(Labels, Vec<Vec<usize>>),
}

/// What a batch holds, before it is laid out in memory: tensors in the order (N, C, S).
#[derive(Debug, Clone)]
struct Values {
    shape: [usize; 3],
    logits: Vec<f64>,
    /// Labels (N, 1, S), or a dense target (N, C, S).
    reference: Vec<f64>,
    table: Vec<Vec<usize>>,
    mask: Vec<f64>,
    weights: Vec<f64>,
    class_valid: Vec<bool>,
    counted: Vec<bool>,
    maps: Vec<MapValues>,
}

/// A map (N, 1 or C, S).
#[derive(Debug, Clone)]
struct MapValues {
    name: String,
    channels: usize,
    values: Vec<f64>,
}

#[derive(Debug, Clone)]
pub struct Batch {
    pub shape: [usize; 3],
    pub logits: Tensor<Floats>,
    pub reference: Tensor<Reference>,
    pub ignore_index: Option<i64>,
    pub mask: Option<Tensor<Denses>>,
    pub weights: Option<Tensor<Floats>>,
    pub class_valid: Option<Vec<bool>>,
    pub maps: Vec<(String, Tensor<Floats>)>,
    /// (sample, voxel).
    pub counted: Vec<bool>,
    /// Where each logit lies, in the order (N, C, S).
    pub places: Vec<usize>,
    recipe: Recipe,
    values: Values,
}

impl Values {
    fn new(recipe: &Recipe, activation: Activation) -> Self {
        let mut rng = Rng(recipe.seed);
        let [n, c, s] = recipe.shape;
        let mut draw = |wanted: bool, probability: f64| -> Vec<bool> {
            (0..n * s).map(|_| wanted && rng.chance(probability)).collect()
        };
        let ignored = draw(ignored_label(recipe).is_some(), 0.2);
        let masked = draw(recipe.masks.mask.is_some(), 0.2);
        let weightless = draw(recipe.masks.weights.is_some(), 0.2);
        let weight = |i: usize| match () {
            _ if masked[i] || ignored[i] => f64::NAN,
            _ if weightless[i] => 0.0,
            _ => rng.between(0.25, 3.0),
        };
        let weights = (0..n * s).map(weight).collect();
        let class_valid = (0..n * c).map(|_| rng.chance(0.75)).collect();
        let counted: Vec<_> =
            (0..n * s).map(|i| !(ignored[i] || masked[i] || weightless[i])).collect();
        let table = table(recipe, &mut rng);
        Self {
            shape: recipe.shape,
            logits: logits(recipe, activation, &counted, &mut rng),
            reference: reference(recipe, &ignored, &counted, &mut rng),
            table,
            mask: masked.iter().map(|masked| f64::from(u8::from(!masked))).collect(),
            weights,
            class_valid,
            counted,
            maps: Vec::new(),
        }
    }

    /// A map of this name, of one channel or of all; negative too where that is allowed.
    fn map(&self, seed: u64, Named { name, is_signed, .. }: &Named) -> MapValues {
        let mut rng = Rng(name.bytes().fold(seed, |seed, byte| seed ^ u64::from(byte) << 8));
        let [n, c, s] = self.shape;
        let channels = if rng.chance(0.5) { 1 } else { c };
        let least = if *is_signed { -2.0 } else { 0.0 };
        let value = |i: usize| match () {
            _ if !self.counted[i / (channels * s) * s + i % s] => f64::NAN,
            _ if rng.chance(0.2) => 0.0,
            _ => rng.between(least, 3.0),
        };
        let values = (0..n * channels * s).map(value).collect();
        MapValues { name: name.clone(), channels, values }
    }

    /// These samples and voxels, in this order.
    fn select(&self, samples: &[usize], voxels: &[usize]) -> Self {
        let [n, c, s] = self.shape;
        Self {
            shape: [samples.len(), c, voxels.len()],
            logits: pick(&self.logits, self.shape, samples, voxels),
            reference: pick(
                &self.reference,
                [n, self.reference.len() / (n * s), s],
                samples,
                voxels,
            ),
            table: self.table.clone(),
            mask: pick(&self.mask, [n, 1, s], samples, voxels),
            weights: pick(&self.weights, [n, 1, s], samples, voxels),
            class_valid: pick(&self.class_valid, [n, c, 1], samples, &[0]),
            counted: pick(&self.counted, [n, 1, s], samples, voxels),
            maps: self.maps.iter().map(|map| map.select(n, s, samples, voxels)).collect(),
        }
    }
}

impl MapValues {
    fn select(&self, n: usize, s: usize, samples: &[usize], voxels: &[usize]) -> Self {
        let values = pick(&self.values, [n, self.channels, s], samples, voxels);
        Self { values, ..self.clone() }
    }
}

fn pick<T: Copy>(
    values: &[T],
    [_, c, s]: [usize; 3],
    samples: &[usize],
    voxels: &[usize],
) -> Vec<T> {
    let rows = samples.iter().flat_map(|sample| (0..c).map(move |class| sample * c + class));
    rows.flat_map(|row| voxels.iter().map(move |voxel| values[row * s + voxel])).collect()
}

impl Batch {
    /// Uncounted voxels hold NaN, infinities and labels that do not exist.
    pub fn new(recipe: &Recipe, activation: Activation) -> Self {
        Self::with_maps(recipe, activation, &[])
    }

    /// The same with maps of these names.
    pub fn with_maps(recipe: &Recipe, activation: Activation, maps: &[Named]) -> Self {
        let mut values = Values::new(recipe, activation);
        values.maps = maps.iter().map(|map| values.map(recipe.seed, map)).collect();
        Self::assemble(recipe, values)
    }

    /// These samples and voxels, in this order.
    pub fn select(&self, samples: &[usize], voxels: &[usize]) -> Self {
        Self::assemble(&self.recipe, self.values.select(samples, voxels))
    }

    fn assemble(recipe: &Recipe, values: Values) -> Self {
        let [n, c, s] = values.shape;
        let [arrangement, of_target, of_masks] = recipe.arrangements;
        let arrange = |values: &[f64]| of_masks.arrange([n, 1, s], values, 1.0);
        let layout = of_masks.layout([n, 1, s]);
        let mask = recipe
            .masks
            .mask
            .map(|kind| Tensor { data: Denses::of(kind, &arrange(&values.mask)), layout });
        let weights = recipe
            .masks
            .weights
            .map(|kind| Tensor { data: Floats::of(kind, &arrange(&values.weights)), layout });
        let maps = values.maps.iter().enumerate().map(|(number, map)| {
            // Of any type, and arranged as the masks or as the target.
            let kind = FloatKind::ALL[(recipe.seed as usize + number) % FloatKind::ALL.len()];
            let arrangement = if map.channels == 1 { of_masks } else { of_target };
            let shape = [n, map.channels, s];
            let data = Floats::of(kind, &arrangement.arrange(shape, &map.values, f64::INFINITY));
            (map.name.clone(), Tensor { data, layout: arrangement.layout(shape) })
        });
        let maps = maps.collect();
        let logits = arrangement.arrange(values.shape, &values.logits, f64::NAN);
        let channels = if matches!(recipe.target, TargetKind::Dense(..)) { c } else { 1 };
        let reference = of_target.arrange([n, channels, s], &values.reference, 77.0);
        let reference = match recipe.target {
            TargetKind::Labels(kind) => Reference::Labels(Labels::of(kind, &reference)),
            TargetKind::Dense(kind, _) => Reference::Dense(Denses::of(kind, &reference)),
            TargetKind::Regions(kind) => {
                Reference::Regions(Labels::of(kind, &reference), values.table.clone())
            }
        };
        Self {
            shape: values.shape,
            logits: Tensor {
                data: Floats::of(recipe.logits, &logits),
                layout: arrangement.layout(values.shape),
            },
            reference: Tensor { data: reference, layout: of_target.layout([n, channels, s]) },
            ignore_index: ignored_label(recipe),
            mask,
            weights,
            class_valid: recipe.masks.class_valid.then(|| values.class_valid.clone()),
            maps,
            counted: values.counted.clone(),
            places: arrangement.places(values.shape),
            recipe: recipe.clone(),
            values,
        }
    }

    /// Whether the voxel counts that the logit number `index` belongs to.
    pub fn counts(&self, index: usize) -> bool {
        let [_, c, s] = self.shape;
        self.counted[index / (c * s) * s + index % s]
    }

    pub fn logit(&self, index: usize) -> f64 {
        self.logits.data.get(self.places[index])
    }

    pub fn set_logit(&mut self, index: usize, value: f64) {
        self.logits.data.set(self.places[index], value);
    }

    pub fn logits(&self) -> Logits<'_> {
        self.logits.data.logits(self.logits.layout)
    }

    pub fn target(&self) -> Target<'_> {
        let layout = self.reference.layout;
        let mut target = match &self.reference.data {
            Reference::Labels(labels) => labels.target(layout),
            Reference::Dense(dense) => dense.target(layout),
            Reference::Regions(labels, table) => labels.regions(layout, table),
        };
        if let Some(label) = self.ignore_index {
            target = target.ignore_index(label);
        }
        if let Some(mask) = &self.mask {
            target = mask.data.mask(target, mask.layout);
        }
        if let Some(weights) = &self.weights {
            target = weights.data.weigh(target, weights.layout);
        }
        for (name, map) in &self.maps {
            target = map.data.map(target, name, map.layout);
        }
        match &self.class_valid {
            Some(valid) => target.class_valid(valid),
            None => target,
        }
    }
}

/// A label that stands for "unknown" in tensors of this kind, if one is wanted and can be.
fn ignored_label(recipe: &Recipe) -> Option<i64> {
    let label = match recipe.target {
        TargetKind::Labels(LabelKind::U8) | TargetKind::Regions(LabelKind::U8) => Some(255),
        TargetKind::Labels(LabelKind::U32) | TargetKind::Regions(LabelKind::U32) => {
            Some(u32::MAX.into())
        }
        TargetKind::Labels(LabelKind::I64) | TargetKind::Regions(LabelKind::I64) => Some(-100),
        TargetKind::Labels(_) | TargetKind::Regions(_) => Some(-1),
        TargetKind::Dense(DenseKind::Bool, _) => None,
        TargetKind::Dense(..) => (recipe.shape[1] == 1).then_some(255),
    };
    label.filter(|_| recipe.masks.ignore_index)
}

/// Labels that a label map may hold.
fn label_count(recipe: &Recipe) -> usize {
    let classes = recipe.shape[1];
    match recipe.target {
        TargetKind::Regions(_) => classes + 1,
        _ => classes.max(2),
    }
}

/// For regions, the channels of each label.
fn table(recipe: &Recipe, rng: &mut Rng) -> Vec<Vec<usize>> {
    let mut channels = |_| (0..recipe.shape[1]).filter(|_| rng.chance(0.5)).collect();
    (0..label_count(recipe)).map(&mut channels).collect()
}

fn logits(recipe: &Recipe, activation: Activation, counted: &[bool], rng: &mut Rng) -> Vec<f64> {
    let [n, c, s] = recipe.shape;
    let rubbish = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
    let mut values = Vec::with_capacity(n * c * s);
    for sample in 0..n {
        for _ in 0..c {
            for voxel in 0..s {
                values.push(match activation {
                    _ if !counted[sample * s + voxel] => rubbish[rng.below(4)],
                    Activation::Probabilities => rng.between(0.02, 0.98),
                    _ => rng.between(-SPREAD, SPREAD),
                });
            }
        }
    }
    values
}

fn reference(recipe: &Recipe, ignored: &[bool], counted: &[bool], rng: &mut Rng) -> Vec<f64> {
    let [n, c, s] = recipe.shape;
    let mark = ignored_label(recipe).map(|label| label as f64);
    // What stands in voxels that do not count, the ignored ones among them.
    let instead = |i: usize, rubbish: f64, value: f64| match mark {
        Some(mark) if ignored[i] => mark,
        _ if counted[i] => value,
        _ => rubbish,
    };
    let labels = label_map(n * s, label_count(recipe), rng);
    let TargetKind::Dense(kind, softness) = recipe.target else {
        return (0..n * s).map(|i| instead(i, 99.0, labels[i] as f64)).collect();
    };
    let rubbish = if kind == DenseKind::U8 { 7.0 } else { f64::NAN };
    let mut values = Vec::with_capacity(n * c * s);
    for sample in 0..n {
        for class in 0..c {
            for voxel in 0..s {
                let i = sample * s + voxel;
                let here = if c == 1 { labels[i] == 1 } else { labels[i] == class };
                let value = match softness {
                    Softness::OneHot => f64::from(u8::from(here)),
                    Softness::Multilabel => f64::from(u8::from(here || rng.chance(0.2))),
                    Softness::Soft => rng.below(9) as f64 / 8.0,
                };
                values.push(instead(i, rubbish, value));
            }
        }
    }
    values
}

/// Runs of one class, some classes missing.
fn label_map(voxels: usize, classes: usize, rng: &mut Rng) -> Vec<usize> {
    let mut present: Vec<_> = (0..classes).filter(|_| rng.chance(0.8)).collect();
    if present.is_empty() {
        present.push(rng.below(classes));
    }
    let longest = [1, 3, 60][rng.below(3)];
    let mut labels = Vec::with_capacity(voxels);
    while labels.len() < voxels {
        let class = present[rng.below(present.len())];
        let run = (1 + rng.below(longest)).min(voxels - labels.len());
        labels.extend(std::iter::repeat_n(class, run));
    }
    labels
}
