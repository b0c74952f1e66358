//! Everything that can be wrong with what is given.

/// What was found, and what was wanted instead.
///
/// Shapes and options are looked at before anything is written; [`Memory`](Self::Memory) and
/// [`Interrupted`](Self::Interrupted) may come half way.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shape with too few or too many axes, or with more voxels than can be counted.
    #[error("shape: found {found:?}, wanted {wanted}")]
    Shape {
        /// The shape.
        found: Vec<usize>,
        /// The shapes that there are.
        wanted: &'static str,
    },
    /// A buffer that does not have as many elements as the grid has voxels, for each class.
    #[error("{what}: found {found} elements, wanted {wanted}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Its elements.
        found: usize,
        /// The elements that fit.
        wanted: usize,
    },
    /// An option outside its range.
    #[error("{what}: found {found}, wanted {wanted}")]
    Parameter {
        /// Which option.
        what: &'static str,
        /// Its value.
        found: String,
        /// What would have been accepted.
        wanted: String,
    },
    /// No memory for what is needed beside input and output.
    #[error("memory: found less than the {bytes} bytes wanted for {what}")]
    Memory {
        /// What for.
        what: &'static str,
        /// How much; the largest number if that cannot be told.
        bytes: usize,
    },
    /// [`interruptible`](crate::interruptible) work was stopped.
    #[error("morphology: found it stopped by its caller, wanted its end")]
    Interrupted,
}

/// What can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Fails unless a buffer has so many elements.
pub(crate) fn expect_length(what: &'static str, found: usize, wanted: usize) -> Result<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(Error::Length { what, found, wanted }),
    }
}
