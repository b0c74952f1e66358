//! The voxels that are the hardest for a voxel loss.

use super::{
    Borrow, Instructions, Job, Scratched, Store, Visit, Work, Written, by_tile, each,
    geometry::TILE,
    keep, kernels,
    measure::gather_merged,
    merged::{Merged, distinct},
    tile::{Input, Tile},
    voxel_losses, write_span,
};
use crate::{
    Layout, Output, Result, Selection,
    evaluate::VoxelSlopes,
    ranked::{Ordered, largest},
    room,
    tensor::{FloatMut, FloatSlice, Kind},
};

/// A map (N, 1, S), or (N, C, S), of 1 in the voxels that are taken, else 0.
///
/// The plan is of one voxel term, by whose losses voxels are ranked; `weights` are those of the classes,
/// and a voxel counts as far as its classes have some.
/// Fails for labels and values out of range, as sweep 1 does.
pub(crate) fn hardest(
    batch: &Input,
    selection: Selection,
    weights: &[f64],
    is_per_voxel: bool,
) -> Result<Vec<f32>> {
    let ranking = Ranking { selection, weights, is_per_voxel };
    match batch.logits.data {
        FloatSlice::F64(_) => ranking.taken::<f64>(batch),
        _ => ranking.taken::<f32>(batch),
    }
}

#[derive(Clone, Copy)]
struct Ranking<'a> {
    selection: Selection,
    weights: &'a [f64],
    is_per_voxel: bool,
}

impl Ranking<'_> {
    fn channels(self) -> usize {
        if self.is_per_voxel { 1 } else { self.weights.len() }
    }

    fn taken<F: FloatMut + Ordered + Borrow + Scratched>(self, batch: &Input) -> Result<Vec<f32>> {
        let losses = self.losses::<F>(batch)?;
        let hard = F::of(-self.selection.threshold.ln());
        let (mut counted, mut below) = (0, 0);
        for &loss in &losses {
            counted += usize::from(loss != F::NEG_INFINITY);
            // NaN is as hard as can be.
            below += usize::from(loss > hard || loss.to_f64().is_nan());
        }
        Ok(largest(&losses, self.selection.taken(counted, below)))
    }

    /// What voxels are ranked by, row-major; −∞ where they do not count.
    fn losses<F: FloatMut + Ordered + Borrow>(self, batch: &Input) -> Result<Vec<F>> {
        let [samples, _, voxels] = batch.logits.layout.shape();
        let shape = [samples, self.channels(), voxels];
        let count = shape.into_iter().fold(1, usize::saturating_mul);
        room::expect(count, size_of::<F>() + size_of::<f32>(), "the losses of all voxels")?;
        let mut losses = vec![F::ZERO; count];
        if count == 0 {
            return Ok(losses);
        }
        let batch = &Input { check: true, scale: Some(1.0), ..*batch };
        let slopes = VoxelSlopes::unreduced(batch.plan, 0);
        let store = Store::new(Output::new(&mut losses, Layout::channels_first(&shape)?)?);
        let by_tiles = Losses { ranking: self, slopes: &slopes, store: &store };
        let counts_all = self.counts_all(batch);
        each(batch, &store, |job| match kernels::Recipe::of(batch, job.sample) {
            Some(recipe) if counts_all && recipe.has_losses() => {
                let written = Written::Losses(&slopes, self.channels());
                // SAFETY: jobs are disjoint, and lie within the map's shape.
                unsafe { kernels::write(batch, &recipe, written, job, &store) }
            }
            _ => by_tile(batch, job, by_tiles).map(drop),
        })?;
        Ok(losses)
    }

    /// Whether every voxel counts, whatever its label, and counts the same.
    fn counts_all(self, batch: &Input) -> bool {
        matches!(batch.target.kind, Kind::Labels(_))
            && batch.counts_all()
            && batch.target.masks.class_valid.is_none()
            && self.weights.iter().all(|&weight| weight > 0.0)
    }
}

/// Writes the losses.
#[derive(Clone, Copy)]
struct Losses<'a> {
    ranking: Ranking<'a>,
    slopes: &'a VoxelSlopes,
    store: &'a Store<'a>,
}

impl<F: Borrow> Visit<F> for Losses<'_> {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, batch: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        let Ranking { selection, weights, is_per_voxel } = self.ranking;
        let channels = self.ranking.channels();
        voxel_losses::unweighed::<I, F>(batch, std::slice::from_ref(self.slopes), tile, work);
        let Work { reference, slopes: losses, planes: [g, counts, ..], .. } = work;
        let valid = batch.valid(tile.sample);
        if is_per_voxel {
            // A voxel counts as far as its class does.
            let (merged, reference) = (Merged::new(valid), tile.dense(reference));
            *counts = [F::ZERO; TILE];
            for class in distinct(merged, tile.classes) {
                gather_merged(merged, class, reference, g);
                let weight = F::of(weights[class]);
                (0..TILE).for_each(|i| counts[i] += weight * g[i]);
            }
        }
        for (class, losses) in losses[..channels].iter_mut().enumerate() {
            if !is_per_voxel {
                let is_valid = valid.is_none_or(|valid| valid[class]);
                *counts = [if is_valid { F::of(weights[class]) } else { F::ZERO }; TILE];
            }
            for i in 0..TILE {
                let weight = tile.weight[i];
                let loss =
                    if selection.is_by_probability() { losses[i] } else { weight * losses[i] };
                let is_counted = (weight != F::ZERO) & (counts[i] != F::ZERO);
                losses[i] = if is_counted { loss } else { F::NEG_INFINITY };
            }
        }
        // SAFETY: jobs and their tiles are disjoint, and lie within the map's shape.
        unsafe { keep(self.store, tile, channels, work) };
    }

    #[inline(always)]
    fn end_span(&mut self, batch: &Input, span: Job, _: f64, work: &Work<F>) {
        let channels = [batch.plan.classes, self.ranking.channels()];
        // SAFETY: jobs and their spans are disjoint, and lie within the map's shape.
        unsafe { write_span(self.store, channels, span, work) };
    }
}
