//! From slopes by the probabilities to those by the logits, in the gradient's own buffer.

use super::{
    Store, Visit,
    exponentials::Exponentials,
    geometry::TILE,
    isa::Instructions,
    jobs::Job,
    keep,
    scratch::Work,
    tile::{Borrow, Input, Tile},
    write_span,
};

/// p_k (q_k − Σ_j p_j q_j), where the q are what the buffer holds.
#[derive(Clone, Copy)]
pub(super) struct Jacobian<'a> {
    pub store: &'a Store<'a>,
}

impl<F: Borrow> Visit<F> for Jacobian<'_> {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, _: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        let Work { probability, slopes, planes: [sum, shift, dot, ..], .. } = work;
        let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift);
        softmax.normalise();
        *dot = [F::ZERO; TILE];
        for (class, (p, q)) in softmax.planes.iter().zip(slopes.iter_mut()).enumerate() {
            q[tile.used..].fill(F::ZERO);
            let q_used = &mut q[..tile.used];
            // SAFETY: jobs and their tiles are disjoint, and lie within the logits' shape, which is the
            // gradient's.
            unsafe { self.store.read(tile.sample, class, tile.start, q_used) };
            for i in 0..TILE {
                dot[i] = p[i].mul_add::<I>(q[i], dot[i]);
            }
        }
        for (p, q) in softmax.planes.iter().zip(slopes.iter_mut()) {
            for i in 0..TILE {
                q[i] = p[i] * (q[i] - dot[i]);
            }
        }
        // SAFETY: as above.
        unsafe { keep(self.store, tile, tile.classes, work) };
    }

    #[inline(always)]
    fn end_span(&mut self, batch: &Input, span: Job, _: f64, work: &Work<F>) {
        // SAFETY: jobs and their spans are disjoint, and lie within the logits' shape, which is the
        // gradient's.
        unsafe { write_span(self.store, [batch.plan.classes; 2], span, work) };
    }
}
