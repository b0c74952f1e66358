//! Lesions, beside flood fill and a search for the nearest voxel.

use dice_loss::{Connectivity, Error, Grid, Lesions};
use proptest::{prelude::*, test_runner::Config};

/// Coordinates of all voxels, the last axis fastest.
fn places(grid: &Grid) -> Vec<Vec<usize>> {
    grid.shape().iter().fold(vec![vec![]], |places, &size| {
        places.iter().flat_map(|place| (0..size).map(|at| [&place[..], &[at]].concat())).collect()
    })
}

/// The lesions of a mask as lists of voxels, by their first.
fn flooded(mask: &[bool], places: &[Vec<usize>], reach: usize) -> Vec<Vec<usize>> {
    let touch = |a: usize, b: usize| {
        let apart = places[a].iter().zip(&places[b]).map(|(a, b)| a.abs_diff(*b));
        apart.clone().all(|far| far <= 1) && apart.sum::<usize>() <= reach
    };
    let mut left: Vec<_> = (0..mask.len()).filter(|&voxel| mask[voxel]).collect();
    let mut lesions = Vec::new();
    while !left.is_empty() {
        let mut lesion = vec![left.remove(0)];
        let mut next = 0;
        while next < lesion.len() {
            let (joined, rest) = left.iter().partition(|&&voxel| touch(lesion[next], voxel));
            lesion.extend::<Vec<usize>>(joined);
            left = rest;
            next += 1;
        }
        lesions.push(lesion);
    }
    lesions
}

fn nearest(voxel: usize, lesions: &[Vec<usize>], places: &[Vec<usize>], spacing: &[f64]) -> usize {
    let square = |a: usize, b: usize| -> f64 {
        let apart = places[a].iter().zip(&places[b]).zip(spacing);
        apart.map(|((a, b), step)| (a.abs_diff(*b) as f64 * step).powi(2)).sum()
    };
    let far =
        |lesion: &[usize]| lesion.iter().map(|&of| square(voxel, of)).fold(f64::INFINITY, f64::min);
    let distances: Vec<_> = lesions.iter().map(|lesion| far(lesion)).collect();
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    distances.iter().position(|&distance| distance == least).unwrap()
}

fn naive(
    prediction: &[bool],
    reference: &[bool],
    grid: &Grid,
    reach: usize,
    share: f64,
) -> Lesions {
    let places = places(grid);
    let own = flooded(reference, &places, reach);
    let predicted = flooded(prediction, &places, reach);
    let count = |lesions: &[Vec<usize>], mask: &[bool]| {
        let is_met = |lesion: &&Vec<usize>| {
            let shared = lesion.iter().filter(|&&voxel| mask[voxel]).count();
            shared > 0 && shared as f64 / lesion.len() as f64 >= share
        };
        lesions.iter().filter(is_met).count() as u64
    };
    let mut ious = Vec::new();
    for one in &own {
        for other in &predicted {
            let both = one.iter().filter(|voxel| other.contains(voxel)).count() as f64;
            ious.push(both / ((one.len() + other.len()) as f64 - both));
        }
    }
    ious.retain(|&iou| iou > 0.5);
    let mut dice = Vec::new();
    for cell in 0..own.len().max(1) {
        let is_in = |&voxel: &usize| {
            own.is_empty() || nearest(voxel, &own, &places, grid.spacing()) == cell
        };
        let voxels: Vec<_> = (0..grid.voxels()).filter(is_in).collect();
        let size = |mask: &[bool]| voxels.iter().filter(|&&voxel| mask[voxel]).count() as f64;
        let both = voxels.iter().filter(|&&voxel| prediction[voxel] && reference[voxel]).count();
        let all = size(prediction) + size(reference);
        if all > 0.0 {
            dice.push(2.0 * both as f64 / all);
        }
    }
    Lesions {
        reference: own.len() as u64,
        found: count(&own, prediction),
        predicted: predicted.len() as u64,
        right: count(&predicted, reference),
        matched: ious.len() as u64,
        matched_iou: ious.iter().sum(),
        cells: dice.len() as u64,
        cell_dice: dice.iter().sum(),
    }
}

fn pair() -> impl Strategy<Value = (Vec<usize>, Vec<bool>, Vec<bool>)> {
    let shapes = prop_oneof![
        (1usize..=9).prop_map(|x| vec![x]),
        (1usize..=9, 1usize..=9).prop_map(|(y, x)| vec![y, x]),
        (1usize..=4, 1usize..=5, 1usize..=5).prop_map(|(z, y, x)| vec![z, y, x]),
    ];
    (shapes, 0.0f64..1.0, 0.0f64..1.0).prop_flat_map(|(shape, some, more)| {
        let voxels: usize = shape.iter().product();
        let mask = |share| prop::collection::vec(prop::bool::weighted(share), voxels);
        (Just(shape), mask(some), mask(more))
    })
}

proptest! {
    #![proptest_config(Config { cases: 256, ..Config::default() })]

    #[test]
    fn counts_are_those_of_the_naive_version(
        (shape, prediction, reference) in pair(),
        connectivity in prop::sample::select(
            vec![(Connectivity::Faces, 1), (Connectivity::Edges, 2), (Connectivity::Corners, 3)]
        ),
        overlap in prop::sample::select(vec![0.0, 0.25, 0.5, 1.0]),
        spacing in prop::sample::select(vec![1.0, 2.0]),
    ) {
        let mut steps = vec![1.0; shape.len()];
        steps[0] = spacing;
        let grid = Grid::new(&shape, &steps).unwrap();
        let (connectivity, reach) = connectivity;
        let found = Lesions::of(&prediction, &reference, &grid, connectivity, overlap).unwrap();
        let wanted = naive(&prediction, &reference, &grid, reach, overlap);
        let sums = |lesions: &Lesions| [lesions.matched_iou, lesions.cell_dice];
        for (found, wanted) in sums(&found).into_iter().zip(sums(&wanted)) {
            prop_assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
        let Lesions { matched_iou, cell_dice, .. } = wanted;
        prop_assert_eq!(Lesions { matched_iou, cell_dice, ..found }, wanted);
    }
}

#[test]
fn nothing_there_is_no_ratio_and_something_invented_is_0() {
    let grid = Grid::unit(&[4]).unwrap();
    let (none, some) = ([false; 4], [false, true, false, true]);
    let of = |prediction: &[bool], reference: &[bool]| {
        Lesions::of(prediction, reference, &grid, Connectivity::Faces, 0.0).unwrap()
    };
    let ratios = |lesions: Lesions| {
        [
            lesions.recall(),
            lesions.precision(),
            lesions.f1(),
            lesions.panoptic_quality(),
            lesions.segmentation_quality(),
            lesions.recognition_quality(),
            lesions.cc_dice(),
        ]
    };
    let zero = Some(0.0);
    assert_eq!(ratios(of(&none, &none)), [None; 7]);
    assert_eq!(ratios(of(&some, &none)), [None, zero, zero, zero, None, zero, zero]);
    assert_eq!(ratios(of(&none, &some)), [zero, None, zero, zero, None, zero, zero]);
    assert_eq!(ratios(of(&some, &some)), [Some(1.0); 7]);
    let all: Lesions = [of(&some, &some), of(&some, &none)].into_iter().sum();
    assert_eq!(
        (all.recall(), all.precision(), all.cc_dice()),
        (Some(1.0), Some(0.5), Some(2.0 / 3.0))
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    let grid = Grid::unit(&[2, 2]).unwrap();
    let of = |prediction: &[bool], overlap| {
        Lesions::of(prediction, &[true; 4], &grid, Connectivity::Corners, overlap)
    };
    let said = |error: Error| error.to_string();
    assert_eq!(
        of(&[true; 3], 0.0).map_err(said),
        Err("prediction: found shape [3], wanted 4 voxels, as the grid".into())
    );
    for overlap in [-0.1, 1.5, f64::NAN] {
        let wanted =
            format!("overlap: found {overlap}, wanted 0 to 1, a share of a lesion's voxels");
        assert_eq!(of(&[true; 4], overlap).map_err(said), Err(wanted));
    }
}
