use dice_loss_morphology::{Error, Grid, dilate, erode};

use crate::{
    maps::{Random, SHAPES, maps, spacings, with_threads},
    naive::Places,
};

const CLASSES: [u8; 4] = [2, 0, 1, 3];

#[test]
fn what_lies_within_a_ball() {
    let mut random = Random::new(7);
    for shape in SHAPES {
        for spacing in spacings(shape.len()) {
            let grid = Grid::new(shape, &spacing).unwrap();
            let places = Places::of(&grid);
            for map in maps(&grid, &mut random) {
                for radius in [0.0, 0.4 * 3.0, 2.5, 100.0] {
                    let (grown, worn) = with_threads(|| {
                        let mut masks = [0, 1].map(|_| vec![true; map.len() * CLASSES.len()]);
                        dilate(&map, &CLASSES, radius, &grid, &mut masks[0]).unwrap();
                        erode(&map, &CLASSES, radius, &grid, &mut masks[1]).unwrap();
                        let [grown, worn] = masks;
                        (grown, worn)
                    });
                    let most = (radius * (1.0 + 1e-6)).powi(2);
                    for (k, class) in CLASSES.iter().enumerate() {
                        let inside: Vec<_> = map.iter().map(|label| label == class).collect();
                        let outside: Vec<_> = inside.iter().map(|inside| !inside).collect();
                        let (to, depth) = (places.to_nearest(&inside), places.to_nearest(&outside));
                        let part = k * map.len()..(k + 1) * map.len();
                        for (v, (grown, worn)) in
                            grown[part.clone()].iter().zip(&worn[part]).enumerate()
                        {
                            let what = (&grid, &map, class, radius, v);
                            assert_eq!(*grown, to[v] <= most, "{what:?}");
                            assert_eq!(*worn, depth[v] > most, "{what:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn rounding_decides_nothing() {
    let grid = Grid::new(&[9], &[0.1]).unwrap();
    let mut point = [false; 9];
    point[4] = true;
    let mut out = [false; 9];
    // 0.1 + 0.2 is more than 0.3, 3 × 0.1 too.
    for radius in [0.3, 0.1 + 0.2] {
        dilate(&point, &[true], radius, &grid, &mut out).unwrap();
        assert_eq!(out, [false, true, true, true, true, true, true, true, false]);
    }
}

#[test]
fn what_cannot_be_asked() {
    let grid = Grid::unit(&[2]).unwrap();
    for radius in [-1.0, f64::NAN, f64::INFINITY] {
        let found = dilate(&[0u8; 2], &[1], radius, &grid, &mut [false; 2]).unwrap_err();
        assert_eq!(
            found.to_string(),
            format!("radius: found {radius}, wanted 0 or more, and finite")
        );
    }
    let found = erode(&[0u8; 2], &[1], 1.0, &grid, &mut [false; 3]);
    assert_eq!(found, Err(Error::Length { what: "output", found: 3, wanted: 2 }));
}
