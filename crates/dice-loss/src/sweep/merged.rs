//! Classes that were not annotated, and are one with the background.

use crate::plan::Group;

/// The background together with the classes that were not annotated in a sample: one class to
/// softmax cross-entropy and focal loss (the marginal loss).
#[derive(Clone, Copy)]
pub(super) struct Merged<'a> {
    valid: &'a [bool],
}

impl<'a> Merged<'a> {
    /// `None` if every class but the background was annotated.
    #[inline(always)]
    pub fn new(valid: Option<&'a [bool]>) -> Option<Self> {
        let valid = valid?;
        valid.iter().skip(1).any(|valid| !valid).then_some(Self { valid })
    }

    /// Whether a class is among them; class 0 always is.
    #[inline(always)]
    pub fn has(self, class: usize) -> bool {
        class == 0 || !self.valid[class]
    }

    #[inline(always)]
    pub fn classes(self) -> impl Iterator<Item = usize> + 'a {
        (0..self.valid.len()).filter(move |&class| self.has(class))
    }
}

/// Classes that a softmax voxel term tells apart in a sample.
#[inline(always)]
pub(super) fn distinct(
    merged: Option<Merged>,
    classes: usize,
) -> impl Iterator<Item = usize> + Clone {
    (0..classes).filter(move |&class| class == 0 || merged.is_none_or(|merged| !merged.has(class)))
}

/// Whether hard labels are taken by runs, and not written out: where no map weighs them and only sums
/// linear in p are wanted, and of merged classes no focal loss and no label smoothing.
#[inline(always)]
pub(super) fn goes_by_label(group: &Group, merged: Option<Merged>) -> bool {
    let smooths = group.log_loss.is_some_and(|columns| columns.of_all.is_some());
    group.is_plain && group.is_linear && (merged.is_none() || (group.focal.is_empty() && !smooths))
}
