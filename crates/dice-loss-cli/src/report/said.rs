//! What the terminal and the page say alike.

use std::fmt::Display;

use crate::record::Comparison;

/// What can be said of the order of the losses, and by which measure.
pub(super) fn ranking(comparison: &Comparison) -> Option<String> {
    let losses = comparison.losses().len();
    if losses < 2 {
        return None;
    }
    Some(match (comparison.not_converged(), comparison.settings.seeds) {
        (Some(why), _) => format!(
            "Not converged: {why}, so nothing is ranked; more --iterations or --minutes would tell."
        ),
        (None, 1) => {
            "* the best of its column; one seed, so small differences may be chance (--seeds 3)."
                .into()
        }
        (None, seeds) => format!(
            "Means over {seeds} seeds with their range. * the best of its column, and those whose range reaches into \
             its; none where seeds of a loss differ more than losses."
        ),
    })
}

/// The slices that the scores are of.
pub(super) fn of_slices(comparison: &Comparison) -> String {
    let (all, some) =
        (comparison.data.split.validation.len(), comparison.settings.validated_at_end.len());
    let slices = counted(all, "validation slice");
    if some < all { format!("{some} of {slices}, as many as the time allowed") } else { slices }
}

/// A share in percent, with as many digits as a small one needs.
pub(super) fn percent(share: &f64) -> String {
    let digits = if *share < 0.01 { 2 } else { 1 };
    format!("{:.digits$} %", share * 100.0)
}

/// So many of something, in the plural where it is not one.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A count with its digits in groups of three.
pub(super) fn grouped(count: impl Display) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_short() {
        assert_eq!(counted(1, "slice"), "1 slice");
        assert_eq!(counted(8, "slice"), "8 slices");
        assert_eq!(grouped(318_643), "318\u{202f}643");
        assert_eq!(grouped(12), "12");
        assert_eq!(percent(&0.00221), "0.22 %");
        assert_eq!(percent(&0.2775), "27.8 %");
    }
}
