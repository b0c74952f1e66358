//! Masks, weights and validity that say one thing for several voxels or samples.

use dice_loss::Activation;

use super::{Case, FrontEnd, Shaped, noise, objective};

/// The shapes that a mask and weights may have.
pub fn what_holds_for_several_voxels_is_as_if_written_out<F: FrontEnd>(front_end: &F) {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let [n, h, w] = case.per_voxel()[..] else { panic!("images") };
    // A shape, and the same with an axis for samples and each spatial axis.
    let shapes: [(&[usize], [usize; 3]); 7] = [
        (&[n], [n, 1, 1]),
        (&[h, w], [1, h, w]),
        (&[1, h, w], [1, h, w]),
        (&[n, 1, 1], [n, 1, 1]),
        (&[n, h, 1], [n, h, 1]),
        (&[n, 1, 1, 1], [n, 1, 1]),
        (&[1, 1, h, w], [1, h, w]),
    ];
    for (shape, axes) in shapes {
        let length = shape.iter().product();
        let weights: Vec<_> = noise(length, 6).iter().map(|x| x + 1.5).collect();
        let mask: Vec<_> = (0..length).map(|index| index % 3 != 1).collect();
        let place = |voxel: usize| {
            let at = [voxel / (h * w), voxel / w % h, voxel % w];
            axes.iter().zip(at).fold(0, |all, (&size, at)| all * size + at % size)
        };
        let voxels = || (0..n * h * w).map(place);
        let of = |weights, mask| Case { weights: Some(weights), mask: Some(mask), ..case.clone() };
        let whole = of(
            Shaped::new(voxels().map(|at| weights[at]).collect(), &[n, h, w]),
            Shaped::new(voxels().map(|at| mask[at]).collect(), &[n, h, w]),
        );
        let repeated = of(Shaped::new(weights, shape), Shaped::new(mask, shape));
        for &way in F::WAYS {
            let [found, wanted] = [&repeated, &whole]
                .map(|case| front_end.run(way, &objective(), case, None).expect("a batch").moments);
            assert_eq!(found, wanted, "{way:?} {shape:?}");
        }
    }
    for &way in F::WAYS {
        let case = Case { mask: Some(Shaped::full(true, &[1])), ..case.clone() };
        let error = front_end.run(way, &objective(), &case, None).unwrap_err();
        let wanted = "mask: found shape [1], wanted [2, 3, 5], with 1";
        assert!(error.starts_with(wanted), "{error}");
    }
}

/// A row of validity for all samples.
pub fn annotated_classes_of_every_sample<F: FrontEnd>(front_end: &F) {
    let case = Case::all(3, Activation::Softmax).remove(0);
    for &way in F::WAYS {
        let of = |valid: Vec<bool>| {
            let case = Case { class_valid: Some(valid), ..case.clone() };
            front_end.run(way, &objective(), &case, None).expect("a batch").moments
        };
        let row = [true, false, true];
        assert_eq!(of(row.to_vec()), of(row.repeat(2)), "{way:?}");
    }
}
