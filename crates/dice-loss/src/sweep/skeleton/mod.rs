//! Soft skeletons, class by class: what clDice is computed from.
//!
//! A survey reads the target once. Then each class of each sample has its probabilities and its reference
//! written out, both are thinned, and sums are taken of them and their skeletons. Where a value is that of
//! one class of one sample its gradient follows at once; where several have one value together, all sums
//! come first, and each is thinned again for its gradient. Slopes go to the gradient's own buffer, where
//! those of softmax then become the gradient.
//!
//! Classes of few voxels have a thread each; threads share one of many. Either way each number is computed
//! in the same way, and sums are those of pieces that depend on the shape alone.

mod grid;
mod rows;
mod steps;

pub(crate) use grid::Grid;

use rayon::prelude::*;

use super::{
    Borrow, Scratched, Store, by_tile,
    chain::Jacobian,
    each,
    geometry::SPAN,
    ieee::Ieee,
    isa::{Instructions, Kernel, dispatch},
    jobs::Job,
    load, odds,
    survey::{Members, Survey, Wanted},
    tile::{Input, run_of},
};
use crate::{
    Activation, Output, Pool, Result, Stop,
    centerline::{Formula, Lines},
    direct::{Cells, Sizes, Told},
    ranked::spread,
    room,
    tensor::{FloatSlice, Kind},
};
use grid::Work;
use steps::Maps;

/// Voxels of a sample from which on all threads share a class.
const MANY: usize = 1 << 18;

/// Voxels of all classes below which everything stays on the thread that asks.
const WORTH_THREADS: usize = 1 << 13;

/// What is computed.
#[derive(Clone, Copy)]
pub(crate) struct Centerlines<'a> {
    pub grid: Grid,
    pub activation: Activation,
    pub iterations: usize,
    pub formula: &'a Formula,
    pub told: &'a Told,
    /// Of each class.
    pub weights: &'a [f64],
}

/// The cells and the loss of each; and the gradient, if it is wanted.
///
/// `decide` is told what the target has, and says for each cell what becomes of it.
pub(crate) fn centerlines(
    batch: &Input,
    asked: &Centerlines,
    decide: impl FnOnce(&Sizes) -> Cells,
    gradient: Option<Output>,
) -> Result<(Cells, Vec<f64>)> {
    match batch.logits.data {
        FloatSlice::F64(_) => centerlines_in::<f64>(batch, asked, decide, gradient),
        _ => centerlines_in::<f32>(batch, asked, decide, gradient),
    }
}

fn centerlines_in<F: Borrow + Scratched>(
    batch: &Input,
    asked: &Centerlines,
    decide: impl FnOnce(&Sizes) -> Cells,
    gradient: Option<Output>,
) -> Result<(Cells, Vec<f64>)> {
    let [samples, classes, voxels] = batch.logits.layout.shape();
    let is_softmax = asked.activation == Activation::Softmax;
    let survey = Survey::<F>::new(batch, Wanted { softmax: is_softmax, hard: false })?;
    let cells = decide(&survey.sizes);
    let mut sums = vec![Lines::default(); cells.as_slice().len()];
    if samples * classes * voxels == 0 {
        let losses = vec![0.0; sums.len()];
        return Ok((cells, losses));
    }
    let store = gradient.map(Store::new);
    let all: Vec<_> = (0..samples * classes)
        .map(|index| {
            let [sample, class] = [index / classes, index % classes];
            let cell = asked.told.cell_of([sample, class], classes);
            let weight = asked.weights[class];
            // In a cell of all classes their sums are weighed.
            let share = if asked.told.pool() == Pool::All { weight } else { 1.0 };
            let counts = batch.is_valid(sample, class) && weight > 0.0;
            let is_asked = counts && cells.as_slice()[cell].is_asked;
            Class { batch, survey: &survey, asked, sample, class, cell, share, is_asked }
        })
        .collect();
    let has_own = all.iter().all(|class| class.share == 1.0) && sums.len() == all.len();
    let run = Run { asked, count: all.len() };
    let loss = |cell: usize, sums: &Lines| asked.formula.loss(sums, cells.as_slice()[cell].factor);
    let losses = if let (true, Some(store)) = (has_own, &store) {
        run.each(all, true, |class, maps, work| {
            let mut loss_of_class = 0.0;
            let by_sums = if class.is_asked {
                let by_sums;
                (loss_of_class, by_sums) = loss(class.cell, &class.measure(maps, work, true)?);
                Some(by_sums)
            } else {
                None
            };
            class.write(maps, work, by_sums, store)?;
            Ok(loss_of_class)
        })?
    } else {
        let asked_of: Vec<_> = all.iter().copied().filter(|class| class.is_asked).collect();
        let found = run
            .each(asked_of.clone(), false, |class, maps, work| class.measure(maps, work, false))?;
        for (class, found) in asked_of.iter().zip(found) {
            sums[class.cell].add(&found, class.share);
        }
        let found: Vec<_> = sums.iter().enumerate().map(|(cell, sums)| loss(cell, sums)).collect();
        if let Some(store) = &store {
            run.each(all, true, |class, maps, work| {
                let mut by_sums = None;
                if class.is_asked {
                    class.measure(maps, work, true)?;
                    by_sums = Some(found[class.cell].1.times(class.share));
                }
                class.write(maps, work, by_sums, store)
            })?;
        }
        let asked = cells.as_slice().iter().map(|cell| cell.is_asked);
        found.iter().zip(asked).map(|((loss, _), asked)| if asked { *loss } else { 0.0 }).collect()
    };
    if let (Some(store), true) = (&store, is_softmax) {
        each(batch, store, |job| by_tile(batch, job, Jacobian { store }).map(drop))?;
    }
    Ok((cells, losses))
}

/// Does the same with classes of samples, each in maps that are made once for many.
struct Run<'a> {
    asked: &'a Centerlines<'a>,
    /// Classes of all samples.
    count: usize,
}

impl Run<'_> {
    fn each<F: Borrow, T: Send>(
        &self,
        classes: Vec<Class<F>>,
        with_gradient: bool,
        run: impl Fn(Class<F>, &mut Maps<F>, Work<'_>) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        let Centerlines { grid, iterations, .. } = *self.asked;
        let voxels = grid.voxels();
        let alone = voxels < MANY && voxels * self.count >= WORTH_THREADS;
        let threads = if alone { rayon::current_num_threads().min(classes.len()) } else { 1 };
        let bytes = Maps::<F>::count(iterations, grid.axes, with_gradient) * size_of::<F>();
        room::expect(threads * voxels, bytes, "the skeleton of a class")?;
        let stop = Stop::current();
        let run = |maps: &mut Maps<F>, class: Class<F>| {
            let isa = class.batch.plan.isa;
            let _ieee = Ieee::enter();
            run(class, maps, Work { isa, grid, in_parallel: voxels >= MANY, stop: stop.as_ref() })
        };
        let maps = || Maps::new(iterations, grid, with_gradient);
        if alone {
            return classes.into_par_iter().map_init(maps, run).collect();
        }
        let mut maps = maps();
        classes.into_iter().map(|class| run(&mut maps, class)).collect()
    }
}

/// A class of one sample.
struct Class<'a, F> {
    batch: &'a Input<'a>,
    survey: &'a Survey<F>,
    asked: &'a Centerlines<'a>,
    sample: usize,
    class: usize,
    cell: usize,
    share: f64,
    /// Whether it has sums; otherwise its gradient is 0.
    is_asked: bool,
}

impl<F> Clone for Class<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Class<'_, F> {}

impl<F: Borrow> Class<'_, F> {
    /// Its sums. If they are to go back, what the way back wants is left in the maps.
    fn measure(&self, maps: &mut Maps<F>, work: Work, goes_back: bool) -> Result<Lines> {
        let isa = self.batch.plan.isa;
        spread(pieces(self.sample, maps.given()), work.in_parallel, |(job, [p, g])| {
            let _ieee = Ieee::enter();
            dispatch(isa, Fill { class: self, job, p, g });
        });
        maps.thin_reference(work)?;
        match goes_back {
            true => maps.thin(work)?,
            false => maps.thin_only(work)?,
        }
        let [p, of_p, g, of_g] = maps.found().map(Some);
        let pairs =
            [[of_p, g], [of_p, None], [of_g, p], [of_g, None], [p, g], [p, None], [g, None]];
        Ok(Lines::new(work.sums(pairs)))
    }

    /// Writes the derivatives by its logits, or under softmax by its probabilities, of what was measured.
    fn write(
        &self,
        maps: &mut Maps<F>,
        work: Work,
        by_sums: Option<Lines>,
        store: &Store,
    ) -> Result<()> {
        let isa = self.batch.plan.isa;
        if let Some(by_sums) = by_sums {
            maps.pull_back(work, [by_sums.skeleton_g, by_sums.skeleton].map(F::of))?;
        }
        let (slopes, others) = maps.slopes();
        let by_sums = by_sums.map(|by| [by.p_skeleton, by.pg, by.p].map(F::of));
        spread(pieces(self.sample, [slopes]), work.in_parallel, |(job, [slopes])| {
            let _ieee = Ieee::enter();
            match by_sums {
                None => slopes.fill(F::ZERO),
                Some(by_sums) => {
                    let others = others.map(|map| &map[job.start..job.end]);
                    dispatch(isa, Join { class: self, job, by_sums, others, slopes });
                }
            }
            // SAFETY: pieces are disjoint, as are classes, and lie within the logits' shape, which is the
            // gradient's.
            unsafe { store.run(job.sample, self.class, job.start, slopes) };
            store.finish();
        });
        Ok(())
    }
}

/// Maps of a sample, cut up.
fn pieces<F, const M: usize>(sample: usize, maps: [&mut Vec<F>; M]) -> Vec<(Job, [&mut [F]; M])> {
    const PIECE: usize = 16 * SPAN;
    let voxels = maps.first().map_or(0, |map| map.len());
    let mut chunks = maps.map(|map| map.chunks_mut(PIECE));
    (0..voxels)
        .step_by(PIECE)
        .map(|start| {
            let job = Job { sample, start, end: voxels.min(start + PIECE) };
            (job, chunks.each_mut().map(|of| of.next().unwrap_or_default()))
        })
        .collect()
}

/// Writes out the probabilities and the reference of a class; both are 0 where a voxel does not count.
struct Fill<'a, F> {
    class: &'a Class<'a, F>,
    job: Job,
    p: &'a mut [F],
    g: &'a mut [F],
}

impl<F: Borrow> Kernel for Fill<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { class: &Class { batch, survey, asked, class, .. }, job, p, g } = self;
        let (layout, target) = (batch.logits.layout, batch.target);
        let members = Members::new(batch, class);
        for part in job.spans() {
            let (len, row) = (part.end - part.start, job.sample * layout.voxels + part.start);
            let codes = &survey.codes[row..][..len];
            let (p, g) =
                (&mut p[part.start - job.start..][..len], &mut g[part.start - job.start..]);
            let g = &mut g[..len];
            let (at, stride) = run_of(layout, part.sample, class, part.start);
            load::floats(batch.logits.data, at, stride, p);
            match asked.activation {
                Activation::Softmax => {
                    let shift = &survey.shift[row..][..len];
                    let inverse = &survey.inverse[row..][..len];
                    for i in 0..len {
                        p[i] = (p[i] - shift[i]).exp::<I>() * inverse[i];
                    }
                }
                activation => {
                    for i in 0..len {
                        p[i] = odds::probability::<I, F>(activation, p[i]);
                    }
                }
            }
            let mut counts = [F::ZERO; SPAN];
            for i in 0..len {
                counts[i] = if codes[i] >= 0 { F::ONE } else { F::ZERO };
            }
            if let Kind::Dense(data) = target.kind {
                let (at, stride) = run_of(target.layout, part.sample, class, part.start);
                load::counted_dense(data, at, stride, &counts[..len], g);
                for g in &mut *g {
                    let low = if *g < F::ZERO { F::ZERO } else { *g };
                    *g = if low > F::ONE { F::ONE } else { low };
                }
            } else {
                let mut inside = [false; SPAN];
                members.of_span::<F>(class, part, codes, &mut inside[..len]);
                for i in 0..len {
                    g[i] = if inside[i] { counts[i] } else { F::ZERO };
                }
            }
            for i in 0..len {
                p[i] = if counts[i] == F::ZERO { F::ZERO } else { p[i] };
            }
        }
    }
}

/// Adds what else the sums have of a probability to the slopes by it; those of sigmoid become slopes by
/// the logit.
struct Join<'a, F> {
    class: &'a Class<'a, F>,
    job: Job,
    /// By Σ p S(g), Σ pg and Σ p.
    by_sums: [F; 3],
    /// The reference, and its skeleton.
    others: [&'a [F]; 2],
    slopes: &'a mut [F],
}

impl<F: Borrow> Kernel for Join<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { class, job, by_sums, others: [g, of_g], slopes } = self;
        let Class { batch, survey, asked, class, .. } = *class;
        let layout = batch.logits.layout;
        for part in job.spans() {
            let (len, row) = (part.end - part.start, job.sample * layout.voxels + part.start);
            let at = part.start - job.start;
            let codes = &survey.codes[row..][..len];
            let (g, of_g) = (&g[at..][..len], &of_g[at..][..len]);
            let slopes = &mut slopes[at..][..len];
            let mut by_logit = [F::ONE; SPAN];
            if asked.activation == Activation::Sigmoid {
                let (at, stride) = run_of(layout, part.sample, class, part.start);
                load::floats(batch.logits.data, at, stride, &mut by_logit[..len]);
                for x in &mut by_logit[..len] {
                    *x = odds::slope::<I, F>(*x);
                }
            }
            for i in 0..len {
                let slope = slopes[i] + by_sums[0] * of_g[i] + by_sums[1] * g[i] + by_sums[2];
                slopes[i] = if codes[i] >= 0 { slope * by_logit[i] } else { F::ZERO };
            }
        }
    }
}
