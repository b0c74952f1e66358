//! Compounds with names of their own: sums of terms that cost no further sweep.
//!
//! Each is a set of options that becomes an [`Objective`](crate::Objective), on which everything
//! else can be set: pooling, background, reduction. Options out of range are reported when the
//! objective is used.

/// Declares the compounds: the one place where each is named.
macro_rules! compounds {
    ($($module:ident::$Loss:ident),+ $(,)?) => {
        $(
            mod $module;
            pub use $module::$Loss;
        )+

        /// Every compound with its default options.
        pub(crate) fn catalogue() -> Vec<crate::catalogue::Entry> {
            vec![$(crate::catalogue::Entry::compound::<$Loss>(|activation| {
                $Loss::default().objective(activation)
            })),+]
        }
    };
}

compounds! {
    dice_cross_entropy::DiceCrossEntropy,
    dice_binary_cross_entropy::DiceBinaryCrossEntropy,
    dice_focal::DiceFocal,
    generalized_dice_focal::GeneralizedDiceFocal,
    combo::Combo,
    unified_focal::UnifiedFocal,
}

#[cfg(test)]
mod tests;
