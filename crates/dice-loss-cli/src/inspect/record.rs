//! What is known of a mask once it is measured.

use serde::{Deserialize, Serialize};

/// A mask, class by class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The file's name.
    pub file: String,
    /// Slices, rows and columns; without slices where there is one.
    pub shape: Vec<usize>,
    /// How far apart voxels lie along each.
    pub spacing: Vec<f64>,
    /// The unit of lengths.
    pub unit: String,
    /// The unit of volumes, or of areas.
    pub volume_unit: String,
    /// Who says how far apart voxels lie.
    pub spacing_from: SpacingFrom,
    /// How many neighbours a voxel of a component has.
    pub connectivity: u8,
    /// Voxels that do not count.
    pub ignored: Part,
    /// Voxels of no class.
    pub background: Part,
    /// The classes by their values.
    pub classes: Vec<ClassRecord>,
}

/// Who says how far apart voxels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpacingFrom {
    /// The file's header.
    Header,
    /// The command line.
    Option,
    /// Nobody: they are 1 apart.
    Nothing,
}

/// Some voxels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub voxels: u64,
    /// Their share: of the voxels that count, or of all where it is about those that do not.
    pub share: f64,
    /// Their volume, or area.
    pub volume: f64,
}

/// A class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    /// Its value in the mask; for a colour a number from 256 on.
    pub label: u16,
    /// Its colour where the mask has colours: `#ff0000`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub colour: Option<String>,
    /// Its voxels.
    #[serde(flatten)]
    pub part: Part,
    /// How many components it has.
    pub components: usize,
    /// The sizes of these.
    pub component_voxels: Sizes,
    /// The smallest box around it: for each axis the first index, and the first behind it.
    pub bounds: Vec<[usize; 2]>,
    /// Twice the largest distance of one of its voxels to the nearest that is not of the class; none where there is none
    /// of those.
    pub thickness: Option<f64>,
    /// Its components where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub each_component: Option<Vec<ComponentRecord>>,
}

/// Sizes of components, in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    /// That of the smallest.
    pub smallest: usize,
    /// The middle one, or the mean of both in the middle.
    pub median: f64,
    /// That of the largest.
    pub largest: usize,
}

/// A component of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentRecord {
    /// Its number, in the order of first voxels.
    pub number: u32,
    /// How many voxels it has.
    pub voxels: usize,
    /// Their volume, or area.
    pub volume: f64,
    /// The smallest box around it, as that of a class.
    pub bounds: Vec<[usize; 2]>,
    /// As that of a class.
    pub thickness: Option<f64>,
}
