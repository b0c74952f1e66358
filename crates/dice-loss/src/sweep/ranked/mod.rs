//! Errors of voxels, sorted class by class: what a Lovász loss is computed from.
//!
//! A survey reads the target once: which voxels count, how many each class has, and under softmax what
//! turns a logit into a probability, so that a class can be taken by itself. Then one class after the
//! other has its errors written out as keys, sorted, and walked through in their order. Its slopes go to
//! the gradient's own buffer, where those of softmax then become the gradient.
//!
//! Voxels that are ranked together are few: then each class has a thread, or many: then all threads
//! share a class. Either way the order is that of the keys, and no two keys are the same.

mod key;
mod order;

pub(crate) use key::Rank;

use rayon::prelude::*;

use super::{
    Borrow, Scratched, Store, by_tile,
    chain::Jacobian,
    each,
    ieee::Ieee,
    survey::{Survey, Wanted},
    tile::Input,
};
use crate::{
    Error, Output, Result, Stop,
    direct::{Cell, Cells, Sizes},
    error::stated,
    ranked::Errors,
    room,
    tensor::FloatSlice,
};
use order::{Buffers, Class};

/// Voxels that are ranked together, from which on all threads share a class.
const MANY: usize = 1 << 16;

/// Errors below which everything stays on the thread that asks.
const WORTH_THREADS: usize = 1 << 15;

/// What is ranked.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub errors: Errors,
    /// Whether all samples are ranked together; otherwise each by itself.
    pub pooled: bool,
}

/// The cells, (samples or one, class), and the loss of each; and the gradient, if it is wanted.
///
/// `decide` is told what the target has, and says for each cell what becomes of it.
pub(crate) fn ranked(
    batch: &Input,
    asked: Asked,
    decide: impl FnOnce(&Sizes) -> Cells,
    gradient: Option<Output>,
) -> Result<(Cells, Vec<f64>)> {
    match batch.logits.data {
        FloatSlice::F64(_) => ranked_in::<f64>(batch, asked, decide, gradient),
        _ => ranked_in::<f32>(batch, asked, decide, gradient),
    }
}

fn ranked_in<F: Rank + Borrow + Scratched>(
    batch: &Input,
    asked: Asked,
    decide: impl FnOnce(&Sizes) -> Cells,
    gradient: Option<Output>,
) -> Result<(Cells, Vec<f64>)> {
    let [samples, classes, voxels] = batch.logits.layout.shape();
    let together = if asked.pooled { samples } else { 1 };
    let bits = bits_of_voxel::<F>(together, voxels)?;
    let survey =
        Survey::<F>::new(batch, Wanted { softmax: asked.errors == Errors::Softmax, hard: true })?;
    let cells = decide(&survey.sizes);
    let store = gradient.map(Store::new);
    let of_cell = |(index, &cell): (usize, &Cell)| {
        let [group, class] = [index / classes, index % classes];
        Class {
            batch,
            survey: &survey,
            errors: asked.errors,
            samples: group * together..(group + 1) * together,
            class,
            cell,
            bits,
            store: store.as_ref(),
        }
    };
    if samples * classes * voxels == 0 {
        let losses = vec![0.0; cells.as_slice().len()];
        return Ok((cells, losses));
    }
    let ranked = together * voxels;
    // Keys twice, and slopes.
    let bytes = 2 * size_of::<F::Key>() + size_of::<F>();
    room::expect(ranked, bytes, "the errors of a class")?;
    let stop = Stop::current();
    let rank = |buffers: &mut Buffers<F>, class: Class<F>, in_parallel| {
        if stop.as_ref().is_some_and(Stop::is_set) {
            return Err(Error::Interrupted);
        }
        let _ieee = Ieee::enter();
        Ok(class.rank(buffers, in_parallel))
    };
    let new = || Buffers::<F>::new(ranked);
    let all = cells.as_slice().iter().enumerate().map(of_cell).collect::<Vec<_>>();
    let losses: Result<Vec<_>> = if ranked >= MANY {
        let mut buffers = new();
        all.into_iter().map(|class| rank(&mut buffers, class, true)).collect()
    } else if samples * classes * voxels < WORTH_THREADS {
        let mut buffers = new();
        all.into_iter().map(|class| rank(&mut buffers, class, false)).collect()
    } else {
        let rank = |buffers: &mut Buffers<F>, class| rank(buffers, class, false);
        all.into_par_iter().map_init(new, rank).collect()
    };
    if let (Some(store), Errors::Softmax) = (&store, asked.errors) {
        each(batch, store, |job| by_tile(batch, job, Jacobian { store }).map(drop))?;
    }
    Ok((cells, losses?))
}

/// Bits that number the voxels of a sample, in the number of a voxel among those it is ranked with.
fn bits_of_voxel<F: Rank>(together: usize, voxels: usize) -> Result<u32> {
    let bits = voxels.max(1).next_power_of_two().trailing_zeros();
    let most = 1 << (F::PLACES - bits.min(F::PLACES));
    if together > most || bits > F::PLACES {
        return stated(
            "lovasz: voxels ranked together",
            format!("{together} samples of {voxels} voxels"),
            format!("at most {most} such samples: pool over fewer, or rank in f64"),
        );
    }
    Ok(bits)
}
