//! Classes that were not annotated, and are one with the background.

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
