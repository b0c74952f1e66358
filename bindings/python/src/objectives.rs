//! Objectives by their text, parsed once a thread.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use dice_loss::{Layout, Measurement, Objective};

use crate::{refused::Result, spec};

/// How many texts a thread remembers before it starts anew.
const REMEMBERED: usize = 128;

/// An objective that fits its number of classes, and what it measures.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub objective: Objective,
    pub measurement: Measurement,
    /// K.
    pub columns: usize,
}

impl Prepared {
    fn new(text: &str, classes: usize) -> Result<Self> {
        let objective = spec::parse(text)?;
        let measurement = objective.measurement(classes)?;
        let columns = measurement.integrands().len();
        Ok(Self { objective, measurement, columns })
    }

    /// Channels of the map of voxel losses.
    pub fn map_channels(&self, classes: usize) -> Result<usize> {
        let [_, channels, _] =
            self.objective.map_shape(Layout::channels_first(&[1, classes, 1])?)?;
        Ok(channels)
    }
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
    let prepared = Arc::new(Prepared::new(text, classes)?);
    MEMORY.with_borrow_mut(|memory| {
        if memory.len() >= REMEMBERED {
            memory.clear();
        }
        memory.entry(text.into()).or_default().push((classes, Arc::clone(&prepared)));
    });
    Ok(prepared)
}
