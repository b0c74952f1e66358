//! Training crops: half of them anywhere, half around a voxel of a rare class.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::Dataset;

/// A seeded, endless source of square crops.
///
/// Samplers of one dataset, size and seed give the same batches, so every loss sees the same.
/// Crops are not flipped: right and left are classes of their own in many label maps.
#[derive(Debug)]
pub struct CropSampler<'a> {
    data: &'a Dataset,
    size: usize,
    rng: ChaCha8Rng,
    focus: Vec<Focus>,
}

/// Where a class is found among the training slices.
#[derive(Debug, Clone)]
struct Focus {
    label: u8,
    /// Slice, and how many voxels of the class lie in the slices up to and including it.
    until: Vec<(usize, u64)>,
}

/// Crops beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Crops {
    /// `count × channels × size × size` intensities.
    pub images: Vec<f32>,
    /// `count × size × size` labels.
    pub labels: Vec<u8>,
}

impl<'a> CropSampler<'a> {
    /// A sampler of crops of `size × size` voxels from the training slices.
    ///
    /// Every second crop is taken around a voxel of a rare class, all rare classes alike; where no class is rare,
    /// around a voxel of any class but background.
    pub fn new(data: &'a Dataset, size: usize, seed: u64) -> Self {
        let focus = |rare| {
            data.foreground(rare).filter_map(|label| Focus::new(data, label as u8)).collect()
        };
        let rare: Vec<Focus> = focus(true);
        let focus = if rare.is_empty() { focus(false) } else { rare };
        Self { data, size, rng: ChaCha8Rng::seed_from_u64(seed), focus }
    }

    /// The next `count` crops.
    pub fn batch(&mut self, count: usize) -> Crops {
        let mut batch = Crops { images: vec![], labels: vec![] };
        for crop in 0..count {
            let (slice, left, top) = if crop % 2 == 1 && !self.focus.is_empty() {
                self.focused()
            } else {
                self.anywhere()
            };
            self.cut(slice, left, top, &mut batch);
        }
        batch
    }

    fn anywhere(&mut self) -> (usize, isize, isize) {
        let training = &self.data.split.training;
        let slice = training[self.rng.random_range(0..training.len())];
        let mut origin = |length: usize| match length.checked_sub(self.size) {
            Some(free) => self.rng.random_range(0..=free) as isize,
            None => centred(length, self.size),
        };
        let (width, height) = (self.data.slices[slice].width, self.data.slices[slice].height);
        (slice, origin(width), origin(height))
    }

    fn focused(&mut self) -> (usize, isize, isize) {
        let focus = &self.focus[self.rng.random_range(0..self.focus.len())];
        let (slice, x, y) = focus.voxel(self.data, &mut self.rng);
        // The voxel ends up in the middle half of the crop, not always in its centre.
        let mut origin = |at: usize, length: usize| match length.checked_sub(self.size) {
            Some(free) => {
                let offset = self.rng.random_range(self.size / 4..=self.size * 3 / 4);
                (at as isize - offset as isize).clamp(0, free as isize)
            }
            None => centred(length, self.size),
        };
        let (width, height) = (self.data.slices[slice].width, self.data.slices[slice].height);
        (slice, origin(x, width), origin(y, height))
    }

    /// Copies a crop; where it leaves the slice, the slice's edge is repeated.
    fn cut(&self, slice: usize, left: isize, top: isize, batch: &mut Crops) {
        let slice = &self.data.slices[slice];
        let clamp = |origin: isize, i: usize, length: usize| {
            (origin + i as isize).clamp(0, length as isize - 1) as usize
        };
        let columns: Vec<usize> = (0..self.size).map(|i| clamp(left, i, slice.width)).collect();
        let rows: Vec<usize> =
            (0..self.size).map(|i| clamp(top, i, slice.height) * slice.width).collect();
        let positions =
            || rows.iter().flat_map(|row| columns.iter().map(move |column| row + column));
        for channel in slice.image.chunks_exact(slice.labels.len()) {
            batch.images.extend(positions().map(|at| channel[at]));
        }
        batch.labels.extend(positions().map(|at| slice.labels[at]));
    }
}

impl Focus {
    fn new(data: &Dataset, label: u8) -> Option<Self> {
        let mut until = vec![];
        let mut total = 0;
        for &slice in &data.split.training {
            let voxels = data.slices[slice].labels.iter().filter(|&&l| l == label).count() as u64;
            if voxels > 0 {
                total += voxels;
                until.push((slice, total));
            }
        }
        (total > 0).then_some(Self { label, until })
    }

    /// A voxel of the class, each with the same chance: slice, column, row.
    fn voxel(&self, data: &Dataset, rng: &mut ChaCha8Rng) -> (usize, usize, usize) {
        let total = self.until[self.until.len() - 1].1;
        let drawn = rng.random_range(0..total);
        let entry = self.until.partition_point(|&(_, until)| until <= drawn);
        let before = if entry == 0 { 0 } else { self.until[entry - 1].1 };
        let slice = self.until[entry].0;
        let labels = &data.slices[slice].labels;
        let mut places = (0..labels.len()).filter(|&at| labels[at] == self.label);
        let at = places.nth((drawn - before) as usize).unwrap_or(0);
        let width = data.slices[slice].width;
        (slice, at % width, at / width)
    }
}

fn centred(length: usize, size: usize) -> isize {
    -(((size - length) / 2) as isize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Class, Slice, Split, embedded};

    #[test]
    fn the_seed_decides_the_batches() {
        let data = embedded(None).unwrap();
        let two_batches = |seed| {
            let mut sampler = CropSampler::new(&data, 64, seed);
            [sampler.batch(8), sampler.batch(8)]
        };
        assert_eq!(two_batches(3), two_batches(3));
        assert_ne!(two_batches(3), two_batches(4));
        let [first, second] = two_batches(3);
        assert_ne!(first, second);
        assert_eq!((first.images.len(), first.labels.len()), (8 * 64 * 64, 8 * 64 * 64));
    }

    #[test]
    fn every_second_crop_holds_a_rare_class_and_all_take_their_turn() {
        let data = embedded(None).unwrap();
        let batch = CropSampler::new(&data, 64, 0).batch(200);
        let crops: Vec<&[u8]> = batch.labels.chunks_exact(64 * 64).collect();
        let rare: Vec<u8> = data.foreground(true).map(|label| label as u8).collect();
        assert!(
            crops
                .iter()
                .skip(1)
                .step_by(2)
                .all(|crop| rare.iter().any(|label| crop.contains(label)))
        );
        for label in rare {
            let with = crops.iter().skip(1).step_by(2).filter(|crop| crop.contains(&label)).count();
            assert!(with > 15, "class {label} in {with} of 100 focused crops");
        }
    }

    #[test]
    fn crops_come_from_training_slices_only() {
        let mut data = embedded(None).unwrap();
        for &slice in data.split.validation.iter().chain(&data.split.left_out) {
            data.slices[slice].image.fill(f32::NAN);
        }
        let batch = CropSampler::new(&data, 64, 0).batch(300);
        assert!(batch.images.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn small_slices_are_centred_and_their_edges_repeated() {
        let slice = Slice {
            name: "s".into(),
            width: 2,
            height: 1,
            image: vec![1.0, 2.0],
            labels: vec![0, 1],
        };
        let class = |share| Class { name: "c".into(), voxels: 1, share };
        let data = Dataset {
            title: String::new(),
            statement: String::new(),
            notes: vec![],
            classes: vec![class(0.5), class(0.5)],
            channels: 1,
            ignores: false,
            slices: vec![slice],
            validation_fraction: 0.5,
            split: Split { training: vec![0], validation: vec![], left_out: vec![] },
        };
        let batch = CropSampler::new(&data, 4, 0).batch(2);
        assert_eq!(batch.images[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
        assert_eq!(batch.labels[16..20], [0, 0, 1, 1]);
    }
}
