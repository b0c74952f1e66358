//! What the target has, and what makes probabilities of logits.

use super::{
    Borrow, Instructions, Kernel, Scratch, Scratched, dispatch,
    exponentials::Exponentials,
    geometry::{SPAN, TILE},
    jobs::{Job, Jobs},
    labels::UNCOUNTED,
    load,
    number::Number,
    shared::Shared,
    tile::{Input, Reference, Tile, run_of},
};
use crate::{Result, Target, direct::Sizes, room, tensor::Kind};

/// What a loss wants of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What makes probabilities of logits of classes that exclude each other.
    pub softmax: bool,
    /// That dense targets are 0 or 1.
    pub hard: bool,
}

/// What is read once, for all classes.
pub(super) struct Survey<F> {
    /// Row-major (sample, voxel): the label, of dense targets 0; negative where it does not count.
    pub codes: Vec<i32>,
    /// Under softmax p = exp(x − shift) · inverse.
    pub shift: Vec<F>,
    pub inverse: Vec<F>,
    pub sizes: Sizes,
}

impl<F: Borrow + Scratched> Survey<F> {
    /// Validates all labels and values on the way.
    pub fn new(batch: &Input, wanted: Wanted) -> Result<Self> {
        let batch = &Input { check: true, scale: None, ..*batch };
        let [samples, classes, voxels] = batch.logits.layout.shape();
        let count = samples * voxels;
        let exclusive = if wanted.softmax { count } else { 0 };
        let bytes = size_of::<i32>() + exclusive.min(1) * 2 * size_of::<F>();
        room::expect(count, bytes, "what the voxels of all classes share")?;
        let mut codes = vec![0; count];
        let [mut shift, mut inverse] = [vec![F::ZERO; exclusive], vec![F::ZERO; exclusive]];
        let mut sizes = vec![0; samples * classes];
        {
            let rows = Rows {
                codes: Shared::new(&mut codes),
                shift: Shared::new(&mut shift),
                inverse: Shared::new(&mut inverse),
            };
            let sweep = |job| {
                F::with_scratch(classes, |scratch| {
                    let kernel = Reading { batch, job, scratch, rows: &rows, wanted };
                    dispatch(batch.plan.isa, kernel)
                })
            };
            let add = |job: Job, found: Vec<u64>| {
                let of_sample = &mut sizes[job.sample * classes..][..classes];
                of_sample.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
            };
            Jobs::new([samples, classes, voxels]).each(classes, sweep, add)?;
        }
        Ok(Self { codes, shift, inverse, sizes: Sizes { sizes } })
    }
}

struct Rows<'a, F> {
    codes: Shared<'a, i32>,
    shift: Shared<'a, F>,
    inverse: Shared<'a, F>,
}

/// A job of the survey; says how many voxels of each class it has.
struct Reading<'a, F: Number> {
    batch: &'a Input<'a>,
    job: Job,
    scratch: &'a mut Scratch<F>,
    rows: &'a Rows<'a, F>,
    wanted: Wanted,
}

impl<F: Borrow> Kernel for Reading<'_, F> {
    type Output = Result<Vec<u64>>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Result<Vec<u64>> {
        let Self { batch, job, scratch, rows, wanted } = self;
        let Input { target, plan, logits, .. } = *batch;
        let is_dense = matches!(target.kind, Kind::Dense(_));
        let labels = match &target.kind {
            Kind::Regions { table, .. } => table.len(),
            Kind::Labels(_) => plan.classes.max(2),
            Kind::Dense(_) => 0,
        };
        let mut of_label = vec![0u64; labels];
        let mut of_class = vec![0u64; plan.classes];
        let Scratch { span: input, tile: tile_input, work, .. } = scratch;
        for part in job.spans() {
            let len = part.end - part.start;
            let at = part.sample * logits.layout.voxels + part.start;
            let span = batch.span(part, input, true)?;
            let mut codes = [UNCOUNTED; SPAN];
            for i in 0..len {
                let code = if is_dense { 0 } else { span.label[i] };
                codes[i] = if span.weight[i] == F::ZERO { UNCOUNTED } else { code };
            }
            if !is_dense {
                for &code in &codes[..len] {
                    if let Some(count) = of_label.get_mut(code as usize) {
                        *count += 1;
                    }
                }
            }
            // SAFETY: jobs and their spans are disjoint.
            unsafe { rows.codes.write(at, &codes[..len]) };
            if !is_dense && !wanted.softmax {
                continue;
            }
            for start in (0..len).step_by(TILE) {
                let tile = batch.tile::<F>(&span, start, tile_input)?;
                if let Reference::Dense(planes) = tile.reference
                    && is_dense
                {
                    if wanted.hard {
                        expect_hard(target, batch, &tile, planes)?;
                    }
                    for (count, plane) in of_class.iter_mut().zip(planes) {
                        *count += plane.iter().filter(|&&g| g != F::ZERO).count() as u64;
                    }
                }
                if wanted.softmax {
                    let [sum, shift, ..] = &mut work.planes;
                    Exponentials::new::<I>(&tile, &mut work.probability, sum, shift);
                    for i in 0..TILE {
                        sum[i] = F::ONE / sum[i];
                    }
                    let (start, used) = (at + start, tile.used);
                    // SAFETY: jobs and their tiles are disjoint.
                    unsafe {
                        rows.shift.write(start, &shift[..used]);
                        rows.inverse.write(start, &sum[..used]);
                    }
                }
            }
        }
        match &target.kind {
            Kind::Labels(_) if plan.classes == 1 => of_class[0] = of_label[1],
            Kind::Labels(_) => of_class = of_label,
            Kind::Regions { table, .. } => {
                for (class, count) in of_class.iter_mut().enumerate() {
                    let inside =
                        table.iter().zip(&of_label).filter(|(row, _)| row.contains(&class));
                    *count = inside.map(|(_, count)| count).sum();
                }
            }
            Kind::Dense(_) => {}
        }
        Ok(of_class)
    }
}

/// Fails for a dense target that is neither 0 nor 1.
#[inline(always)]
fn expect_hard<F: Borrow>(
    target: &Target,
    batch: &Input,
    tile: &Tile<F>,
    planes: &[[F; TILE]],
) -> Result<()> {
    let is_soft = |g: F| (g != F::ZERO) & (g != F::ONE);
    if !planes.iter().any(|plane| plane.iter().any(|&g| is_soft(g))) {
        return Ok(());
    }
    for i in 0..tile.used {
        if let Some(plane) = planes.iter().find(|plane| is_soft(plane[i])) {
            let place = [tile.sample, tile.start + i];
            return Err(target.softened(batch.logits.layout, place, plane[i].to_f64()));
        }
    }
    Ok(())
}

/// What says whether a voxel is inside a class.
pub(super) enum Members<'a> {
    Label(i32),
    Labels(Vec<bool>),
    Dense(&'a Target<'a>),
}

impl<'a> Members<'a> {
    pub fn new(batch: &'a Input<'a>, class: usize) -> Self {
        match &batch.target.kind {
            Kind::Labels(_) if batch.plan.classes == 1 => Self::Label(1),
            Kind::Labels(_) => Self::Label(class as i32),
            Kind::Regions { table, .. } => {
                Self::Labels(table.iter().map(|row| row.contains(&class)).collect())
            }
            Kind::Dense(_) => Self::Dense(batch.target),
        }
    }

    /// Of a span's voxels. Where one does not count, it may be said to be either.
    #[inline(always)]
    pub fn of_span<F: Number>(&self, class: usize, part: Job, codes: &[i32], inside: &mut [bool]) {
        match self {
            Self::Label(label) => {
                inside.iter_mut().zip(codes).for_each(|(inside, code)| *inside = code == label);
            }
            Self::Labels(has) => {
                let of_code = |&code: &i32| has.get(code as usize).copied().unwrap_or(false);
                inside.iter_mut().zip(codes).for_each(|(inside, code)| *inside = of_code(code));
            }
            Self::Dense(target) => {
                let Kind::Dense(data) = target.kind else { return };
                let (at, stride) = run_of(target.layout, part.sample, class, part.start);
                let mut values = [F::ZERO; SPAN];
                let values = &mut values[..inside.len()];
                load::counted_dense(data, at, stride, &[F::ONE; SPAN], values);
                let half = F::of(0.5);
                inside.iter_mut().zip(values).for_each(|(inside, g)| *inside = *g > half);
            }
        }
    }
}
