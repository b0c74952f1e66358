use dice_loss_morphology::{Connectivity, Error, Grid, connected_components, skeletonize};

use crate::{
    maps::{Random, SHAPES, maps, with_threads},
    naive::{self, Places},
};

#[test]
fn skeletons_of_each_class() {
    let mut random = Random::new(8);
    for shape in SHAPES {
        let grid = Grid::unit(shape).unwrap();
        for map in maps(&grid, &mut random) {
            let found = with_threads(|| {
                let mut out = vec![9; map.len()];
                skeletonize(&map, &[3, 1], &grid, &mut out).unwrap();
                out
            });
            let mut wanted = vec![0; map.len()];
            for class in [3, 1] {
                let solid: Vec<_> = map.iter().map(|&label| label == class).collect();
                let thinned = naive::thinned(&solid, shape);
                for (to, _) in wanted.iter_mut().zip(thinned).filter(|(_, thin)| *thin) {
                    *to = class;
                }
            }
            assert_eq!(found, wanted, "{grid:?} {map:?}");
        }
    }
}

/// As many pieces as before, each within its own, and none with a cavity more or less.
#[test]
fn the_topology_stays() {
    let mut random = Random::new(9);
    for shape in [&[30usize, 41][..], &[9, 17, 18]] {
        let grid = Grid::unit(shape).unwrap();
        let places = Places::of(&grid);
        for map in maps(&grid, &mut random) {
            let mut out = vec![0; map.len()];
            skeletonize(&map, &[1], &grid, &mut out).unwrap();
            assert!(out.iter().zip(&map).all(|(thin, label)| *thin == 0 || *label == 1));
            let count = |labels: &[u8], class: u8, connectivity| {
                let mask: Vec<_> = labels.iter().map(|&label| u8::from(label == 1)).collect();
                let numbers = places.components(&mask, class, connectivity);
                numbers.into_iter().max().unwrap()
            };
            let pieces = |labels: &[u8]| count(labels, 1, Connectivity::Corners);
            assert_eq!(pieces(&out), pieces(&map), "{map:?}");
        }
    }
}

/// More voxels than one job has, in any pool.
#[test]
fn a_large_tube() {
    let shape = [40usize, 60, 200];
    let grid = Grid::unit(&shape).unwrap();
    let mut map = vec![0u16; grid.voxels()];
    for (v, label) in map.iter_mut().enumerate() {
        let (z, y, x) = (v / 12_000, v / 200 % 60, v % 200);
        let middle = 30.0 + 15.0 * (x as f64 / 25.0).sin();
        let squared = (z as f64 - 20.0).powi(2) + (y as f64 - middle).powi(2);
        *label = if squared < 64.0 { 500 } else { 0 };
    }
    let thin = with_threads(|| {
        let mut out = vec![0; map.len()];
        skeletonize(&map, &[500], &grid, &mut out).unwrap();
        out
    });
    let mut numbers = vec![0; map.len()];
    let found =
        connected_components(&thin, &[500], &grid, Connectivity::Corners, &mut numbers).unwrap();
    assert_eq!(found.len(), 1);
    // One voxel across, from near one end to near the other.
    assert!((180..260).contains(&found[0].voxels), "{found:?}");
}

#[test]
fn maps_without_voxels_and_buffers_of_the_wrong_length() {
    let none = Grid::unit(&[0, 4]).unwrap();
    skeletonize::<u8>(&[], &[1], &none, &mut []).unwrap();
    let grid = Grid::unit(&[4]).unwrap();
    let found = skeletonize(&[1u8; 4], &[1], &grid, &mut [0; 3]);
    assert_eq!(found, Err(Error::Length { what: "output", found: 3, wanted: 4 }));
}
