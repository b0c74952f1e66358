//! Objectives by their text, parsed once a thread.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use dice_loss::{Error, Layout, Objective, Prepared};

use crate::refused::Result;

/// How many objectives a thread remembers before it starts anew, and of how many classes in all.
const REMEMBERED: usize = 128;
const CLASSES: usize = 1 << 14;

/// Channels of the map of voxel losses.
pub(crate) fn map_channels(prepared: &Prepared) -> Result<usize> {
    let logits = Layout::channels_first(&[1, prepared.classes(), 1])?;
    let [_, channels, _] = prepared.map_shape(logits)?;
    Ok(channels)
}

/// The shape of the sums in Python: (rows, K, C).
pub(crate) fn shape_of_sums(prepared: &Prepared, rows: usize) -> [usize; 3] {
    [rows, prepared.integrands().len(), prepared.classes()]
}

/// From the engine's order, (rows, C, K), to Python's, (rows, K, C).
pub(crate) fn by_sum(prepared: &Prepared, sums: &[f64]) -> Result<Vec<f64>> {
    swapped(sums, [prepared.classes(), prepared.integrands().len()])
}

/// From Python's order to the engine's.
pub(crate) fn by_class(prepared: &Prepared, sums: &[f64]) -> Result<Vec<f64>> {
    swapped(sums, [prepared.integrands().len(), prepared.classes()])
}

/// From (rows, A, B) to (rows, B, A).
fn swapped(sums: &[f64], [a, b]: [usize; 2]) -> Result<Vec<f64>> {
    let mut out = Vec::new();
    if out.try_reserve_exact(sums.len()).is_err() {
        return Err(
            Error::Memory { what: "the sums of all samples", bytes: size_of_val(sums) }.into()
        );
    }
    for row in sums.chunks_exact((a * b).max(1)) {
        for second in 0..b {
            out.extend(row.iter().skip(second).step_by(b));
        }
    }
    Ok(out)
}

/// For each text, the objective for each number of classes.
type Memory = HashMap<String, Vec<(usize, Arc<Prepared>)>>;

thread_local! {
    // Of the thread, so that no lock can be held during a fork.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The objective that a text stands for, checked for this number of classes.
pub(crate) fn find(text: &str, classes: usize) -> Result<Arc<Prepared>> {
    let known = MEMORY.with_borrow(|memory| {
        let found = memory.get(text)?.iter().find(|(of, _)| *of == classes)?;
        Some(Arc::clone(&found.1))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let prepared = Arc::new(Objective::from_spec(text)?.prepare(classes)?);
    MEMORY.with_borrow_mut(|memory| {
        let all = || memory.values().flatten();
        let remembered: usize = all().map(|(classes, _)| classes).sum();
        if all().count() >= REMEMBERED || remembered + classes > CLASSES {
            memory.clear();
        }
        memory.entry(text.into()).or_default().push((classes, Arc::clone(&prepared)));
    });
    Ok(prepared)
}
