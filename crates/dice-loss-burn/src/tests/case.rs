//! Small batches, as tensors and as the engine's views.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use dice_loss::{Activation, Layout, Logits, Objective, Target, catalogue};

use crate::Targets;

/// A batch with everything that may be said about it.
#[derive(Debug, Clone)]
pub struct Case {
    pub dims: [usize; 4],
    pub logits: Vec<f32>,
    pub reference: Reference,
    pub mask: Option<Vec<bool>>,
    pub weights: Option<Vec<f32>>,
    pub ignore_index: Option<i64>,
    pub class_valid: Option<Vec<bool>>,
}

#[derive(Debug, Clone)]
pub enum Reference {
    Labels(Vec<i32>),
    Regions(Vec<i32>, Vec<Vec<usize>>),
    Dense(Vec<f32>),
    Multilabel(Vec<bool>),
}

/// Numbers in [−1, 1] without a pattern that matters.
pub fn noise(length: usize, seed: usize) -> Vec<f32> {
    let value = |index: usize| (((index * 7919 + seed * 104_729) % 1009) as f32 * 12.9898).sin();
    (0..length).map(value).collect()
}

impl Case {
    /// Each kind of target, with nothing and with everything restricted.
    pub fn all(classes: usize, activation: Activation) -> Vec<Self> {
        Self::of([2, classes, 3, 5], activation)
    }

    /// The same in another size.
    pub fn of(dims: [usize; 4], activation: Activation) -> Vec<Self> {
        let [samples, classes, height, width] = dims;
        let voxels = samples * height * width;
        let elements = voxels * classes;
        let limit = classes.max(2);
        let labels: Vec<i32> =
            noise(voxels, 1).iter().map(|x| ((x + 1.0) * 0.499 * limit as f32) as i32).collect();
        let soft: Vec<f32> = noise(elements, 2).iter().map(|x| (x + 1.0) / 2.0).collect();
        let table = vec![vec![], vec![0], (0..classes).collect()];
        let regions = noise(voxels, 3).iter().map(|x| ((x + 1.0) * 1.49) as i32).collect();
        let references = [
            Reference::Labels(labels),
            Reference::Regions(regions, table),
            Reference::Multilabel(soft.iter().map(|&g| g > 0.5).collect()),
            Reference::Dense(soft),
        ];
        let logits = noise(elements, 4);
        let logits = match activation {
            Activation::Probabilities => logits.iter().map(|x| 0.5 + 0.49 * x).collect(),
            _ => logits.iter().map(|x| 4.0 * x).collect(),
        };
        let plain = |reference| Self {
            dims,
            logits: Vec::clone(&logits),
            reference,
            mask: None,
            weights: None,
            ignore_index: None,
            class_valid: None,
        };
        let open: Vec<_> = references.map(plain).into();
        let restricted = open.clone().into_iter().map(Self::restricted);
        open.clone().into_iter().chain(restricted).collect()
    }

    /// The same, with ignored, masked and weighted voxels, and NaN in what does not count.
    fn restricted(mut self) -> Self {
        let [samples, classes, height, width] = self.dims;
        let voxels = samples * height * width;
        let mask: Vec<_> = (0..voxels).map(|voxel| voxel % 5 != 3).collect();
        let mut weights: Vec<_> = noise(voxels, 5).iter().map(|x| x + 1.1).collect();
        weights[2] = 0.0;
        if let Reference::Labels(labels) | Reference::Regions(labels, _) = &mut self.reference {
            labels[7] = 255;
            labels[8] = -1; // names no class, but is masked
            self.ignore_index = Some(255);
        }
        for class in 0..classes {
            self.logits[class * height * width + 8] = f32::NAN;
        }
        self.mask = Some(mask);
        self.weights = Some(weights);
        let mut valid = vec![true; samples * classes];
        if classes > 1 {
            valid[classes - 1] = false;
        }
        self.class_valid = Some(valid);
        self
    }

    fn per_voxel(&self) -> [usize; 3] {
        [self.dims[0], self.dims[2], self.dims[3]]
    }

    pub fn logits(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.logits.clone(), self.dims), device)
    }

    pub fn targets(&self, device: &Device) -> Targets {
        let labels = |labels: &Vec<i32>| {
            Tensor::<3, Int>::from_data(TensorData::new(labels.clone(), self.per_voxel()), device)
        };
        let mut targets = match &self.reference {
            Reference::Labels(map) => Targets::labels(labels(map)),
            Reference::Regions(map, table) => Targets::regions(labels(map), table.clone()),
            Reference::Dense(target) => {
                let target = TensorData::new(target.clone(), self.dims);
                Targets::dense(Tensor::<4>::from_data(target, device))
            }
            Reference::Multilabel(target) => {
                let target = TensorData::new(target.clone(), self.dims);
                Targets::multilabel(Tensor::<4, Bool>::from_data(target, device))
            }
        };
        if let Some(mask) = &self.mask {
            let [n, h, w] = self.per_voxel();
            let mask = TensorData::new(mask.clone(), [n, 1, h, w]);
            targets = targets.mask(Tensor::<4, Bool>::from_data(mask, device));
        }
        if let Some(weights) = &self.weights {
            let weights = TensorData::new(weights.clone(), self.per_voxel());
            targets = targets.voxel_weights(Tensor::<3>::from_data(weights, device));
        }
        if let Some(valid) = &self.class_valid {
            targets = targets.class_valid(valid.clone());
        }
        match self.ignore_index {
            Some(label) => targets.ignore_index(label),
            None => targets,
        }
    }

    /// The same batch as the engine sees it.
    pub fn engine<R>(
        &self,
        with: impl FnOnce(&Logits, &Target) -> dice_loss::Result<R>,
    ) -> dice_loss::Result<R> {
        let layout = Layout::channels_first(&self.dims)?;
        let voxels = Layout::voxels(&self.per_voxel())?;
        let mut target = match &self.reference {
            Reference::Labels(labels) => Target::labels(labels, voxels)?,
            Reference::Regions(labels, table) => Target::regions(labels, voxels, table)?,
            Reference::Dense(target) => Target::dense(target, layout)?,
            Reference::Multilabel(target) => Target::dense(target, layout)?,
        };
        if let Some(mask) = &self.mask {
            target = target.mask(mask, voxels)?;
        }
        if let Some(weights) = &self.weights {
            target = target.voxel_weights(weights, voxels)?;
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
                for case in Case::all(classes, activation) {
                    check(&format!("{} {activation:?} {case:?}", entry.name), &objective, &case);
                }
            }
        }
    }
}
