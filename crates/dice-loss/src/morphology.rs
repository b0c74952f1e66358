//! Morphology as the engine calls it: it stops where sweeps would, and fails with their errors.

use dice_loss_morphology::interruptible;

use crate::{Error, Result, Stop};

/// Morphology that stops when sweeps would.
pub(crate) fn stoppable<T>(work: impl FnOnce() -> dice_loss_morphology::Result<T>) -> Result<T> {
    let done = match Stop::current() {
        Some(stop) => interruptible(move || stop.is_set(), work),
        None => work(),
    };
    done.map_err(Error::from)
}

impl From<dice_loss_morphology::Error> for Error {
    fn from(error: dice_loss_morphology::Error) -> Self {
        use dice_loss_morphology::Error as Of;
        match error {
            Of::Memory { what, bytes } => Self::Memory { what, bytes },
            Of::Interrupted => Self::Interrupted,
            Of::Parameter { what, found, wanted } => {
                Self::Parameter { what: what.into(), found, wanted }
            }
            Of::Shape { found, wanted } => {
                Self::Shape { what: "spatial axes of the target", found, wanted: wanted.into() }
            }
            other => Self::Parameter {
                what: "morphology".into(),
                found: other.to_string(),
                wanted: "buffers that fit".into(),
            },
        }
    }
}
