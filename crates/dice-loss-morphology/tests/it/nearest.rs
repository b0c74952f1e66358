use dice_loss_morphology::{Error, Grid, border_weights, nearest_component, two_nearest};

use crate::{
    maps::{Random, SHAPES, maps, spacings, with_threads},
    naive::Places,
};

/// The squared distance of a voxel to each component, by rising numbers.
fn to_each(places: &Places, map: &[u8]) -> Vec<(u8, Vec<f64>)> {
    let mut numbers = map.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.retain(|&number| number != 0);
    let of = |number| map.iter().map(|&label| label == number).collect::<Vec<_>>();
    numbers.into_iter().map(|number| (number, places.to_nearest(&of(number)))).collect()
}

/// What the rounding of squared spacings and that to f32 may change.
fn near(found: f64, wanted: f64) -> bool {
    found == wanted || (found - wanted).abs() <= 4.0 * f64::from(f32::EPSILON) * wanted
}

#[test]
fn the_nearest_components_of_every_voxel() {
    let mut random = Random::new(4);
    for shape in SHAPES {
        for spacing in spacings(shape.len()) {
            let grid = Grid::new(shape, &spacing).unwrap();
            let places = Places::of(&grid);
            let whole = spacing[0] == 1.0;
            for mut map in maps(&grid, &mut random) {
                map.iter_mut().for_each(|label| *label *= 60);
                let each = to_each(&places, &map);
                let (cells, first, second) = with_threads(|| {
                    let mut cells = vec![7; map.len()];
                    nearest_component(&map, &grid, &mut cells).unwrap();
                    let mut distances = [vec![f32::NAN; map.len()], vec![f32::NAN; map.len()]];
                    let [first, second] = &mut distances;
                    two_nearest(&map, &grid, first, second).unwrap();
                    let [first, second] = distances;
                    (cells, first, second)
                });
                for v in 0..map.len() {
                    let mut sorted: Vec<_> = each.iter().map(|(n, d)| (d[v], *n)).collect();
                    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
                    let of = |rank: usize| sorted.get(rank).map_or(f64::INFINITY, |one| one.0);
                    let what = (&grid, &map, v, &sorted);
                    assert!(near(first[v].into(), of(0).sqrt()), "{what:?}: {}", first[v]);
                    assert!(near(second[v].into(), of(1).sqrt()), "{what:?}: {}", second[v]);
                    let own = sorted.iter().find(|one| one.1 == cells[v]);
                    match own {
                        None => assert!(cells[v] == 0 && sorted.is_empty(), "{what:?}"),
                        // Ties are exact where distances are whole numbers.
                        Some(_) if whole => assert_eq!(cells[v], sorted[0].1, "{what:?}"),
                        Some(own) => assert!(near(own.0, of(0)), "{what:?}: {}", cells[v]),
                    }
                }
            }
        }
    }
}

#[test]
fn borders_weigh_more() {
    let mut random = Random::new(6);
    for shape in [&[7usize, 9][..], &[3, 5, 6]] {
        let grid = Grid::new(shape, &spacings(shape.len())[2]).unwrap();
        for map in maps(&grid, &mut random) {
            let mut distances = [vec![0.0; map.len()], vec![0.0; map.len()]];
            let [first, second] = &mut distances;
            two_nearest(&map, &grid, first, second).unwrap();
            let mut found = vec![f32::NAN; map.len()];
            border_weights(&map, &grid, 7.5, 2.5, &mut found).unwrap();
            for v in 0..map.len() {
                let sum = f64::from(distances[0][v]) + f64::from(distances[1][v]);
                let wanted = 1.0 + 7.5 * (-sum * sum / (2.0 * 2.5 * 2.5)).exp();
                // The distances are rounded to f32 here, and what the exponential makes of that is
                // below their relative error times the exponent.
                let bound = wanted * 2e-7 * (1.0 + sum * sum);
                let few = sum.is_infinite() && found[v] == 1.0;
                assert!(few || (f64::from(found[v]) - wanted).abs() <= bound, "{map:?} {v}");
            }
        }
    }
}

/// Of equally near components the smallest number is taken, whatever lies first.
#[test]
fn equal_distances_go_to_the_smallest_number() {
    let grid = Grid::new(&[3, 3], &[0.7, 0.7]).unwrap();
    for (labels, wanted) in [([5, 3, 4, 9], 3), ([9, 4, 3, 5], 3), ([-1, 3, 4, -9], -9)] {
        let [a, b, c, d] = labels;
        let mut out = [0; 9];
        nearest_component(&[0, a, 0, b, 0, c, 0, d, 0], &grid, &mut out).unwrap();
        assert_eq!(out[4], wanted);
    }
}

#[test]
fn what_cannot_be_asked() {
    let grid = Grid::unit(&[2]).unwrap();
    let mut out = [0.0; 2];
    let mut message =
        |w0, sigma| border_weights(&[1, 2], &grid, w0, sigma, &mut out).unwrap_err().to_string();
    assert_eq!(message(f64::NAN, 5.0), "w0: found NaN, wanted a finite number");
    for sigma in [0.0, -1.0, f64::INFINITY] {
        let wanted = format!("sigma: found {sigma}, wanted above 0, and finite");
        assert_eq!(message(10.0, sigma), wanted);
    }
    let found = nearest_component(&[1u8], &grid, &mut [0]);
    assert_eq!(found, Err(Error::Length { what: "components", found: 1, wanted: 2 }));
    let found = two_nearest(&[1u8, 0], &grid, &mut [0.0; 2], &mut [0.0]);
    assert_eq!(found, Err(Error::Length { what: "second distances", found: 1, wanted: 2 }));
}
