//! Thread pools that survive a fork, and sweeps that a signal stops.

use std::{
    cell::Cell,
    process,
    ptr::null_mut,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicPtr, AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread::available_parallelism,
    time::Duration,
};

use dice_loss::{Stop, interruptible};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::refused::{Refused, Result};

/// The pools of a process, the one used last at the end.
///
/// A forked child inherits its parent's pools without their threads: work given to them would wait
/// for ever. So it begins with none, and with a lock of its own, since one that is held during a fork
/// stays locked in the child.
struct Pools {
    birth: Birth,
    pools: Mutex<Vec<(usize, Arc<ThreadPool>)>>,
}

/// What tells a process from those it was forked from: how often that happened, and its number. The
/// number alone may be the same in a namespace of its own; a fork past the C library is not counted.
type Birth = (usize, u32);

/// Those of this process, unless it was just forked.
static POOLS: AtomicPtr<Pools> = AtomicPtr::new(null_mut());

/// How often this process's forebears were forked.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// Pools of different sizes that are kept; who asks for more has the one used longest ago replaced.
const KEPT: usize = 4;

/// Threads of a pool, at most, unless there are more cores.
const MOST: usize = 64;

/// Elements of logits up to which no pool is asked for: the engine keeps batches this small on the
/// thread that calls it, and handing them to another would take longer than the sweep.
const SMALL: usize = 1 << 14;

/// How often signals are looked for.
const PATIENCE: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread is Python's, and waits for a sweep.
    static ATTENDS: Cell<bool> = const { Cell::new(false) };
}

/// Has forks counted. Called when the module is loaded, before there is a pool.
pub(crate) fn count_forks() {
    #[cfg(unix)]
    {
        extern "C" fn forked() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the function is there for as long as the module is, which is never unloaded, and
        // does what a child may do: it touches an atomic number.
        unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    }
}

/// Runs without the interpreter's lock; sweeps within look for signals while they go on.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| {
        let before = ATTENDS.replace(true);
        let found = work();
        ATTENDS.set(before);
        found
    })
}

/// Runs a sweep over so many elements in a pool of so many threads.
pub(crate) fn run<T: Send>(
    threads: usize,
    elements: usize,
    sweep: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    if threads == 0 {
        return Err(Refused::new("threads", 0, "1 or more"));
    }
    if elements <= SMALL {
        return sweep();
    }
    let pool = find(threads)?;
    if ATTENDS.get() { attended(&pool, sweep) } else { pool.install(sweep) }
}

/// Runs a sweep that ends soon after a handler of a signal has raised, with what that raised.
fn attended<T: Send>(pool: &ThreadPool, sweep: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let stop = Stop::default();
    let (mut found, mut raised) = (None, None);
    let (done, wait) = channel::<()>();
    pool.in_place_scope(|scope| {
        let (found, stopped) = (&mut found, stop.clone());
        scope.spawn(move |_| {
            let _done = done;
            *found = Some(interruptible(&stopped, sweep));
        });
        while wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            if raised.is_none() {
                raised = Python::attach(|py| py.check_signals()).err();
                if raised.is_some() {
                    stop.set();
                }
            }
        }
    });
    match (raised, found) {
        (Some(error), _) => Err(Refused::Raised(error)),
        (None, Some(found)) => found,
        (None, None) => Err(Refused::new("sweep", "no result", "one")),
    }
}

/// The process's pool of so many threads.
fn find(threads: usize) -> Result<Arc<ThreadPool>> {
    let threads = threads.min(available_parallelism().map_or(MOST, |cores| MOST.max(cores.get())));
    let mut pools = of_process().pools.lock().unwrap_or_else(PoisonError::into_inner);
    let known = pools.iter().position(|(size, _)| *size == threads);
    let entry = match known {
        Some(index) => pools.remove(index),
        None => (threads, Arc::new(built(threads)?)),
    };
    let pool = Arc::clone(&entry.1);
    pools.push(entry);
    // Who still works in it keeps it until then.
    let replaced = (pools.len() > KEPT).then(|| pools.remove(0));
    drop(pools);
    drop(replaced);
    Ok(pool)
}

fn built(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("dice-loss-{index}"))
        .build()
        .map_err(|error| Refused::new("threads", error, format!("{threads} threads")))
}

/// What is never freed: a few words for each fork between this process and the first.
fn of_process() -> &'static Pools {
    let birth = (FORKS.load(Ordering::Relaxed), process::id());
    let mut known = POOLS.load(Ordering::Acquire);
    loop {
        // SAFETY: it is whole before it is published, and neither changes nor goes away after.
        if let Some(pools) = unsafe { known.as_ref() }
            && pools.birth == birth
        {
            return pools;
        }
        let fresh = Box::into_raw(Box::new(Pools { birth, pools: Mutex::default() }));
        match POOLS.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: as above.
            Ok(_) => return unsafe { &*fresh },
            Err(latest) => {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                known = latest;
            }
        }
    }
}
