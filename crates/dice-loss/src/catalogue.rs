//! The one list of all losses; documentation, front ends, the program and the tests follow from it.

use std::any::TypeId;

use crate::{compound, entry::Entry, region, voxel};

/// Every loss with its default options: overlap losses, voxel losses, compounds.
///
/// ```
/// let names: Vec<_> = dice_loss::catalogue().iter().map(|entry| entry.name).collect();
/// assert!(names.contains(&"dice") && names.contains(&"cross_entropy"));
/// ```
pub fn catalogue() -> Vec<Entry> {
    [region::CATALOGUE, voxel::CATALOGUE, compound::CATALOGUE].concat()
}

/// The loss of this name.
pub(crate) fn find(name: &str) -> Option<Entry> {
    catalogue().into_iter().find(|entry| entry.name == name)
}

/// Whether the catalogue's loss of this name is of this type.
pub(crate) fn has(name: &str, id: TypeId) -> bool {
    find(name).is_some_and(|entry| entry.is_of(id))
}
