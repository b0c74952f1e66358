//! Maps of a tile: what its voxels weigh in the groups that name them.

use super::{
    geometry::{Plane, TILE},
    load,
    number::Number,
    tile::{Input, Place, run_of},
};
use crate::{
    Result,
    plan::MapPlan,
    tensor::{FloatSlice, Map},
};

/// The planes of all maps, one after the other: one plane, or one for each class.
#[derive(Clone, Copy)]
pub(super) struct Maps<'a, F> {
    planes: &'a [Plane<F>],
    maps: &'a [Map<'a>],
}

/// One of them, or none.
#[derive(Clone, Copy)]
pub(super) struct Weighing<'a, F>(&'a [Plane<F>]);

impl<'a, F> Maps<'a, F> {
    /// The map of this number.
    #[inline(always)]
    pub fn of(&self, number: Option<usize>) -> Weighing<'a, F> {
        let Some(number) = number else { return Weighing(&[]) };
        let before = channels(&self.maps[..number]);
        Weighing(&self.planes[before..][..self.maps[number].layout.classes])
    }
}

impl<'a, F: Number> Weighing<'a, F> {
    /// Its values in a class.
    #[inline(always)]
    pub fn of(&self, class: usize) -> Option<&'a Plane<F>> {
        match self.0 {
            [] => None,
            [shared] => Some(shared),
            each => each.get(class),
        }
    }

    /// Weights times its values in a class, in `out` if there are any.
    #[inline(always)]
    pub fn weigh<'w>(
        &self,
        class: usize,
        weight: &'w Plane<F>,
        out: &'w mut Plane<F>,
    ) -> &'w Plane<F> {
        let Some(map) = self.of(class) else { return weight };
        for i in 0..TILE {
            out[i] = weight[i] * map[i];
        }
        out
    }

    /// Adds a plane to another, times its values in a class.
    #[inline(always)]
    pub fn add(&self, class: usize, plane: &Plane<F>, sum: &mut Plane<F>) {
        match self.of(class) {
            None => (0..TILE).for_each(|i| sum[i] += plane[i]),
            Some(map) => (0..TILE).for_each(|i| sum[i] += product(map[i], plane[i])),
        }
    }
}

/// A value of a map times something that may be infinite where that does not count.
#[inline(always)]
fn product<F: Number>(map: F, value: F) -> F {
    if map == F::ZERO { F::ZERO } else { map * value }
}

/// Planes that so many maps have.
fn channels(maps: &[Map]) -> usize {
    maps.iter().map(|map| map.layout.classes).sum()
}

impl Input<'_> {
    /// How many planes the maps of a tile have.
    pub(super) fn planes_of_maps(&self) -> usize {
        channels(self.maps)
    }

    /// Loads the maps of a tile, 0 where a voxel does not count.
    #[inline(always)]
    pub(super) fn read_maps<'s, F: Number>(
        &'s self,
        place: Place,
        weight: &Plane<F>,
        planes: &'s mut [Plane<F>],
    ) -> Result<Maps<'s, F>> {
        let Place { sample, start, used } = place;
        let mut next = planes.iter_mut();
        for (map, plan) in self.maps.iter().zip(&self.plan.maps) {
            for (class, plane) in (0..map.layout.classes).zip(&mut next) {
                let (at, stride) = run_of(map.layout, sample, class, start);
                load::counted_floats(map.data, at, stride, weight, &mut plane[..used]);
                plane[used..].fill(F::ZERO);
                if self.check {
                    self.check_map(map, plan, [class, used], place, plane)?;
                }
            }
        }
        Ok(Maps { planes, maps: self.maps })
    }

    #[inline(always)]
    fn check_map<F: Number>(
        &self,
        map: &Map,
        plan: &MapPlan,
        [class, used]: [usize; 2],
        place: Place,
        plane: &Plane<F>,
    ) -> Result<()> {
        let largest = F::of(Map::LARGEST);
        let least = if plan.is_signed { -largest } else { F::ZERO };
        let mut good = true;
        for i in 0..TILE {
            good &= (plane[i] >= least) & (plane[i] <= largest);
        }
        if good {
            return Ok(());
        }
        let is_bad = |i: &usize| !((plane[*i] >= least) & (plane[*i] <= largest));
        let i = (0..used).find(is_bad).unwrap_or(0);
        let Place { sample, start, .. } = place;
        let (at, stride) = run_of(map.layout, sample, class, start);
        let found = as_given(map.data, at + i * stride);
        Err(map.misvalued(self.logits.layout, plan.is_signed, [sample, class, start + i], found))
    }
}

/// A value as the caller has it.
#[cold]
fn as_given(data: FloatSlice, at: usize) -> f64 {
    let mut found = [0.0];
    load::floats(data, at, 1, &mut found);
    found[0]
}
