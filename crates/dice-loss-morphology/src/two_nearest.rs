//! The two nearest components, axis after axis.
//!
//! The two least keys of distinct components are kept at each voxel. The least along a line is that of
//! all first keys. For a stretch of the line whose nearest component is one and the same, the second
//! is the least of all keys of other components. Right beside the stretch another component is the
//! least of all, so of all others, too; and what is least moves only forwards along a line. So only
//! what lies between the winners on either side needs a look: each place is looked at for two
//! stretches or three, and no more.

use std::ops::Range;

use rayon::prelude::*;

use crate::{
    Error, Result,
    grid::Frame,
    interrupt::Patience,
    nearest::Keys,
    room::{filled, with_capacity},
    separable::regrouped,
};

/// The least key, and the least of another component; infinite where there is none.
pub(crate) type Two = [f64; 2];

/// Voxels of a row that go together, so that memory is read in runs.
const CHUNK: usize = 16;

const WHAT: &str = "a line of keys";

/// Spreads keys along all axes.
pub(crate) fn transform_two(frame: &Frame, keys: &Keys, two: &mut [Two]) -> Result<()> {
    let [slices, rows, voxels] = frame.sizes;
    let [across, down, along] = keys.squares;
    let patience = Patience::current();
    two.par_chunks_exact_mut(rows * voxels).try_for_each_init(
        || Line::new(rows.max(voxels)),
        |line, slice| {
            patience.check()?;
            let line = line.as_mut().map_err(|error| error.clone())?;
            for row in slice.chunks_exact_mut(voxels) {
                line.row(row, keys, along);
            }
            if rows > 1 {
                let mut all: Vec<_> = slice.chunks_exact_mut(voxels).collect();
                line.columns(&mut all, keys, down);
            }
            Ok::<_, Error>(())
        },
    )?;
    if slices > 1 {
        let mut lines = regrouped(two, frame.sizes, CHUNK)?;
        lines.par_iter_mut().try_for_each_init(
            || Line::new(slices),
            |line, rows| {
                patience.check()?;
                line.as_mut().map_err(|error| error.clone())?.columns(rows, keys, across);
                Ok::<_, Error>(())
            },
        )?;
    }
    Ok(())
}

/// A line at work.
struct Line {
    /// What it had before.
    before: Vec<Two>,
    /// Keys of the places that have any, and where those are.
    firsts: Vec<f64>,
    places: Vec<u32>,
    /// The least of those at each place of the line, and which it is.
    least: Vec<f64>,
    winners: Vec<u32>,
    /// The keys of others than the winner, and the least of them along a stretch.
    others: Vec<f64>,
    seconds: Vec<f64>,
    unused: Vec<u32>,
}

impl Line {
    fn new(length: usize) -> Result<Self> {
        Ok(Self {
            before: with_capacity(length, WHAT)?,
            firsts: with_capacity(length, WHAT)?,
            places: with_capacity(length, WHAT)?,
            least: filled(0.0, length, WHAT)?,
            winners: filled(0, length, WHAT)?,
            others: with_capacity(length, WHAT)?,
            seconds: filled(0.0, length, WHAT)?,
            unused: filled(0, length, WHAT)?,
        })
    }

    fn row(&mut self, row: &mut [Two], keys: &Keys, square: f64) {
        self.before.clear();
        self.before.extend_from_slice(row);
        self.solve(keys, square, |x, two| row[x] = two);
    }

    /// The lines that go across rows.
    fn columns(&mut self, rows: &mut [&mut [Two]], keys: &Keys, square: f64) {
        for x in 0..rows.first().map_or(0, |row| row.len()) {
            self.before.clear();
            self.before.extend(rows.iter().map(|row| row[x]));
            self.solve(keys, square, |y, two| rows[y][x] = two);
        }
    }

    /// Both least keys at each place of the line.
    fn solve(&mut self, keys: &Keys, square: f64, mut write: impl FnMut(usize, Two)) {
        let length = self.before.len();
        self.firsts.clear();
        self.places.clear();
        for (place, two) in (0..).zip(&self.before).filter(|(_, two)| two[0].is_finite()) {
            self.firsts.push(two[0]);
            self.places.push(place);
        }
        if self.firsts.is_empty() {
            return;
        }
        let (least, winners) = (&mut self.least[..length], &mut self.winners[..length]);
        let all = Envelope { heights: &self.firsts, places: &self.places, square };
        all.solve(0, least, winners, 0..self.firsts.len());
        let mut start = 0;
        while start < length {
            let number = keys.number(least[start]);
            let same = least[start..].iter().take_while(|&&key| keys.number(key) == number);
            let end = start + same.count();
            let first = if start == 0 { 0 } else { winners[start - 1] as usize };
            let last = if end == length { self.firsts.len() - 1 } else { winners[end] as usize };
            let places = &self.places[first..=last];
            self.others.clear();
            self.others.extend(places.iter().map(|&place| {
                let [own, other] = self.before[place as usize];
                if keys.number(own) == number { other } else { own }
            }));
            let seconds = &mut self.seconds[..end - start];
            let others = Envelope { heights: &self.others, places, square };
            others.solve(start, seconds, &mut self.unused[..end - start], 0..places.len());
            for (place, &second) in (start..end).zip(&*seconds) {
                write(place, [least[place], second]);
            }
            start = end;
        }
    }
}

/// Parabolas over one line, as in [`lower_envelope`](crate::envelope::lower_envelope).
struct Envelope<'a> {
    heights: &'a [f64],
    places: &'a [u32],
    square: f64,
}

impl Envelope<'_> {
    /// The least values from a place of the line on, and which of the parabolas of a range has them:
    /// the first of those that do.
    fn solve(&self, start: usize, least: &mut [f64], which: &mut [u32], of: Range<usize>) {
        let half = least.len() / 2;
        let Some(middle) = least.get_mut(half) else { return };
        let (mut winner, mut value) = (of.start, f64::INFINITY);
        for one in of.clone() {
            let steps = f64::from(((start + half) as u32).abs_diff(self.places[one]));
            let other = self.heights[one] + steps * steps * self.square;
            if other < value {
                (winner, value) = (one, other);
            }
        }
        *middle = value;
        which[half] = winner as u32;
        let (left, right) = least.split_at_mut(half);
        let (left_which, right_which) = which.split_at_mut(half);
        self.solve(start, left, left_which, of.start..winner + 1);
        self.solve(start + half + 1, &mut right[1..], &mut right_which[1..], winner..of.end);
    }
}
