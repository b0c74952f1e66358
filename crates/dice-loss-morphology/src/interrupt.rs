//! Stopping work that takes too long for its caller.

use std::{cell::RefCell, sync::Arc};

use crate::{Error, Result};

type Asked = Arc<dyn Fn() -> bool + Send + Sync>;

thread_local! {
    static CURRENT: RefCell<Option<Asked>> = const { RefCell::new(None) };
}

/// Runs `work`, whose functions of this crate end with [`Error::Interrupted`] once `stopped` says
/// so: it is asked between the slices of a map. What they were writing is then written in part.
///
/// ```
/// use dice_loss_morphology::{Distance, Error, Grid, distance_transform, interruptible};
/// let grid = Grid::unit(&[64, 64])?;
/// let (mask, mut out) = (vec![true; 64 * 64], vec![0.0; 64 * 64]);
/// let found = interruptible(
///     || true,
///     || distance_transform(&mask, &[true], &grid, Distance::Euclidean, &mut out),
/// );
/// assert_eq!(found, Err(Error::Interrupted));
/// # Ok::<(), Error>(())
/// ```
pub fn interruptible<R>(
    stopped: impl Fn() -> bool + Send + Sync + 'static,
    work: impl FnOnce() -> R,
) -> R {
    struct Before(Option<Asked>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(Some(Arc::new(stopped))));
    work()
}

/// What tells the work that this thread starts to stop.
pub(crate) struct Patience(Option<Asked>);

impl Patience {
    pub fn current() -> Self {
        Self(CURRENT.with_borrow(Clone::clone))
    }

    /// Fails once the caller wants no more.
    pub fn check(&self) -> Result<()> {
        match &self.0 {
            Some(stopped) if stopped() => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }
}
