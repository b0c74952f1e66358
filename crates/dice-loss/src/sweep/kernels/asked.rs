//! Which sums there are kernels for.

use crate::{
    direction::Direction,
    plan::{Group, MapPlan},
};

/// The sums that there are kernels for, beside those of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Σpg and Σp: Dice, IoU, Tversky and all else that is linear in p.
    Linear,
    /// Σp² too: the same with squares in the denominator.
    Squared,
    /// An overlap loss and cross-entropy, binary of channels.
    LinearAndLogLoss,
    /// An overlap loss and focal loss.
    LinearAndFocal,
    /// Cross-entropy alone.
    LogLoss,
    /// Focal loss alone.
    Focal,
}

/// The sums with a map that there are kernels for, beside those of the map and the reference alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedOfMap {
    /// Σmp: boundary loss, skeleton recall.
    Linear,
    /// Σm(p − g)²: Hausdorff loss.
    Errors,
    /// The log losses: cross-entropy, binary of channels.
    LogLoss,
}

impl AskedOfMap {
    /// `None` if a group with this map asks for something else.
    pub(super) fn of(group: &Group, map: &MapPlan) -> Option<Self> {
        let log_loss = match (group.log_loss, group.binary) {
            (Some(columns), _) if columns.of_all.is_some() => return None,
            (log_loss, binary) => log_loss.is_some() || binary.is_some(),
        };
        let of_reference = map.reference.is_some() || map.reference_squared.is_some();
        let mut asked =
            group.sums.each().filter_map(|(direction, column)| column.map(|_| direction));
        match (log_loss, asked.next(), asked.next()) {
            _ if !group.focal.is_empty() => None,
            (true, None, None) => Some(Self::LogLoss),
            (false, Some(Direction::Prediction), None) if !of_reference => Some(Self::Linear),
            (false, Some(Direction::SquaredError), None) if !of_reference => Some(Self::Errors),
            _ => None,
        }
    }

    /// The sum of probabilities that is asked for.
    pub(super) fn direction(self) -> Option<Direction> {
        match self {
            Self::Linear => Some(Direction::Prediction),
            Self::Errors => Some(Direction::SquaredError),
            Self::LogLoss => None,
        }
    }
}

/// The exponent that focal kernels know: the paper's, and everyone's default.
const GAMMA: f64 = 2.0;

impl Asked {
    /// `None` if a group asks for more, or for something else.
    pub(super) fn of(group: &Group) -> Option<Self> {
        use Direction::{Intersection, Prediction, PredictionSquared};
        let served = [Intersection, Prediction, PredictionSquared];
        let asks = |direction: Direction| group.sums[direction].is_some();
        if Direction::ALL.into_iter().any(|other| asks(other) && !served.contains(&other)) {
            return None;
        }
        let log_loss = match (group.log_loss, group.binary) {
            (Some(columns), _) if columns.of_all.is_some() => return None,
            (log_loss, binary) => log_loss.is_some() || binary.is_some(),
        };
        let focal = match &group.focal[..] {
            [] => false,
            [focal] if focal.gamma.iter().all(|&gamma| gamma == GAMMA) => true,
            _ => return None,
        };
        match (group.has_sums(), asks(PredictionSquared), log_loss, focal) {
            (true, false, false, false) => Some(Self::Linear),
            (true, true, false, false) => Some(Self::Squared),
            (true, false, true, false) => Some(Self::LinearAndLogLoss),
            (true, false, false, true) => Some(Self::LinearAndFocal),
            (false, _, true, false) => Some(Self::LogLoss),
            (false, _, false, true) => Some(Self::Focal),
            _ => None,
        }
    }
}
