//! Which voxels lie inside each class, for the making of maps.

use super::{
    Visit, by_tile,
    exponentials::Exponentials,
    isa::Instructions,
    jobs::{Job, Jobs},
    odds::probabilities,
    scratch::Work,
    tile::{Borrow, Input, Tile},
};
use crate::{Activation, Result, room};

/// Whose classes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    /// The reference: where it has the class, or at least half of it.
    Reference,
    /// The prediction: where the activation gives the class more than one half.
    Prediction(Activation),
    /// Neither's: where the voxel counts.
    Counted,
}

/// Row-major (sample, class, voxel): the voxels inside each class. One that does not count is inside
/// none.
///
/// Fails for labels and values out of range, as sweep 1 does.
pub(crate) fn inside(batch: &Input, side: Side) -> Result<Vec<bool>> {
    let batch = &Input { check: true, scale: None, ..*batch };
    let [samples, classes, voxels] = batch.logits.layout.shape();
    let count = samples.saturating_mul(classes).saturating_mul(voxels);
    room::expect(count, size_of::<bool>(), "the insides of all classes")?;
    let mut all = vec![false; count];
    let run = |job: Job| {
        let inside = vec![false; classes * (job.end - job.start)];
        by_tile(batch, job, Inside { side, job, inside }).map(|found| found.inside)
    };
    let take = |job: Job, part: Vec<bool>| {
        let len = job.end - job.start;
        for (class, part) in part.chunks_exact(len).enumerate() {
            let at = (job.sample * classes + class) * voxels + job.start;
            all[at..][..len].copy_from_slice(part);
        }
    };
    Jobs::new([samples, classes, voxels]).each(1 << 18, run, take)?;
    Ok(all)
}

struct Inside {
    side: Side,
    job: Job,
    /// Row-major (class, voxel).
    inside: Vec<bool>,
}

impl<F: Borrow> Visit<F> for Inside {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, _: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        let Work { probability, reference, planes: [sum, shift, ..], .. } = work;
        let half = F::of(0.5);
        let planes = match self.side {
            Side::Reference | Side::Counted => tile.dense(reference),
            Side::Prediction(Activation::Softmax) => {
                Exponentials::new::<I>(tile, probability, sum, shift).normalise();
                &*probability
            }
            Side::Prediction(activation) => {
                for (class, p) in probability[..tile.classes].iter_mut().enumerate() {
                    probabilities::<I, F>(activation, tile.logits.plane(class), p);
                }
                &*probability
            }
        };
        let with_half = matches!(self.side, Side::Reference);
        let everywhere = matches!(self.side, Side::Counted);
        let (len, at) = (self.job.end - self.job.start, tile.start - self.job.start);
        for (plane, inside) in planes.iter().zip(self.inside.chunks_exact_mut(len)) {
            let inside = &mut inside[at..][..tile.used];
            for ((inside, &x), &weight) in inside.iter_mut().zip(plane).zip(tile.weight) {
                let is_in = everywhere | (x > half) | (with_half & (x == half));
                *inside = is_in & (weight != F::ZERO);
            }
        }
    }

    #[inline(always)]
    fn end_span(&mut self, _: &Input, _: Job, _: f64, _: &Work<F>) {}
}
