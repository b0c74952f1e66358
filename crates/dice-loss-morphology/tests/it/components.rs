use dice_loss_morphology::{Component, Connectivity, Error, Grid, connected_components};

use crate::{
    maps::{Random, SHAPES, blocks, coordinates, maps, with_threads},
    naive::Places,
};

const CLASSES: [u8; 3] = [2, 1, 3];
const ALL: [Connectivity; 3] = [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners];

fn components(map: &[u8], grid: &Grid, connectivity: Connectivity) -> (Vec<u32>, Vec<Component>) {
    let mut out = vec![u32::MAX; map.len()];
    let found = connected_components(map, &CLASSES, grid, connectivity, &mut out).unwrap();
    (out, found)
}

#[test]
fn components_of_each_class() {
    let mut random = Random::new(2);
    for shape in SHAPES {
        let grid = Grid::unit(shape).unwrap();
        let places = Places::of(&grid);
        for map in maps(&grid, &mut random) {
            for connectivity in ALL {
                let (out, found) = with_threads(|| components(&map, &grid, connectivity));
                let mut wanted = vec![0; map.len()];
                for class in CLASSES {
                    let numbers = places.components(&map, class, connectivity);
                    wanted.iter_mut().zip(numbers).for_each(|(to, number)| *to += number);
                }
                assert_eq!(out, wanted, "{grid:?} {map:?} {connectivity:?}");
                check_list(&map, &grid, &out, &found);
            }
        }
    }
}

/// Sizes and boxes, counted from the map.
fn check_list(map: &[u8], grid: &Grid, out: &[u32], found: &[Component]) {
    let mut order = Vec::new();
    for component in found {
        order.push((component.class, component.number));
        let own: Vec<_> = (0..map.len())
            .filter(|&v| map[v] == CLASSES[component.class] && out[v] == component.number)
            .map(|v| coordinates(v, grid.shape()))
            .collect();
        assert_eq!(component.voxels, own.len());
        let bounds: Vec<_> = (0..grid.shape().len())
            .map(|axis| {
                let along = own.iter().map(|place| place[axis]);
                along.clone().min().unwrap()..along.max().unwrap() + 1
            })
            .collect();
        assert_eq!(component.bounds(), bounds);
    }
    assert!(order.is_sorted());
    let counted: usize = found.iter().map(|component| component.voxels).sum();
    assert_eq!(counted, map.iter().filter(|label| CLASSES.contains(label)).count());
}

/// More voxels than one job has, so that slabs are joined; beside slabs of one row each.
#[test]
fn components_across_slabs() {
    let mut random = Random::new(3);
    for shape in [&[60usize, 100, 100][..], &[700, 1600]] {
        let grid = Grid::unit(shape).unwrap();
        let mut map = blocks(&grid, &mut random);
        for _ in 0..map.len() / 3 {
            map[random.below(grid.voxels())] = random.below(4) as u8;
        }
        for connectivity in ALL {
            let (out, found) = with_threads(|| components(&map, &grid, connectivity));
            check_list_quickly(&map, &grid, &out, &found, connectivity);
        }
    }
}

/// Neighbours that touch and are of one class have one number, and each number one component:
/// as many as a flood finds.
fn check_list_quickly(
    map: &[u8],
    grid: &Grid,
    out: &[u32],
    found: &[Component],
    connectivity: Connectivity,
) {
    let steps = offsets(grid.shape(), connectivity);
    let mut seen = vec![false; map.len()];
    let mut numbers = [0; 4];
    let mut floods = 0;
    for first in 0..map.len() {
        if seen[first] || !CLASSES.contains(&map[first]) {
            continue;
        }
        floods += 1;
        let number = &mut numbers[usize::from(map[first])];
        *number += 1;
        assert_eq!(out[first], *number);
        seen[first] = true;
        let mut front = vec![first];
        while let Some(v) = front.pop() {
            let at = coordinates(v, grid.shape());
            for step in &steps {
                let to: Option<Vec<_>> = at
                    .iter()
                    .zip(step)
                    .zip(grid.shape())
                    .map(|((&x, &d), &size)| x.checked_add_signed(d).filter(|&x| x < size))
                    .collect();
                let Some(to) = to else { continue };
                let u = to.iter().zip(grid.shape()).fold(0, |index, (x, size)| index * size + x);
                if map[u] == map[first] {
                    assert_eq!(out[u], out[first]);
                    if !seen[u] {
                        seen[u] = true;
                        front.push(u);
                    }
                }
            }
        }
    }
    assert_eq!(found.len(), floods);
}

fn offsets(shape: &[usize], connectivity: Connectivity) -> Vec<Vec<isize>> {
    let most = 1 + ALL.iter().position(|one| *one == connectivity).unwrap();
    let all = 3usize.pow(shape.len() as u32);
    (0..all)
        .map(|index| coordinates(index, &vec![3; shape.len()]))
        .map(|step| step.into_iter().map(|x| x as isize - 1).collect::<Vec<_>>())
        .filter(|step| (1..=most).contains(&step.iter().filter(|x| **x != 0).count()))
        .collect()
}

#[test]
fn maps_without_voxels_and_buffers_of_the_wrong_length() {
    let none = Grid::unit(&[4, 0]).unwrap();
    let faces = Connectivity::Faces;
    assert_eq!(connected_components::<i64>(&[], &[1], &none, faces, &mut []).unwrap(), []);
    let grid = Grid::unit(&[4]).unwrap();
    let found = connected_components(&[1u8; 4], &[1], &grid, faces, &mut [0; 3]);
    assert_eq!(found, Err(Error::Length { what: "output", found: 3, wanted: 4 }));
}

#[test]
fn connectivity_by_neighbours() {
    let known = [(1, 2), (2, 4), (2, 8), (3, 6), (3, 18), (3, 26)];
    let found = known.map(|(axes, neighbours)| Connectivity::of(neighbours, axes).unwrap());
    use Connectivity::{Corners, Edges, Faces};
    assert_eq!(found, [Faces, Faces, Corners, Faces, Edges, Corners]);
    let message = Connectivity::of(8, 3).unwrap_err().to_string();
    assert_eq!(message, "connectivity: found 8, wanted 6, 18 or 26 in 3-D");
}
