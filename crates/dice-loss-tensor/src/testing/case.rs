//! Small batches as plain numbers, for tensors and for the engine's views.

use dice_loss::{Activation, Layout, Logits, Objective, Result, Target, catalogue, maps::Named};
use half::{bf16, f16};

use crate::Element;

/// A batch with everything that may be said about it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Of the logits, `[N, C, spatial…]`.
    pub shape: Vec<usize>,
    /// The type of the logits.
    pub element: Element,
    /// The logits, which that type holds.
    pub logits: Vec<f32>,
    /// What is where.
    pub reference: Reference,
    /// The type of the labels.
    pub integer: Integer,
    /// Which voxels count.
    pub mask: Option<Shaped<bool>>,
    /// How much they count.
    pub weights: Option<Shaped<f32>>,
    /// Maps by their names, in one of the shapes that they may have.
    pub maps: Vec<(String, Shaped<f32>)>,
    /// The label that does not.
    pub ignore_index: Option<i64>,
    /// Which classes were annotated.
    pub class_valid: Option<Vec<bool>>,
}

/// The ways to say what is where. The bits of a label beyond `i64` are those of `u64`.
#[derive(Debug, Clone)]
pub enum Reference {
    /// A label map.
    Labels(Shaped<i64>),
    /// A label map with the channels of each label.
    Regions(Shaped<i64>, Vec<Vec<usize>>),
    /// Values for each class.
    Dense(Shaped<f32>),
    /// Classes that are there.
    Multilabel(Shaped<bool>),
}

/// Values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Shaped<T> {
    /// Every value.
    pub values: Vec<T>,
    /// The size of each axis.
    pub shape: Vec<usize>,
}

/// The types that labels may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are Rust's own")]
pub enum Integer {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
}

impl<T: Clone> Shaped<T> {
    /// As many values as the shape has.
    pub fn new(values: Vec<T>, shape: &[usize]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>());
        Self { values, shape: shape.to_vec() }
    }

    /// One value everywhere.
    pub fn full(value: T, shape: &[usize]) -> Self {
        Self::new(vec![value; shape.iter().product()], shape)
    }
}

/// Numbers in [−1, 1] without a pattern that matters.
pub fn noise(length: usize, seed: usize) -> Vec<f32> {
    let value = |index: usize| (((index * 7919 + seed * 104_729) % 1009) as f32 * 12.9898).sin();
    (0..length).map(value).collect()
}

impl Case {
    /// Logits of 0 and a reference, with nothing more said.
    pub fn plain(shape: &[usize], reference: Reference) -> Self {
        Self {
            shape: shape.to_vec(),
            element: Element::F32,
            logits: vec![0.0; shape.iter().product()],
            reference,
            integer: Integer::I32,
            mask: None,
            weights: None,
            maps: Vec::new(),
            ignore_index: None,
            class_valid: None,
        }
    }

    /// Each kind of target, with nothing and with everything restricted: labels, regions,
    /// multilabel, dense, and again.
    pub fn all(classes: usize, activation: Activation) -> Vec<Self> {
        Self::of([2, classes, 3, 5], activation)
    }

    /// The same in another size.
    pub fn of(shape: [usize; 4], activation: Activation) -> Vec<Self> {
        let [samples, classes, height, width] = shape;
        let per_voxel = [samples, height, width];
        let voxels = per_voxel.iter().product();
        let elements = voxels * classes;
        let limit = classes.max(2);
        let labels =
            noise(voxels, 1).iter().map(|x| ((x + 1.0) * 0.499 * limit as f32) as i64).collect();
        let soft: Vec<f32> = noise(elements, 2).iter().map(|x| (x + 1.0) / 2.0).collect();
        let table = vec![vec![], vec![0], (0..classes).collect()];
        let regions = noise(voxels, 3).iter().map(|x| ((x + 1.0) * 1.49) as i64).collect();
        let hard = soft.iter().map(|&g| g > 0.5).collect();
        let references = [
            Reference::Labels(Shaped::new(labels, &per_voxel)),
            Reference::Regions(Shaped::new(regions, &per_voxel), table),
            Reference::Multilabel(Shaped::new(hard, &shape)),
            Reference::Dense(Shaped::new(soft, &shape)),
        ];
        let logits = noise(elements, 4);
        let logits: Vec<_> = match activation {
            Activation::Probabilities => logits.iter().map(|x| 0.5 + 0.49 * x).collect(),
            _ => logits.iter().map(|x| 4.0 * x).collect(),
        };
        let open = references
            .map(|reference| Self { logits: logits.clone(), ..Self::plain(&shape, reference) });
        let restricted = open.clone().map(Self::restricted);
        open.into_iter().chain(restricted).collect()
    }

    /// The same, with ignored, masked and weighted voxels, and NaN in what does not count.
    fn restricted(mut self) -> Self {
        let [samples, classes] = [self.shape[0], self.shape[1]];
        let plane: usize = self.shape[2..].iter().product();
        let voxels = samples * plane;
        let mask = (0..voxels).map(|voxel| voxel % 5 != 3).collect();
        let mut weights: Vec<_> = noise(voxels, 5).iter().map(|x| x + 1.1).collect();
        weights[2] = 0.0;
        if let Reference::Labels(labels) | Reference::Regions(labels, _) = &mut self.reference {
            labels.values[7] = 255;
            labels.values[8] = -1; // names no class, but is masked
            self.ignore_index = Some(255);
        }
        for class in 0..classes {
            self.logits[class * plane + 8] = f32::NAN;
        }
        let with_channel = [&[samples, 1], &self.shape[2..]].concat();
        self.mask = Some(Shaped::new(mask, &with_channel));
        self.weights = Some(Shaped::new(weights, &self.per_voxel()));
        let mut valid = vec![true; samples * classes];
        if classes > 1 {
            valid[classes - 1] = false;
        }
        self.class_valid = Some(valid);
        self
    }

    /// The same with every map that an objective names, once with one channel and once with one for each
    /// class; the same alone where it names none. Where the mask leaves a voxel out, a map is NaN.
    pub fn with_maps(self, objective: &Objective) -> Vec<Self> {
        let named = objective.maps().expect("maps that do not contradict");
        if named.is_empty() {
            return vec![self];
        }
        let plane: usize = self.shape[2..].iter().product();
        let of = |channels: usize| {
            let shape = [&self.shape[..1], &[channels], &self.shape[2..]].concat();
            let map = |(number, is_signed): (usize, bool)| {
                let mut values = noise(shape.iter().product(), 20 + number);
                if !is_signed {
                    // Among them are zeros, as in a map of skeletons.
                    values.iter_mut().for_each(|m| *m = (2.0 * *m).max(0.0));
                }
                if let Some(mask) = &self.mask {
                    let skipped =
                        |at: usize| !mask.values[at / (channels * plane) * plane + at % plane];
                    for at in (0..values.len()).filter(|&at| skipped(at)) {
                        values[at] = f32::NAN;
                    }
                }
                Shaped::new(values, &shape)
            };
            let of_name = |(number, known): (usize, &Named)| {
                (known.name.clone(), map((number, known.is_signed)))
            };
            Self { maps: named.iter().enumerate().map(of_name).collect(), ..self.clone() }
        };
        vec![of(1), of(self.shape[1])]
    }

    /// The maps that the losses of an objective make of the target.
    pub fn made_maps(&self, objective: &Objective) -> Vec<(String, Shaped<f32>)> {
        let made = self.engine(|logits, target| {
            let prepared = objective.prepare(self.shape[1])?;
            let make = |map: Named| {
                let values = prepared.make_map(&map.name, logits, target, &self.shape[2..])?;
                let mut shape = self.shape.clone();
                shape[1] = prepared.made_channels(&map.name)?;
                Ok((map.name, Shaped::new(values, &shape)))
            };
            objective.maps()?.into_iter().map(make).collect()
        });
        made.expect("maps that losses know how to make")
    }

    /// The same with logits of another type, rounded to it.
    pub fn rounded(mut self, element: Element) -> Self {
        let round = |x: f32| match element {
            Element::F16 => f16::from_f32(x).to_f32(),
            Element::BF16 => bf16::from_f32(x).to_f32(),
            _ => x,
        };
        self.logits.iter_mut().for_each(|x| *x = round(*x));
        Self { element, ..self }
    }

    /// `[N, spatial…]`
    pub fn per_voxel(&self) -> Vec<usize> {
        [&self.shape[..1], &self.shape[2..]].concat()
    }

    /// The label map.
    pub fn labels(&self) -> &Shaped<i64> {
        match &self.reference {
            Reference::Labels(labels) | Reference::Regions(labels, _) => labels,
            reference => panic!("found {reference:?}, wanted labels"),
        }
    }

    /// The same batch as the engine sees it.
    pub fn engine<R>(&self, with: impl FnOnce(&Logits, &Target) -> Result<R>) -> Result<R> {
        let layout = Layout::channels_first(&self.shape)?;
        let voxels = Layout::voxels(&self.per_voxel())?;
        let mut target = match &self.reference {
            Reference::Labels(labels) => Target::labels(&labels.values, voxels)?,
            Reference::Regions(labels, table) => Target::regions(&labels.values, voxels, table)?,
            Reference::Dense(target) => Target::dense(&target.values, layout)?,
            Reference::Multilabel(target) => Target::dense(&target.values, layout)?,
        };
        if let Some(mask) = &self.mask {
            target = target.mask(&mask.values, voxels)?;
        }
        if let Some(weights) = &self.weights {
            target = target.voxel_weights(&weights.values, voxels)?;
        }
        for (name, map) in &self.maps {
            let layout = match map.shape.len() == self.shape.len() {
                true => Layout::channels_first(&map.shape)?,
                false => Layout::voxels(&map.shape)?,
            };
            target = target.map(name, &map.values, layout)?;
        }
        if let Some(valid) = &self.class_valid {
            target = target.class_valid(valid);
        }
        if let Some(label) = self.ignore_index {
            target = target.ignore_index(label);
        }
        with(&Logits::new(&self.logits, layout)?, &target)
    }
}

/// Every loss of the catalogue under each of its activations, with every case that fits.
pub fn every_loss(mut check: impl FnMut(&str, &Objective, &Case)) {
    for entry in catalogue() {
        for &activation in entry.activations {
            for classes in [1, 3] {
                let objective = entry.objective(activation);
                if objective.check(classes).is_err() {
                    continue;
                }
                let cases = Case::all(classes, activation).into_iter();
                for case in cases.flat_map(|case| case.with_maps(&objective)) {
                    check(&format!("{} {activation:?} {case:?}", entry.name), &objective, &case);
                }
            }
        }
    }
}
