//! `dice-loss inspect`: what a mask holds, as a table, as JSON and as a picture.
//!
//! ```text
//! file ─▶ Inspected ─┬─▶ measure ─▶ Inspection ─▶ table, JSON
//!                    └─▶ picture
//! ```

mod measure;
mod picture;
mod record;
mod table;

use std::path::Path;

use dice_loss_morphology::{Connectivity, Grid};

pub use picture::draw;
pub use record::{ClassRecord, ComponentRecord, Inspection, Part, Sizes, SpacingFrom};
pub use table::table;

use crate::data::{MaskFile, Problem, Spacing, Unit, mask_file};

/// Bytes of a voxel while it is measured: its value, its component, and in the box around a class its distance and
/// whether it belongs; and once more while it is drawn.
const OF_VOXEL: u64 = 24;

/// How a mask is looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// The spacing in millimetres: a number for each axis, or one for all; without it what the file says.
    pub spacing: Option<Vec<f64>>,
    /// Values of voxels that do not count.
    pub ignored: Vec<u16>,
    /// How many neighbours a voxel has; all that touch it by default.
    pub connectivity: Option<u8>,
}

/// A mask that has been read, and how it is to be looked at.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// What it is called.
    name: String,
    file: MaskFile,
    grid: Grid,
    unit: Unit,
    spacing_from: SpacingFrom,
    ignored: Vec<u16>,
    connectivity: Connectivity,
    neighbours: u8,
    /// Values of classes, in their order.
    classes: Vec<u16>,
}

impl Inspected {
    /// Reads a mask.
    ///
    /// # Errors
    /// What is wrong with the file, or with the wishes for it.
    pub fn read(path: &Path, wishes: &Wishes) -> Result<Self, Problem> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self::new(name, mask_file(path, OF_VOXEL)?, wishes)
    }

    fn new(name: String, file: MaskFile, wishes: &Wishes) -> Result<Self, Problem> {
        let extent = file.mask.extent;
        let shape = match extent.depth {
            1 => vec![extent.height, extent.width],
            depth => vec![depth, extent.height, extent.width],
        };
        let axes = shape.len();
        let (spacing, spacing_from) = match &wishes.spacing {
            Some(given) => (as_given(given, axes)?, SpacingFrom::Option),
            None => match file.spacing {
                Some(spacing) => (spacing, SpacingFrom::Header),
                None => (Spacing::UNKNOWN, SpacingFrom::Nothing),
            },
        };
        let grid = Grid::new(&shape, &spacing.steps[3 - axes..])?;
        let neighbours = wishes.connectivity.unwrap_or(if axes == 2 { 8 } else { 26 });
        let connectivity = Connectivity::of(neighbours.into(), axes)?;
        let mut inspected = Self {
            name,
            file,
            grid,
            unit: spacing.unit,
            spacing_from,
            ignored: wishes.ignored.clone(),
            connectivity,
            neighbours,
            classes: vec![],
        };
        let counts = inspected.counts();
        let is_class = |value: &u16| *value != 0 && counts[usize::from(*value)] > 0;
        inspected.classes =
            (1..=u16::MAX).filter(is_class).filter(|v| !inspected.ignored.contains(v)).collect();
        Ok(inspected)
    }

    /// How many voxels have each value.
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; usize::from(u16::MAX) + 1];
        self.file.mask.values.iter().for_each(|&value| counts[usize::from(value)] += 1);
        counts
    }

    /// The volume of a voxel, or the area.
    fn volume_of_voxel(&self) -> f64 {
        self.grid.spacing().iter().product()
    }

    /// What is measured.
    ///
    /// # Errors
    /// [`Problem::Morphology`] where there is no memory for it.
    pub fn measure(&self, with_components: bool) -> Result<Inspection, Problem> {
        measure::measure(self, with_components)
    }
}

/// A spacing as the command line has it.
fn as_given(given: &[f64], axes: usize) -> Result<Spacing, Problem> {
    let all = match *given {
        [one] => vec![one; axes],
        _ if given.len() == axes => given.to_vec(),
        _ => {
            let of = if axes == 2 {
                "the rows and columns of a mask with two axes"
            } else {
                "slices, rows and columns"
            };
            return Err(Problem::Spacings { found: given.len(), wanted: axes, axes: of });
        }
    };
    let mut steps = [1.0; 3];
    steps[3 - axes..].copy_from_slice(&all);
    Ok(Spacing { steps, unit: Unit::Millimetre })
}
