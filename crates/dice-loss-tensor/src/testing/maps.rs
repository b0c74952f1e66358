//! Maps: what weighs the voxels of the terms that name it.

use dice_loss::{
    Activation, BinaryCrossEntropy, BorderCrossEntropy, Boundary, CrossEntropy, Dice, Focal,
    HausdorffDT, InstanceCrossEntropy, Objective, Pool, Selection, SkeletonRecall,
};

use super::{Case, FrontEnd, Reference, Shaped, Way, agreement::against_the_reference, precision};

/// Terms with maps of their own, with one in common and with none, in one objective.
fn objectives() -> Vec<(Activation, Objective)> {
    let dice = |activation| Dice::default().with(activation);
    vec![
        (
            Activation::Softmax,
            Objective::new()
                .term(1.0, dice(Activation::Softmax))
                .term(0.5, dice(Activation::Softmax).map("a"))
                .term(
                    0.7,
                    CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax().map("a"),
                )
                .term(0.3, Focal::default().softmax().map("b"))
                .term(0.2, Boundary::default().softmax())
                .term(0.1, SkeletonRecall::default().softmax()),
        ),
        (
            Activation::Sigmoid,
            Objective::new()
                .term(0.6, BinaryCrossEntropy::default().sigmoid().map("a"))
                .term(0.4, BinaryCrossEntropy::default().sigmoid())
                .term(0.3, Focal::default().sigmoid().map("b"))
                .term(0.2, HausdorffDT::default().sigmoid().map("b")),
        ),
        (
            Activation::Probabilities,
            Objective::new()
                .term(1.0, CrossEntropy::default().probabilities().map("a"))
                .term(0.5, dice(Activation::Probabilities).map("b")),
        ),
    ]
}

/// Sums, value and gradient of all kinds of terms, with every kind of target.
pub fn maps_weigh_the_terms_that_name_them<F: FrontEnd>(front_end: &F) {
    for (activation, objective) in objectives() {
        let cases = Case::all(3, activation).into_iter();
        for case in cases.flat_map(|case| case.with_maps(&objective)) {
            against_the_reference(
                front_end,
                &format!("{activation:?} {case:?}"),
                &objective,
                &case,
            );
        }
    }
}

/// Of either shape, without an axis for the channel too.
pub fn a_map_of_ones_changes_nothing<F: FrontEnd>(front_end: &F) {
    let terms = |map: bool| {
        let (dice, losses) = (Dice::default().softmax(), CrossEntropy::default().softmax());
        let named = |term: dice_loss::Term| if map { term.map("a") } else { term };
        Objective::new().term(1.0, named(dice)).term(1.0, named(losses))
    };
    for case in Case::all(3, Activation::Softmax) {
        for &way in F::WAYS {
            let wanted = front_end.run(way, &terms(false), &case, None).expect("a batch");
            let with_channel = [&case.shape[..1], &[1], &case.shape[2..]].concat();
            for shape in [case.per_voxel(), with_channel, case.shape.clone()] {
                let maps = vec![("a".to_owned(), Shaped::full(1.0, &shape))];
                let case = Case { maps, ..case.clone() };
                let found = front_end.run(way, &terms(true), &case, None).expect("a batch");
                // The engine goes by tiles where there are maps, and by kernels where there are none.
                let tolerance = 8.0 * precision::F32 * (1.0 + wanted.values[0]);
                assert!((found.values[0] - wanted.values[0]).abs() <= tolerance, "{case:?}");
                let tolerance = 8.0 * precision::F32 * precision::largest(&wanted.gradient);
                for (found, wanted) in found.gradient.iter().zip(&wanted.gradient) {
                    assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
                }
            }
        }
    }
}

/// Shapes, names and values.
pub fn maps_that_do_not_fit<F: FrontEnd>(front_end: &F) {
    let shape = [2, 3, 4, 5];
    let labels = Reference::Labels(Shaped::full(1, &[2, 4, 5]));
    let plain = Case::plain(&shape, labels);
    let weighed = Objective::new().term(1.0, CrossEntropy::default().softmax().map("a"));
    let signed = Objective::new().term(1.0, Boundary::default().softmax());
    let refused = |objective: &Objective, maps: &[(&str, f32, &[usize])], wanted: &str| {
        let of = |&(name, value, shape): &(&str, f32, &[usize])| {
            (name.to_owned(), Shaped::full(value, shape))
        };
        let case = Case { maps: maps.iter().map(of).collect(), ..plain.clone() };
        for &way in F::WAYS {
            let found = front_end.run(way, objective, &case, None).map(|_| ()).unwrap_err();
            assert!(found.contains(wanted), "{way:?}: {found}");
        }
    };
    let fits: &[usize] = &[2, 4, 5];
    refused(
        &weighed,
        &[("a", 1.0, &[2, 2, 4, 5])],
        "map 'a': found shape [2, 2, 4, 5], wanted [2, 4, 5], [2, 1, 4, 5] or [2, 3, 4, 5], to fit the \
         logits",
    );
    refused(&weighed, &[], "cross_entropy: map: found none called 'a' with the target");
    refused(&weighed, &[("a", 1.0, fits), ("b", 1.0, fits)], "maps of the target: found 'b'");
    refused(&weighed, &[("a", 1.0, fits), ("a", 1.0, fits)], "two of the name 'a'");
    let negative =
        "voxel (0, 0): found -1 in the map 'a', wanted a value of at least 0, and at most 1e12";
    refused(&weighed, &[("a", -1.0, fits)], negative);
    refused(&weighed, &[("a", f32::NAN, fits)], "voxel (0, 0): found NaN in the map 'a'");
    let too_large = "in the map 'boundary', wanted a value from -1e12 to 1e12";
    refused(&signed, &[("boundary", 2e12, &shape)], too_large);
}

/// Where the engine reaches the target, a map that is not handed in is made; elsewhere it is asked for.
pub fn maps_that_losses_make<F: FrontEnd>(front_end: &F) {
    let spacing = Some(vec![2.0, 0.5]);
    let selection = Selection { top_k: 0.3, ..Default::default() };
    let objectives = [
        Objective::new()
            .term(1.0, Dice::default().softmax())
            .term(0.5, Boundary { spacing: spacing.clone() }.softmax())
            .term(0.3, BorderCrossEntropy { spacing, ..Default::default() }.softmax())
            .term(0.2, CrossEntropy { selection, ..Default::default() }.softmax()),
        Objective::new()
            .term(1.0, HausdorffDT::default().sigmoid())
            .term(0.5, SkeletonRecall::default().sigmoid())
            .term(0.2, Focal { selection, ..Default::default() }.sigmoid()),
    ];
    for (objective, activation) in objectives.iter().zip([Activation::Softmax, Activation::Sigmoid])
    {
        for case in Case::all(3, activation) {
            let named = objective.maps().expect("maps that do not contradict");
            for &way in F::WAYS {
                let found = front_end.run(way, objective, &case, None);
                if way == Way::Operations {
                    let said = found.map(|_| ()).unwrap_err();
                    assert!(said.contains("the CPU makes it, ahead of the loss"), "{said}");
                    continue;
                }
                let maps = case.made_maps(objective);
                assert_eq!(maps.len(), named.len());
                let given = Case { maps, ..case.clone() };
                let wanted = front_end.run(way, objective, &given, None).expect("a batch");
                let found = found.expect("a batch");
                assert_eq!((&found.values, &found.gradient), (&wanted.values, &wanted.gradient));
                // The others are made where some are there.
                let mut some = given.clone();
                some.maps.pop();
                let found = front_end.run(way, objective, &some, None).expect("a batch");
                assert_eq!(found.values, wanted.values);
            }
        }
    }
}

/// Losses of instances: by the engine, which finds them or is handed their numbers; elsewhere refused.
pub fn instances_are_seen_by_the_engine_alone<F: FrontEnd>(front_end: &F) {
    for pool in [Pool::Cell, Pool::Blob] {
        let division = pool.division().expect("instances");
        let dice = Dice::default().softmax().background(false).pool(pool);
        let weights = InstanceCrossEntropy { division, ..Default::default() }.softmax();
        let objective = Objective::new().term(1.0, dice).term(0.5, weights);
        for case in Case::all(3, Activation::Softmax) {
            for &way in F::WAYS {
                let found = front_end.run(way, &objective, &case, None);
                if way == Way::Operations {
                    let said = found.map(|_| ()).unwrap_err();
                    assert!(said.contains("only the engine looks at instances"), "{said}");
                    continue;
                }
                let maps = case.made_maps(&objective);
                assert_eq!(maps.len(), 2);
                let given = Case { maps, ..case.clone() };
                let found = found.expect("a batch");
                let wanted = front_end.run(way, &objective, &given, None).expect("a batch");
                assert_eq!((&found.values, &found.gradient), (&wanted.values, &wanted.gradient));
                assert!(found.values[0] > 0.0 && found.gradient.iter().any(|slope| *slope != 0.0));
            }
        }
    }
}
