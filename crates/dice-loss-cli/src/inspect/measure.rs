//! Components, sizes, boxes and thickness of each class.

use dice_loss_morphology::{Component, Distance, Grid, connected_components, distance_transform};

use super::{ClassRecord, ComponentRecord, Inspected, Inspection, Part, Sizes};
use crate::data::Problem;

pub fn measure(mask: &Inspected, with_components: bool) -> Result<Inspection, Problem> {
    let values = &mask.file.mask.values;
    let mut numbers = room(values.len(), 0)?;
    let found =
        connected_components(values, &mask.classes, &mask.grid, mask.connectivity, &mut numbers)?;
    let counts = mask.counts();
    let ignored = mask.ignored.iter().map(|&value| counts[usize::from(value)]).sum::<u64>();
    let counted = values.len() as u64 - ignored;
    let part = |voxels: u64, of: u64| Part {
        voxels,
        share: if of == 0 { 0.0 } else { voxels as f64 / of as f64 },
        volume: voxels as f64 * mask.volume_of_voxel(),
    };
    let foreground = mask.classes.iter().map(|&class| counts[usize::from(class)]).sum::<u64>();
    let mut classes = Vec::with_capacity(mask.classes.len());
    for (of_class, &label) in
        found.chunk_by(|one, other| one.class == other.class).zip(&mask.classes)
    {
        let thickness = Thickness::of(mask, label, of_class, &numbers)?;
        classes.push(ClassRecord {
            label,
            colour: mask.file.names.get(&label).cloned(),
            part: part(counts[usize::from(label)], counted),
            components: of_class.len(),
            component_voxels: sizes(of_class),
            bounds: around(of_class),
            thickness: thickness.of_class(),
            each_component: with_components.then(|| {
                let volume = mask.volume_of_voxel();
                of_class.iter().map(|one| component(one, volume, &thickness)).collect()
            }),
        });
    }
    Ok(Inspection {
        file: mask.name.clone(),
        shape: mask.grid.shape().to_vec(),
        spacing: mask.grid.spacing().to_vec(),
        unit: mask.unit.to_string(),
        volume_unit: mask.unit.power(mask.grid.shape().len()),
        spacing_from: mask.spacing_from,
        connectivity: mask.neighbours,
        ignored: part(ignored, values.len() as u64),
        background: part(counted - foreground, counted),
        classes,
    })
}

/// Memory for so many numbers, where there is some.
pub(super) fn room<T: Clone>(length: usize, value: T) -> Result<Vec<T>, Problem> {
    let mut room = vec![];
    room.try_reserve_exact(length)
        .map_err(|error| Problem::Memory { reason: error.to_string() })?;
    room.resize(length, value);
    Ok(room)
}

fn component(of: &Component, volume: f64, thickness: &Thickness) -> ComponentRecord {
    ComponentRecord {
        number: of.number,
        voxels: of.voxels,
        volume: of.voxels as f64 * volume,
        bounds: of.bounds().iter().map(|range| [range.start, range.end]).collect(),
        thickness: thickness.of_component(of.number),
    }
}

fn sizes(of_class: &[Component]) -> Sizes {
    let mut voxels: Vec<usize> = of_class.iter().map(|component| component.voxels).collect();
    voxels.sort_unstable();
    let middle = voxels.len() / 2;
    let median = match voxels.len() % 2 {
        1 => voxels[middle] as f64,
        _ => (voxels[middle - 1] as f64 + voxels[middle] as f64) / 2.0,
    };
    Sizes { smallest: voxels[0], median, largest: voxels[voxels.len() - 1] }
}

/// The box around several components.
fn around(components: &[Component]) -> Vec<[usize; 2]> {
    let axes = components[0].bounds().len();
    let along = |axis: usize| {
        let ranges = || components.iter().map(move |component| &component.bounds()[axis]);
        let start = ranges().map(|range| range.start).min().unwrap_or(0);
        [start, ranges().map(|range| range.end).max().unwrap_or(0)]
    };
    (0..axes).map(along).collect()
}

/// Twice the largest inner distance of each component of a class.
struct Thickness(Vec<f32>);

impl Thickness {
    /// Looks at the box around the class and one voxel further: what is nearest to a voxel inside lies there.
    fn of(
        mask: &Inspected,
        label: u16,
        components: &[Component],
        numbers: &[u32],
    ) -> Result<Self, Problem> {
        let grown: Vec<[usize; 2]> = (around(components).iter().zip(mask.grid.shape()))
            .map(|(&[start, end], &size)| [start.saturating_sub(1), (end + 1).min(size)])
            .collect();
        let shape: Vec<usize> = grown.iter().map(|[start, end]| end - start).collect();
        let grid = Grid::new(&shape, mask.grid.spacing())?;
        let rows = rows_of_box(mask.grid.shape(), &grown);
        let mut inside = room(grid.voxels(), false)?;
        let width = shape[shape.len() - 1];
        for (to, from) in inside.chunks_exact_mut(width).zip(rows.clone()) {
            let row = &mask.file.mask.values[from..from + width];
            to.iter_mut().zip(row).for_each(|(inside, &value)| *inside = value == label);
        }
        let mut distances = room(grid.voxels(), 0.0)?;
        distance_transform(&inside, &[false], &grid, Distance::Euclidean, &mut distances)?;
        let mut largest = vec![0f32; components.len()];
        let inner = inside.chunks_exact(width).zip(distances.chunks_exact(width));
        for ((inside, distances), from) in inner.zip(rows) {
            for ((_, &distance), number) in inside
                .iter()
                .zip(distances)
                .zip(&numbers[from..])
                .filter(|((inside, _), _)| **inside)
            {
                let largest = &mut largest[*number as usize - 1];
                *largest = largest.max(distance);
            }
        }
        Ok(Self(largest))
    }

    fn of_class(&self) -> Option<f64> {
        twice(self.0.iter().copied().fold(0.0, f32::max))
    }

    fn of_component(&self, number: u32) -> Option<f64> {
        twice(self.0[number as usize - 1])
    }
}

fn twice(distance: f32) -> Option<f64> {
    distance.is_finite().then(|| 2.0 * f64::from(distance))
}

/// Where the rows of a box begin in a map of this shape.
fn rows_of_box(shape: &[usize], bounds: &[[usize; 2]]) -> impl Iterator<Item = usize> + Clone {
    let whole = |bounds: &[[usize; 2]]| if let [z, _, _] = *bounds { z } else { [0, 1] };
    let axes = shape.len();
    let (slices, rows, columns) = (whole(bounds), bounds[axes - 2], bounds[axes - 1]);
    let (height, width) = (shape[axes - 2], shape[axes - 1]);
    (slices[0]..slices[1])
        .flat_map(move |z| (rows[0]..rows[1]).map(move |y| (z * height + y) * width + columns[0]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        data::{Extent, Mask, MaskFile, Spacing, Unit},
        inspect::{SpacingFrom, Wishes},
    };

    fn inspected(
        [depth, height, width]: [usize; 3],
        values: Vec<u16>,
        spacing: Option<Spacing>,
        wishes: &Wishes,
    ) -> Inspected {
        let mask = Mask { extent: Extent { width, height, depth }, values };
        let file = MaskFile { mask, lies: None, spacing, names: BTreeMap::new() };
        Inspected::new("m".into(), file, wishes).unwrap()
    }

    /// Two classes in a slice of 4 × 6, of which one falls apart, and voxels that do not count.
    const FLAT: [u16; 24] = [
        1, 1, 1, 0, 0, 3, //
        1, 1, 1, 0, 3, 0, //
        1, 1, 1, 0, 0, 0, //
        9, 9, 0, 3, 3, 0, //
    ];

    #[test]
    fn classes_components_and_sizes_by_hand() {
        let spacing = Spacing { steps: [7.0, 2.0, 0.5], unit: Unit::Millimetre };
        let wishes = Wishes { ignored: vec![9], ..Wishes::default() };
        let found =
            inspected([1, 4, 6], FLAT.into(), Some(spacing), &wishes).measure(true).unwrap();
        assert_eq!((found.shape, found.spacing), (vec![4, 6], vec![2.0, 0.5]));
        assert_eq!((found.unit.as_str(), found.volume_unit.as_str()), ("mm", "mm²"));
        assert_eq!((found.spacing_from, found.connectivity), (SpacingFrom::Header, 8));
        assert_eq!((found.ignored.voxels, found.ignored.share), (2, 2.0 / 24.0));
        assert_eq!((found.background.voxels, found.background.volume), (9, 9.0));
        let [one, three] = &found.classes[..] else { panic!("{:?}", found.classes) };
        assert_eq!((one.label, one.part.voxels, one.part.share), (1, 9, 9.0 / 22.0));
        assert_eq!((one.components, one.bounds.clone()), (1, vec![[0, 3], [0, 3]]));
        // The first column, in the rows away from the value 9, is three columns of 0.5 mm from background.
        assert_eq!(one.thickness, Some(3.0));
        assert_eq!((three.components, three.bounds.clone()), (2, vec![[0, 4], [3, 6]]));
        let sizes = Sizes { smallest: 2, median: 2.0, largest: 2 };
        assert_eq!((three.component_voxels, three.thickness), (sizes, Some(1.0)));
        let each = three.each_component.as_ref().unwrap();
        assert_eq!((each[0].number, each[0].bounds.clone()), (1, vec![[0, 2], [4, 6]]));
        assert_eq!((each[1].voxels, each[1].volume), (2, 2.0));
        assert_eq!(each[1].bounds, [[3, 4], [3, 5]]);
    }

    #[test]
    fn fewer_neighbours_make_more_components() {
        let wishes = Wishes { connectivity: Some(4), ignored: vec![9], spacing: Some(vec![3.0]) };
        let found = inspected([1, 4, 6], FLAT.into(), None, &wishes).measure(false).unwrap();
        let three = &found.classes[1];
        assert_eq!((found.spacing_from, found.connectivity), (SpacingFrom::Option, 4));
        assert_eq!((three.components, three.each_component.clone()), (3, None));
        assert_eq!(three.component_voxels, Sizes { smallest: 1, median: 1.0, largest: 2 });
        assert_eq!(three.part.volume, 4.0 * 9.0);
        let middle =
            inspected([1, 1, 9], vec![1, 0, 1, 1, 1, 1, 0, 0, 0], None, &Wishes::default());
        let sizes = middle.measure(false).unwrap().classes[0].component_voxels;
        assert_eq!(sizes, Sizes { smallest: 1, median: 2.5, largest: 4 });
    }

    #[test]
    fn thickness_is_that_of_the_whole_map_with_its_spacing() {
        // A block of 3 × 5 × 5 in a map of 5 × 9 × 9, and one voxel apart from it.
        let at = |z: usize, y: usize, x: usize| (z * 9 + y) * 9 + x;
        let mut values = vec![0; 5 * 81];
        for (z, y, x) in (0..75).map(|i| (1 + i / 25, 2 + i / 5 % 5, 2 + i % 5)) {
            values[at(z, y, x)] = 4;
        }
        values[at(0, 0, 8)] = 4;
        let wishes = Wishes { spacing: Some(vec![10.0, 1.0, 2.0]), ..Wishes::default() };
        let found = inspected([5, 9, 9], values, None, &wishes).measure(true).unwrap();
        let class = &found.classes[0];
        // The middle is three rows of 1 mm from what is beside the block.
        assert_eq!(class.thickness, Some(6.0));
        let each = class.each_component.as_ref().unwrap();
        assert_eq!((each[0].voxels, each[0].thickness), (1, Some(2.0)));
        assert_eq!((each[1].voxels, each[1].thickness), (75, Some(6.0)));
        assert_eq!((class.part.volume, found.volume_unit.as_str()), (76.0 * 20.0, "mm³"));
    }

    #[test]
    fn full_and_empty_masks_are_told() {
        let full = inspected([2, 2, 2], vec![1; 8], None, &Wishes::default());
        let full = full.measure(false).unwrap();
        assert_eq!((full.classes[0].thickness, full.background.voxels), (None, 0));
        assert_eq!((full.unit.as_str(), full.volume_unit.as_str()), ("voxels", "voxels"));
        let empty = inspected([1, 2, 2], vec![0; 4], None, &Wishes::default());
        let empty = empty.measure(true).unwrap();
        assert_eq!((empty.classes.len(), empty.background.share), (0, 1.0));
    }
}
