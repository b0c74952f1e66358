//! Labels are compared by value, by every way to a loss.

use dice_loss::Activation;

use super::{Case, FrontEnd, Integer, Reference, Shaped, objective};

/// A label, its type, what is ignored, and whether that is the label.
const LABELS: [(u64, Integer, i64, bool); 13] = [
    (255, Integer::U8, 255, true),
    (156, Integer::U8, -100, false),
    (0, Integer::U8, 256, false),
    (-100i64 as u64, Integer::I8, -100, true),
    (-100i64 as u64, Integer::I16, -100, true),
    (i32::MIN as u64, Integer::I32, i32::MIN as i64, true),
    (u32::MAX as u64, Integer::U32, u32::MAX as i64, true),
    (u32::MAX as u64, Integer::U32, -1, false),
    (1 << 40, Integer::I64, 1 << 40, true),
    ((1 << 40) + 255, Integer::I64, 255, false),
    (1 << 40, Integer::U64, 1 << 40, true),
    (u64::MAX, Integer::U64, -1, false),
    (1 << 63, Integer::U64, i64::MIN, false),
];

/// A label of a type is ignored if it is the number that is, and else named or counted.
pub fn what_is_ignored_is_that_number_alone<F: FrontEnd>(front_end: &F) {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let labels = case.labels().clone();
    let mask = (0..labels.values.len()).map(|voxel| voxel != 17).collect();
    let masked = Case { mask: Some(Shaped::new(mask, &labels.shape)), ..case.clone() };
    for (label, integer, ignored, is_ignored) in LABELS {
        if !F::LABELS.contains(&integer) {
            continue;
        }
        let mut labels = labels.clone();
        labels.values[17] = label as i64;
        let (reference, ignore_index) = (Reference::Labels(labels), Some(ignored));
        let case = Case { reference, integer, ignore_index, ..case.clone() };
        for &way in F::WAYS {
            let wanted = front_end.run(way, &objective(), &masked, None).expect("a batch").moments;
            let found = front_end.run(way, &objective(), &case, None);
            match found {
                Ok(found) if is_ignored => assert_eq!(found.moments, wanted, "{label} {integer:?}"),
                Ok(_) => assert_eq!(label, 0, "{way:?}, {integer:?}: no class, and counted"),
                Err(error) => {
                    let shown = match integer {
                        Integer::U64 => label.to_string(),
                        _ => (label as i64).to_string(),
                    };
                    let wanted = format!("found label {shown}, wanted 0 to 2");
                    assert!(!is_ignored && error.contains(&wanted), "{way:?} {integer:?} {error}");
                }
            }
        }
    }
}

/// With or without an axis for the channel.
pub fn labels_of_every_integer_type<F: FrontEnd>(front_end: &F) {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let labels = case.labels();
    let with_channel = [&labels.shape[..1], &[1], &labels.shape[1..]].concat();
    let with_channel = Reference::Labels(Shaped::new(labels.values.clone(), &with_channel));
    for &way in F::WAYS {
        let of = |integer, reference: &Reference| {
            let case = Case { integer, reference: reference.clone(), ..case.clone() };
            let found = front_end.run(way, &objective(), &case, None).expect("a batch");
            (found.values, found.gradient, found.moments)
        };
        let wanted = of(Integer::I32, &case.reference);
        for &integer in F::LABELS {
            assert_eq!(of(integer, &case.reference), wanted, "{way:?} {integer:?}");
            assert_eq!(of(integer, &with_channel), wanted, "{way:?} {integer:?}");
        }
    }
}
