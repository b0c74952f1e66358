use dice_loss_morphology::{Distance, Error, Grid, Signed, distance_transform, signed_distance};

use crate::{
    maps::{Random, SHAPES, blocks, maps, spacings, with_threads},
    naive::Places,
};

const CLASSES: [u8; 4] = [3, 1, 0, 2];

/// Distances are three roundings of f32 at most, squares four.
fn assert_near(found: f32, wanted: f64, what: &dyn std::fmt::Debug) {
    if wanted.is_infinite() || wanted == 0.0 {
        assert_eq!(f64::from(found), wanted, "{what:?}");
        return;
    }
    let off = (f64::from(found) - wanted).abs() / wanted.abs();
    assert!(off <= 2.0 * f64::from(f32::EPSILON), "{what:?}: found {found}, wanted {wanted}");
}

fn each_map(mut ask: impl FnMut(&Grid, &[u8], &Places)) {
    let mut random = Random::new(1);
    for shape in SHAPES {
        for spacing in spacings(shape.len()) {
            let grid = Grid::new(shape, &spacing).unwrap();
            let places = Places::of(&grid);
            for map in maps(&grid, &mut random) {
                ask(&grid, &map, &places);
            }
        }
    }
}

#[test]
fn distances_to_the_nearest_voxel_of_each_class() {
    each_map(|grid, map, places| {
        for distance in [Distance::Euclidean, Distance::Squared] {
            let found = with_threads(|| {
                let mut out = vec![f32::NAN; map.len() * CLASSES.len()];
                distance_transform(map, &CLASSES, grid, distance, &mut out).unwrap();
                out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            });
            for (class, found) in CLASSES.iter().zip(found.chunks(map.len())) {
                let set: Vec<_> = map.iter().map(|label| label == class).collect();
                for (v, (found, squared)) in found.iter().zip(places.to_nearest(&set)).enumerate() {
                    let wanted = match distance {
                        Distance::Euclidean => squared.sqrt(),
                        Distance::Squared => squared,
                    };
                    assert_near(f32::from_bits(*found), wanted, &(grid, map, class, v));
                }
            }
        }
    });
}

#[test]
fn signed_distances_in_both_conventions() {
    each_map(|grid, map, places| {
        let mut out = vec![f32::NAN; map.len() * CLASSES.len()];
        let long = grid.shape().iter().zip(grid.spacing()).filter(|(size, _)| **size > 1);
        let unit = long.map(|(_, step)| *step).fold(f64::INFINITY, f64::min);
        for signed in [Signed::Centres, Signed::Boundary] {
            signed_distance(map, &CLASSES, grid, signed, &mut out).unwrap();
            for (class, found) in CLASSES.iter().zip(out.chunks(map.len())) {
                let inside: Vec<_> = map.iter().map(|label| label == class).collect();
                let outside: Vec<_> = inside.iter().map(|inside| !inside).collect();
                let one_kind = inside.iter().all(|x| *x) || outside.iter().all(|x| *x);
                let to = places.to_nearest(&inside).into_iter().zip(places.to_nearest(&outside));
                for (v, (&found, (out, depth))) in found.iter().zip(to).enumerate() {
                    let what = (grid, map, class, v);
                    match signed {
                        Signed::Boundary if one_kind => assert_eq!(found, 0.0, "{what:?}"),
                        _ if !inside[v] => assert_near(found, out.sqrt(), &what),
                        Signed::Centres => assert_near(found, -depth.sqrt(), &what),
                        Signed::Boundary => {
                            // The difference cancels, the distance's own roundings stay.
                            let wanted = unit - depth.sqrt();
                            let off = (f64::from(found) - wanted).abs();
                            let bound = 2.0 * depth.sqrt() * f64::from(f32::EPSILON);
                            assert!(off <= bound && found <= 0.0, "{what:?}: {found}, {wanted}");
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn long_lines_and_many_slices_are_the_same_in_any_pool() {
    let mut random = Random::new(5);
    for (shape, spacing) in [
        (&[70usize, 50, 90][..], &[2.5, 1.0, 1.0][..]),
        (&[300, 500], &[1.0, 1.0]),
        (&[3, 2000, 9], &[1.0, 1.1, 1.0]),
        (&[60_000], &[0.1]),
    ] {
        let grid = Grid::new(shape, spacing).unwrap();
        let map = blocks(&grid, &mut random);
        with_threads(|| {
            let mut out = vec![f32::NAN; map.len() * 2];
            signed_distance(&map, &[1, 2], &grid, Signed::Boundary, &mut out).unwrap();
            out
        });
    }
}

/// Every integer type, and masks, see the same.
#[test]
fn labels_of_every_type() {
    let grid = Grid::new(&[3, 4], &[1.0, 0.5]).unwrap();
    let map = [0u8, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0];
    let mut wanted = [0.0; 12];
    distance_transform(&map, &[1], &grid, Distance::Euclidean, &mut wanted).unwrap();
    macro_rules! ask {
        ($($T:ty),+) => {$({
            let labels = map.map(|label| if label == 1 { <$T>::MAX } else { <$T>::MIN });
            let mut found = [0.0; 12];
            distance_transform(&labels, &[<$T>::MAX], &grid, Distance::Euclidean, &mut found)
                .unwrap();
            assert_eq!(found, wanted);
        })+};
    }
    ask!(u8, u16, u32, u64, i8, i16, i32, i64);
    let mut found = [0.0; 12];
    let mask = map.map(|label| label == 1);
    distance_transform(&mask, &[true], &grid, Distance::Euclidean, &mut found).unwrap();
    assert_eq!(found, wanted);
}

#[test]
fn maps_without_voxels_and_without_classes() {
    for shape in [&[0usize][..], &[3, 0], &[0, 3], &[2, 0, 2], &[0, 0, 0]] {
        let grid = Grid::unit(shape).unwrap();
        let none = &mut [][..];
        distance_transform::<u8>(&[], &[1, 2], &grid, Distance::Euclidean, none).unwrap();
        signed_distance::<u8>(&[], &[1, 2], &grid, Signed::Boundary, none).unwrap();
    }
    let grid = Grid::unit(&[2]).unwrap();
    distance_transform(&[1u8, 0], &[], &grid, Distance::Euclidean, &mut []).unwrap();
}

#[test]
fn buffers_of_the_wrong_length() {
    let grid = Grid::unit(&[2, 3]).unwrap();
    let mut out = [0.0; 6];
    let found = distance_transform(&[0u8; 5], &[1], &grid, Distance::Squared, &mut out);
    assert_eq!(found, Err(Error::Length { what: "labels", found: 5, wanted: 6 }));
    let found = signed_distance(&[0u8; 6], &[1, 2], &grid, Signed::Centres, &mut out);
    assert_eq!(found, Err(Error::Length { what: "output", found: 6, wanted: 12 }));
}
