//! One class: its errors in their order, and what each of them adds.

use std::ops::Range;

use super::{
    super::{
        Borrow, Instructions, Kernel, SPAN, Store, dispatch,
        ieee::Ieee,
        jobs::Job,
        load,
        shared::Shared,
        survey::{Members, Survey},
        tile::{Input, run_of},
    },
    Rank,
    key::Ranked,
};
use crate::{
    direct::Cell,
    ranked::{Errors, length_of_piece, sort, spread},
};

/// Keys of a part of the order, whose increments are added up by themselves.
const PART: usize = 1 << 14;

/// What a class is ranked in.
pub(super) struct Buffers<F: Rank> {
    keys: Vec<F::Key>,
    /// The same, on their way.
    others: Vec<F::Key>,
    slopes: Vec<F>,
}

impl<F: Rank> Buffers<F> {
    /// For so many voxels.
    pub fn new(voxels: usize) -> Self {
        let keys = || vec![F::Key::default(); voxels];
        Self { keys: keys(), others: keys(), slopes: vec![F::ZERO; voxels] }
    }
}

/// A class of one sample, or of all of them.
pub(super) struct Class<'a, F: Rank> {
    pub batch: &'a Input<'a>,
    pub survey: &'a Survey<F>,
    pub errors: Errors,
    pub samples: Range<usize>,
    pub class: usize,
    pub cell: Cell,
    /// Bits that number the voxels of a sample.
    pub bits: u32,
    /// Where the slopes go.
    pub store: Option<&'a Store<'a>>,
}

/// A part of a sample, with room for its keys and slopes.
struct Piece<'b, F: Rank> {
    job: Job,
    keys: &'b mut [F::Key],
    slopes: &'b mut [F],
}

impl<F: Rank + Borrow> Class<'_, F> {
    /// The loss of the class; its slopes are written where they go.
    pub fn rank(&self, buffers: &mut Buffers<F>, in_parallel: bool) -> f64 {
        let Buffers { keys, others, slopes } = buffers;
        let length = length_of_piece(slopes.len()).next_multiple_of(SPAN);
        let mut value = 0.0;
        if self.cell.is_asked {
            let pieces = self.pieces(length, keys, slopes);
            let starts: Vec<_> = pieces
                .iter()
                .scan(0, |end, piece| {
                    *end += piece.keys.len();
                    Some(*end - piece.keys.len())
                })
                .collect();
            let counts = spread(pieces, in_parallel, |piece| {
                let _ieee = Ieee::enter();
                piece.slopes.fill(F::ZERO);
                dispatch(
                    self.batch.plan.isa,
                    Fill { class: self, job: piece.job, keys: piece.keys },
                )
            });
            let filled = starts.iter().zip(counts).map(|(&start, count)| start..start + count);
            let sorted = sort(keys, filled.collect(), others, in_parallel);
            value = self.walk(sorted, Shared::new(slopes), in_parallel);
        } else if self.store.is_some() {
            slopes.fill(F::ZERO);
        }
        if let Some(store) = self.store {
            spread(
                self.pieces(length, keys, slopes),
                in_parallel,
                |Piece { job, slopes, .. }| {
                    // SAFETY: pieces are disjoint, and lie within the logits' shape, which is the
                    // gradient's.
                    unsafe { store.run(job.sample, self.class, job.start, slopes) };
                    store.finish();
                },
            );
        }
        value
    }

    /// Everything, cut up.
    fn pieces<'b>(
        &self,
        length: usize,
        mut keys: &'b mut [F::Key],
        mut slopes: &'b mut [F],
    ) -> Vec<Piece<'b, F>> {
        let voxels = self.batch.logits.layout.voxels;
        let mut pieces = Vec::new();
        for sample in self.samples.clone() {
            for start in (0..voxels).step_by(length) {
                let end = voxels.min(start + length);
                let (own_keys, own_slopes);
                (own_keys, keys) = keys.split_at_mut(end - start);
                (own_slopes, slopes) = slopes.split_at_mut(end - start);
                let job = Job { sample, start, end };
                pieces.push(Piece { job, keys: own_keys, slopes: own_slopes });
            }
        }
        pieces
    }

    /// Σ error · increment over the sorted errors; the increments become slopes.
    ///
    /// The Jaccard loss of the first voxels grows with each: by 1 / U for one inside the class and by
    /// I / (U (U + 1)) for one outside, where the U voxels of the union are all those of the class and
    /// those outside before it, and the I of the intersection those of the class that are still to come.
    fn walk(&self, sorted: &[F::Key], slopes: Shared<F>, in_parallel: bool) -> f64 {
        let size = self.cell.size;
        if size == 0 {
            // The union is what came before, and the first voxel alone makes the loss 1.
            return sorted.first().map_or(0.0, |&key| {
                self.keep(slopes, key, 1.0);
                F::error(key)
            });
        }
        let parts: Vec<_> = sorted.chunks(PART).collect();
        let inside = spread(parts.clone(), in_parallel, |keys: &[F::Key]| {
            keys.iter().filter(|&&key| F::ranked(key).inside).count() as u64
        });
        let before = inside.iter().scan(0, |before, inside| {
            *before += inside;
            Some(*before - inside)
        });
        let parts: Vec<_> = parts.into_iter().zip(before).enumerate().collect();
        let sums = spread(parts, in_parallel, |(index, (keys, before))| {
            let _ieee = Ieee::enter();
            let mut sum = 0.0;
            let mut inside = before;
            let mut outside = (index * PART) as u64 - before;
            for &key in keys {
                if inside == size {
                    break;
                }
                let ranked = F::ranked(key);
                let union = (size + outside) as f64;
                let increment = match ranked.inside {
                    true => 1.0 / union,
                    false => (size - inside) as f64 / (union * (union + 1.0)),
                };
                sum += F::error(key) * increment;
                self.keep(slopes, key, increment);
                inside += u64::from(ranked.inside);
                outside += u64::from(!ranked.inside);
            }
            sum
        });
        sums.into_iter().sum()
    }

    /// Keeps the slope by a voxel's logit or probability, NaN where its error is.
    #[inline(always)]
    fn keep(&self, slopes: Shared<F>, key: F::Key, increment: f64) {
        if self.store.is_none() {
            return;
        }
        let (ranked, error) = (F::ranked(key), F::error(key));
        let (sample, voxel) = (ranked.place >> self.bits, ranked.place & ((1 << self.bits) - 1));
        let at = sample as usize * self.batch.logits.layout.voxels + voxel as usize;
        let slope = if error.is_nan() { error } else { self.cell.factor * increment };
        // SAFETY: no two keys are of one voxel.
        unsafe { slopes.set(at, F::of(if ranked.falls { -slope } else { slope })) };
    }
}

/// Writes a piece's keys: those of the voxels that count and have an error. Says how many there are.
struct Fill<'a, F: Rank> {
    class: &'a Class<'a, F>,
    job: Job,
    keys: &'a mut [F::Key],
}

impl<F: Rank + Borrow> Kernel for Fill<'_, F> {
    type Output = usize;

    #[inline(always)]
    fn run<I: Instructions>(self) -> usize {
        let Self { class: Class { batch, survey, errors, samples, class, bits, .. }, job, keys } =
            self;
        if !batch.is_valid(job.sample, *class) {
            return 0;
        }
        let layout = batch.logits.layout;
        let members = Members::new(batch, *class);
        let place = ((job.sample - samples.start) as u64) << bits;
        let mut count = 0;
        for part in job.spans() {
            let (len, row) = (part.end - part.start, job.sample * layout.voxels + part.start);
            let (at, stride) = run_of(layout, part.sample, *class, part.start);
            let codes = &survey.codes[row..][..len];
            let mut x = [F::ZERO; SPAN];
            let x = &mut x[..len];
            load::floats(batch.logits.data, at, stride, x);
            if *errors == Errors::Softmax {
                let (shift, inverse) = (&survey.shift[row..][..len], &survey.inverse[row..][..len]);
                for i in 0..len {
                    x[i] = (x[i] - shift[i]).exp::<I>() * inverse[i];
                }
            }
            let mut inside = [false; SPAN];
            members.of_span::<F>(*class, part, codes, &mut inside[..len]);
            for i in 0..len {
                let inside = inside[i];
                let (error, falls) = match errors {
                    Errors::Hinge => (F::ONE + if inside { -x[i] } else { x[i] }, inside),
                    _ => {
                        let g = if inside { F::ONE } else { F::ZERO };
                        ((g - x[i]).abs(), x[i] < g)
                    }
                };
                let place = place | (part.start + i) as u64;
                keys[count] = F::key(error, Ranked { place, falls, inside });
                // What is NaN is kept, and makes the loss NaN.
                let is_right = error <= F::ZERO;
                count += usize::from((codes[i] >= 0) & !is_right);
            }
        }
        count
    }
}
