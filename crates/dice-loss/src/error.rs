//! Everything that can be wrong with what the engine is given.

/// What was found, and what was wanted instead.
///
/// Nothing is written when an error is returned: the gradient buffer is untouched. But for
/// [`Memory`](Self::Memory) and [`Interrupted`](Self::Interrupted), which may come half way.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two shapes that should agree do not, or a shape has too few axes.
    #[error("{what}: found shape {found:?}, wanted {wanted}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        wanted: String,
    },
    /// The buffer is shorter than its shape and strides reach.
    #[error("{what}: found {found} elements, wanted at least {wanted}")]
    Length {
        /// Which input.
        what: &'static str,
        /// Elements in the buffer.
        found: usize,
        /// Elements that the layout reaches.
        wanted: usize,
    },
    /// Strides that the sweeps cannot follow.
    #[error("found strides {strides:?} for shape {shape:?}, wanted {wanted}")]
    Strides {
        /// The shape.
        shape: Vec<usize>,
        /// Its strides, in elements.
        strides: Vec<usize>,
        /// What would have been accepted.
        wanted: &'static str,
    },
    /// A label that names no class.
    #[error("sample {sample}, voxel {}: found label {found}, wanted {wanted}", coordinates(.voxel))]
    Label {
        /// The sample.
        sample: usize,
        /// The voxel: its place along each spatial axis, from 0 on, as
        /// [`Layout::coordinates`](crate::Layout::coordinates) has it.
        voxel: Vec<usize>,
        /// The label, as it was read.
        found: String,
        /// The labels that exist.
        wanted: String,
    },
    /// A dense target, or a voxel weight, outside its range.
    #[error(
        "sample {sample}, voxel {}: found {what} {}, wanted {wanted}",
        coordinates(.voxel), in_few_digits(*.found)
    )]
    Value {
        /// Which input.
        what: &'static str,
        /// The sample.
        sample: usize,
        /// The voxel: its place along each spatial axis, from 0 on.
        voxel: Vec<usize>,
        /// The value.
        found: f64,
        /// Its range.
        wanted: String,
    },
    /// A value of a map that is no number, or outside its range.
    #[error(
        "sample {sample}, class {class}, voxel {}: found {} in the map '{name}', wanted {wanted}",
        coordinates(.voxel), in_few_digits(*.found)
    )]
    MapValue {
        /// The name of the map.
        name: String,
        /// The sample.
        sample: usize,
        /// The class; 0 of a map that all classes share.
        class: usize,
        /// The voxel: its place along each spatial axis, from 0 on.
        voxel: Vec<usize>,
        /// The value.
        found: f64,
        /// Its range.
        wanted: &'static str,
    },
    /// An option outside its range, or one that does not go with the others.
    #[error("{what}: found {found}, wanted {wanted}")]
    Parameter {
        /// Which option, of which loss.
        what: String,
        /// Its value.
        found: String,
        /// What would have been accepted.
        wanted: String,
    },
    /// Moments, or a verdict, of other sums than the objective's: the first that differs.
    #[error("sum {index} of the {what}: found {found}, wanted {wanted}")]
    Sums {
        /// Moments or verdict.
        what: &'static str,
        /// Its number among the sums, from 0 on.
        index: usize,
        /// The sum that they have, in words.
        found: String,
        /// The sum that the objective has there.
        wanted: String,
    },
    /// No memory for what a sweep needs beside its inputs.
    #[error("memory: found less than the {bytes} bytes wanted for {what}")]
    Memory {
        /// What for.
        what: &'static str,
        /// How much; the largest number if that cannot be told.
        bytes: usize,
    },
    /// [`interruptible`](crate::interruptible) work was stopped.
    #[error("sweep: found it stopped by its caller, wanted its end")]
    Interrupted,
    /// The gradient's element type is not the logits' own.
    #[error("gradient: found elements of type {found}, wanted {wanted}, the type of the logits")]
    ElementType {
        /// Type of the gradient.
        found: &'static str,
        /// Type of the logits.
        wanted: &'static str,
    },
}

impl Error {
    /// What is wanted of a voxel's weight.
    pub(crate) const OF_WEIGHT: &str = "a weight of at least 0, and at most 3.4e38";
    /// What is wanted of the values of a map.
    pub(crate) const OF_MAP: &str = "a value of at least 0, and at most 1e12";
    /// What is wanted of those of one that may be negative.
    pub(crate) const OF_SIGNED_MAP: &str = "a value from -1e12 to 1e12";
    /// What is wanted of the values of a dense target.
    pub(crate) const OF_DENSE: &str =
        "0 to 1, up to 4 roundings; clamp what interpolation pushed out, target.clamp(0, 1)";
}

/// A place as an array is indexed with it: a number, or several in brackets.
fn coordinates(voxel: &[usize]) -> String {
    match voxel {
        [along_one_axis] => along_one_axis.to_string(),
        _ => {
            let each: Vec<_> = voxel.iter().map(usize::to_string).collect();
            format!("({})", each.join(", "))
        }
    }
}

/// What is said of a value that stands for "unknown" in many data sets, where nothing is ignored:
/// how to have it ignored. In one channel 255 may as well be the object, as in the masks that image
/// editors write.
pub(crate) fn of_unknown(found: &str, in_one_channel: bool) -> String {
    match found {
        "255" if in_one_channel => "; 1 in place of 255 where that marks the object, \
                                    ignore_index=255 where it means unknown"
            .into(),
        "255" | "-1" | "-100" => format!(", or ignore_index={found} if it means unknown"),
        _ => String::new(),
    }
}

/// As it is written by hand: not with the hundreds of digits of a huge or a tiny number.
fn in_few_digits(number: f64) -> String {
    let is_usual = number == 0.0 || (1e-7..1e16).contains(&number.abs());
    if is_usual { number.to_string() } else { format!("{number:?}") }
}

/// A result whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Shorthand for [`Error::Parameter`].
pub(crate) fn parameter<T>(
    what: impl Into<String>,
    found: impl std::fmt::Debug,
    wanted: impl Into<String>,
) -> Result<T> {
    stated(what, format!("{found:?}"), wanted)
}

/// The same for what was found in words.
pub(crate) fn stated<T>(
    what: impl Into<String>,
    found: impl Into<String>,
    wanted: impl Into<String>,
) -> Result<T> {
    Err(Error::Parameter { what: what.into(), found: found.into(), wanted: wanted.into() })
}
