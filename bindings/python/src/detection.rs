//! Lesions of label maps and masks, one by one.

use dice_loss::{Connectivity, Grid, Lesions};

use crate::{
    pool,
    refused::{Result, filled},
    tally::{Label, Labels, Masks, with_labels},
    view::{Element, View},
};

/// What a lesion is, and when it is found.
pub(crate) struct Asked {
    pub spacing: Vec<f64>,
    /// Neighbours of a voxel.
    pub connectivity: Option<usize>,
    /// The share of a lesion that must be found.
    pub overlap: f64,
    pub threads: usize,
}

/// Where lesions are counted, `(N, 6, C)` of i64, and added up, `(N, 2, C)` of f64.
pub(crate) struct Out {
    pub counts: View,
    pub sums: View,
}

const PLANES: &str = "masks of one class";

/// Of label maps `(N, spatial…)`.
pub(crate) fn of_labels(labels: &Labels, asked: &Asked, out: Out) -> Result<()> {
    with_labels!(labels.masks, T => of_labels_as::<T>(labels, asked, out))
}

fn of_labels_as<T: Element + Label + Sync>(labels: &Labels, asked: &Asked, out: Out) -> Result<()> {
    let masks = labels.masks;
    let shape = masks.prediction.shape();
    let Some((&samples, spatial)) = shape.split_first() else {
        return Err(masks.prediction.misshapen("prediction", "(N, spatial…)"));
    };
    let prediction = masks.prediction.dense::<T>("prediction", shape)?;
    let reference = masks.reference.dense::<T>("reference", shape)?;
    let counted = masks.counted(shape)?;
    let voxels: usize = spatial.iter().product();
    asked.write(masks, [samples, labels.classes], spatial, out, |sample| {
        let range = sample * voxels..(sample + 1) * voxels;
        let counted = counted.map(|counted| &counted[range.clone()]);
        let (prediction, reference) = (&prediction[range.clone()], &reference[range]);
        labels.expect_classes(sample, prediction, reference, counted)?;
        let ignored = labels.ignored::<T>();
        Ok(move |class: usize, planes: &mut Planes| {
            let is_class = |label: T| label.try_into().is_ok_and(|of: usize| of == class);
            for (voxel, (&p, &g)) in prediction.iter().zip(reference).enumerate() {
                let counts =
                    ignored != Some(g) && counted.is_none_or(|counted| counted[voxel] != 0);
                planes.prediction[voxel] = counts && is_class(p);
                planes.reference[voxel] = counts && is_class(g);
            }
        })
    })
}

/// Of masks `(N, C, spatial…)`.
pub(crate) fn of_masks(masks: &Masks, asked: &Asked, out: Out) -> Result<()> {
    let shape = masks.prediction.shape();
    let &[samples, classes, ref spatial @ ..] = shape else {
        return Err(masks.prediction.misshapen("prediction", "(N, C, spatial…)"));
    };
    let prediction = masks.prediction.truths("prediction", shape)?;
    let reference = masks.reference.truths("reference", shape)?;
    let counted = masks.counted(&[&[samples], spatial].concat())?;
    let voxels: usize = spatial.iter().product();
    asked.write(masks, [samples, classes], spatial, out, |sample| {
        let counted = counted.map(|counted| &counted[sample * voxels..][..voxels]);
        Ok(move |class: usize, planes: &mut Planes| {
            let range = (sample * classes + class) * voxels..;
            let pairs = prediction[range.clone()].iter().zip(&reference[range]).take(voxels);
            for (voxel, (&p, &g)) in pairs.enumerate() {
                let counts = counted.is_none_or(|counted| counted[voxel] != 0);
                planes.prediction[voxel] = counts && p != 0;
                planes.reference[voxel] = counts && g != 0;
            }
        })
    })
}

/// The voxels of one class of one sample.
struct Planes {
    prediction: Vec<bool>,
    reference: Vec<bool>,
}

impl Asked {
    /// Writes what is found in each class of each sample. `sample` looks at one, and gives what fills
    /// the planes of a class of it.
    fn write<F: FnMut(usize, &mut Planes)>(
        &self,
        masks: &Masks,
        [samples, classes]: [usize; 2],
        spatial: &[usize],
        mut out: Out,
        sample: impl Fn(usize) -> Result<F> + Sync,
    ) -> Result<()> {
        masks.keep_apart(&out.counts)?;
        masks.keep_apart(&out.sums)?;
        let grid = Grid::new(spatial, &self.spacing)?;
        let connectivity = match self.connectivity {
            Some(neighbours) => Connectivity::of(neighbours, spatial.len())?,
            None => Connectivity::default(),
        };
        let counts = out.counts.dense_mut::<i64>("counts", &[samples, 6, classes])?;
        let sums = out.sums.dense_mut::<f64>("sums", &[samples, 2, classes])?;
        // Morphology shares its work among the threads of the pool, whatever the size.
        pool::run(self.threads, usize::MAX, || {
            let plane = || filled(false, grid.voxels(), PLANES);
            let mut planes = Planes { prediction: plane()?, reference: plane()? };
            for index in 0..samples {
                let mut fill = sample(index)?;
                for class in 0..classes {
                    fill(class, &mut planes);
                    let Planes { prediction, reference } = &planes;
                    let found =
                        Lesions::of(prediction, reference, &grid, connectivity, self.overlap)?;
                    let numbers = [
                        found.reference,
                        found.found,
                        found.predicted,
                        found.right,
                        found.matched,
                        found.cells,
                    ];
                    for (row, number) in numbers.into_iter().enumerate() {
                        counts[(index * 6 + row) * classes + class] = number as i64;
                    }
                    for (row, sum) in [found.matched_iou, found.cell_dice].into_iter().enumerate() {
                        sums[(index * 2 + row) * classes + class] = sum;
                    }
                }
            }
            Ok(())
        })
    }
}
