//! Stopping a sweep that takes too long for its caller.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Tells sweeps to stop, from any thread. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Has the sweeps stop that it was given to, soon.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What tells the work that this thread starts to stop, within [`interruptible`]: for work of
    /// one's own beside the sweeps.
    ///
    /// ```
    /// use dice_loss::{Stop, interruptible};
    /// let stop = Stop::default();
    /// assert!(Stop::current().is_none());
    /// let seen = interruptible(&stop, || {
    ///     stop.set();
    ///     Stop::current().is_some_and(|stop| stop.is_set())
    /// });
    /// assert!(seen);
    /// ```
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// Runs `work`, whose sweeps end with [`Error::Interrupted`](crate::Error::Interrupted) once `stop`
/// is set: between the parts of a large batch. What they were writing is then written in part.
///
/// ```
/// use dice_loss::{Dice, Error, Layout, Logits, Objective, Stop, Target, interruptible};
/// let (x, g) = (vec![0.5f32; 1 << 16], vec![1u8; 1 << 16]);
/// let layout = Layout::channels_first(&[1, 1, 1 << 16])?;
/// let (logits, target) = (Logits::new(&x, layout)?, Target::labels(&g, layout)?);
/// let objective = Objective::new().term(1.0, Dice::default().sigmoid());
/// let stop = Stop::default();
/// stop.set();
/// let found = interruptible(&stop, || objective.measure(&logits, &target));
/// assert_eq!(found.unwrap_err(), Error::Interrupted);
/// assert!(objective.measure(&logits, &target).is_ok());
/// # Ok::<(), Error>(())
/// ```
pub fn interruptible<R>(stop: &Stop, work: impl FnOnce() -> R) -> R {
    struct Before(Option<Stop>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(Some(stop.clone())));
    work()
}
