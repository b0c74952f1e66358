//! The steps of a soft skeleton, forwards and backwards.
//!
//! With e_0 = p and e_{k+1} the erosion of e_k, step k takes d_k = relu(e_k − dilation of e_{k+1}), and the
//! skeleton becomes S_k = S_{k−1} + relu(d_k − S_{k−1} d_k), beginning with S_0 = d_0. Backwards a step
//! wants e_k, e_{k+1} and S_{k−1}. Of n steps those at the beginning of each of √n segments are kept, and
//! within a segment all: going back, a segment is made again from where it begins.

use std::mem::take;

use super::{
    super::number::Number,
    grid::{Axis, Grid, Work},
    rows::{Begin, Beyond, Erode, Grow, Largest, Share, Shrink, Thin, Unthin},
};
use crate::Result;

/// What a class is computed in: maps of as many numbers as a sample has voxels.
pub(super) struct Maps<F> {
    steps: Steps,
    /// e_k where segments begin, then within one; S_{k−1} likewise, then the skeleton itself.
    kept: Vec<Vec<F>>,
    /// The derivatives by e_k and by e_{k+1}.
    by_map: Vec<F>,
    by_eroded: Vec<F>,
    /// Along each axis.
    along: Vec<Vec<F>>,
    beyond: Beyond<F>,
    /// The reference, and its skeleton.
    reference: Vec<F>,
    of_reference: Vec<F>,
}

/// How many steps there are, and how many of a segment.
#[derive(Debug, Clone, Copy)]
struct Steps {
    count: usize,
    segment: usize,
}

impl Steps {
    fn new(iterations: usize) -> Self {
        let count = iterations + 1;
        let root = count.isqrt();
        Self { count, segment: if root * root < count { root + 1 } else { root } }
    }

    fn segments(self) -> usize {
        self.count.div_ceil(self.segment)
    }

    /// The steps of a segment.
    fn of_segment(self, segment: usize) -> std::ops::Range<usize> {
        segment * self.segment..self.count.min((segment + 1) * self.segment)
    }

    /// Where e_k is kept.
    fn map(self, k: usize) -> usize {
        match k < self.count && k.is_multiple_of(self.segment) {
            true => k / self.segment,
            false => self.segments() + (k - 1) % self.segment,
        }
    }

    /// Where the skeleton before step k is kept; after the last it is the skeleton.
    fn before(self, k: usize) -> usize {
        let first = self.segments() + self.segment;
        match k {
            _ if k == self.count => self.skeleton(),
            _ if k.is_multiple_of(self.segment) => first + k / self.segment - 1,
            _ => first + self.segments() - 1 + (k - 1) % self.segment,
        }
    }

    fn skeleton(self) -> usize {
        2 * (self.segments() + self.segment) - 2
    }

    /// Maps that are kept.
    fn maps(self) -> usize {
        self.skeleton() + 1
    }
}

impl<F: Number> Maps<F> {
    /// How many maps there are, with room for derivatives or without.
    pub fn count(iterations: usize, axes: usize, with_gradient: bool) -> usize {
        match with_gradient {
            true => Steps::new(iterations).maps() + axes + 4,
            false => 6,
        }
    }

    pub fn new(iterations: usize, grid: Grid, with_gradient: bool) -> Self {
        let map = || vec![F::ZERO; grid.voxels()];
        let steps = Steps::new(iterations);
        let if_asked = |count| if with_gradient { count } else { 0 };
        Self {
            kept: (0..steps.maps())
                .map(|at| {
                    if with_gradient || [0, steps.skeleton()].contains(&at) {
                        map()
                    } else {
                        vec![]
                    }
                })
                .collect(),
            along: (0..if_asked(grid.axes)).map(|_| map()).collect(),
            beyond: Beyond::new(grid),
            by_map: map(),
            by_eroded: map(),
            reference: map(),
            of_reference: map(),
            steps,
        }
    }

    /// Where probabilities and reference are to be written.
    pub fn given(&mut self) -> [&mut Vec<F>; 2] {
        [&mut self.kept[0], &mut self.reference]
    }

    /// The probabilities, their skeleton, the reference, and its skeleton.
    pub fn found(&self) -> [&[F]; 4] {
        let skeleton = &self.kept[self.steps.skeleton()];
        [&self.kept[0], skeleton, &self.reference, &self.of_reference]
    }

    /// The derivative by the probabilities through their skeleton, after `pull_back`; the reference, and
    /// its skeleton.
    pub fn slopes(&mut self) -> (&mut Vec<F>, [&[F]; 2]) {
        (&mut self.by_eroded, [&self.reference, &self.of_reference])
    }

    /// Makes the skeleton of the reference.
    pub fn thin_reference(&mut self, work: Work) -> Result<()> {
        let Self { reference, of_reference, by_map, by_eroded, steps, .. } = self;
        thin(work, *steps, reference, of_reference, [by_map, by_eroded])
    }

    /// Makes the skeleton of e_0, with nothing kept to go back by.
    pub fn thin_only(&mut self, work: Work) -> Result<()> {
        let Self { kept, by_map, by_eroded, steps, .. } = self;
        let at = steps.skeleton();
        let mut skeleton = take(&mut kept[at]);
        let done = thin(work, *steps, &kept[0], &mut skeleton, [by_map, by_eroded]);
        self.kept[at] = skeleton;
        done
    }

    /// Makes the skeleton of e_0.
    pub fn thin(&mut self, work: Work) -> Result<()> {
        (0..self.steps.segments()).try_for_each(|segment| self.advance(work, segment))
    }

    /// From where a segment begins to where it ends.
    fn advance(&mut self, work: Work, segment: usize) -> Result<()> {
        let Self { steps, kept, .. } = self;
        let grid = work.grid;
        for k in steps.of_segment(segment) {
            work.go_on()?;
            let [map, next, after] = [steps.map(k), steps.map(k + 1), steps.before(k + 1)];
            let mut eroded = take(&mut kept[next]);
            work.run([&mut eroded], &Erode { grid, from: &kept[map] });
            let mut skeleton = take(&mut kept[after]);
            if k > 0 {
                skeleton.copy_from_slice(&kept[steps.before(k)]);
            }
            let (from, is_first) = (&kept[map], k == 0);
            work.run([&mut skeleton], &Thin { grid, map: from, eroded: &eroded, is_first });
            (kept[next], kept[after]) = (eroded, skeleton);
        }
        Ok(())
    }

    /// To the derivative by e_0 from that by its skeleton, which is `by_inside` times the reference, plus
    /// `by_all`. The skeleton is then no more.
    pub fn pull_back(&mut self, work: Work, [by_inside, by_all]: [F; 2]) -> Result<()> {
        let last = self.steps.segments() - 1;
        let at = self.steps.skeleton();
        let mut by_skeleton = take(&mut self.kept[at]);
        let (grid, reference) = (work.grid, &self.reference);
        work.run([&mut by_skeleton], &Begin { grid, reference, by_inside, by_all });
        self.by_eroded.fill(F::ZERO);
        for segment in (0..=last).rev() {
            if segment < last {
                self.advance(work, segment)?;
            }
            for k in self.steps.of_segment(segment).rev() {
                work.go_on()?;
                self.step_back(work, k, &mut by_skeleton);
            }
        }
        self.kept[at] = by_skeleton;
        Ok(())
    }

    /// Step k: from the derivatives by what it leaves, S_k and e_{k+1}, to those by S_{k−1} and e_k.
    fn step_back(&mut self, work: Work, k: usize, by_skeleton: &mut [F]) {
        let Self { steps, kept, by_map, by_eroded, along, beyond, .. } = self;
        let (grid, beyond) = (work.grid, &*beyond);
        let [map, eroded] = [k, k + 1].map(|k| &kept[steps.map(k)][..]);
        let skeleton = (k > 0).then(|| &kept[steps.before(k)][..]);
        work.run([by_skeleton, by_map], &Unthin { grid, map, eroded, skeleton });
        dilate_back((work, beyond), eroded, by_map, along, by_eroded);
        let work = (work, beyond);
        match &mut along[..] {
            [row] => erode_back(work, map, by_eroded, [row], by_map),
            [lines, row] => erode_back(work, map, by_eroded, [lines, row], by_map),
            [slabs, lines, row] => erode_back(work, map, by_eroded, [slabs, lines, row], by_map),
            _ => {}
        }
        std::mem::swap(by_map, by_eroded);
    }
}

/// Takes from the derivative by a map what its dilation has with the other sign.
fn dilate_back<F: Number>(
    (work, beyond): (Work, &Beyond<F>),
    map: &[F],
    slopes: &[F],
    along: &mut [Vec<F>],
    by_map: &mut [F],
) {
    let grid = work.grid;
    let back = |axis, from: &[F], slopes: &[F], out: &mut [F], subtracts| {
        work.run([out], &Shrink { grid, axis, beyond, from, slopes, subtracts });
    };
    match along {
        [in_lines, between] => {
            work.run([&mut in_lines[..]], &Largest { grid, axis: Axis::Row, from: map });
            back(Axis::Lines, in_lines, slopes, between, false);
            back(Axis::Row, map, between, by_map, true);
        }
        [in_slabs, in_lines, between] => {
            work.run([&mut in_lines[..]], &Largest { grid, axis: Axis::Row, from: map });
            work.run([&mut in_slabs[..]], &Largest { grid, axis: Axis::Lines, from: in_lines });
            back(Axis::Slabs, in_slabs, slopes, between, false);
            back(Axis::Lines, in_lines, between, in_slabs, false);
            back(Axis::Row, map, in_slabs, by_map, true);
        }
        _ => back(Axis::Row, map, slopes, by_map, true),
    }
}

/// Adds to the derivative by a map what its erosion has.
fn erode_back<F: Number, const M: usize>(
    (work, beyond): (Work, &Beyond<F>),
    map: &[F],
    by_eroded: &[F],
    along: [&mut Vec<F>; M],
    by_map: &mut [F],
) {
    let (grid, mut along) = (work.grid, along.map(|shares| &mut shares[..]));
    work.run(along.each_mut().map(|shares| &mut **shares), &Share { grid, map, by_eroded });
    let slopes = along.map(|shares| &*shares);
    work.run([by_map], &Grow { grid, beyond, map, slopes });
}

/// Makes a skeleton, in two maps more.
fn thin<F: Number>(
    work: Work,
    steps: Steps,
    from: &[F],
    skeleton: &mut [F],
    [map, eroded]: [&mut Vec<F>; 2],
) -> Result<()> {
    let grid = work.grid;
    map.copy_from_slice(from);
    for k in 0..steps.count {
        work.go_on()?;
        work.run([&mut eroded[..]], &Erode { grid, from: map });
        work.run([&mut *skeleton], &Thin { grid, map, eroded, is_first: k == 0 });
        std::mem::swap(map, eroded);
    }
    Ok(())
}
