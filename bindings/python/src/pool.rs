//! Thread pools that survive a fork.

use std::{
    process,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::refused::{Refused, Result};

/// A pool, and the process whose threads it has.
///
/// A forked child inherits its parent's pools without their threads: work given to them would wait
/// for ever. So a pool is found by the process too.
struct Node {
    process: u32,
    threads: usize,
    pool: ThreadPool,
    next: *mut Node,
}

/// All pools, the latest first. Nodes are added and never changed or freed: a list without a lock,
/// since a lock that is held during a fork stays locked in the child. There are as many as there
/// are numbers of threads that someone has asked for.
static POOLS: AtomicPtr<Node> = AtomicPtr::new(null_mut());

/// Elements of logits up to which no pool is asked for: the engine keeps batches this small on the
/// thread that calls it, and handing them to another would take longer than the sweep.
const SMALL: usize = 1 << 14;

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
    find(threads)?.install(sweep)
}

/// The process's pool of so many threads.
fn find(threads: usize) -> Result<&'static ThreadPool> {
    let process = process::id();
    let mut node = POOLS.load(Ordering::Acquire);
    // SAFETY: a node is whole before it is published, and neither changes nor goes away after.
    while let Some(found) = unsafe { node.as_ref() } {
        if found.process == process && found.threads == threads {
            return Ok(&found.pool);
        }
        node = found.next;
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("dice-loss-{index}"))
        .build()
        .map_err(|error| Refused::new("threads", error, format!("{threads} threads")))?;
    Ok(publish(Box::new(Node { process, threads, pool, next: null_mut() })))
}

/// Two threads may each add a pool of the same size; the one that is not found stays idle.
fn publish(node: Box<Node>) -> &'static ThreadPool {
    let node = Box::leak(node);
    let mut head = POOLS.load(Ordering::Acquire);
    loop {
        node.next = head;
        match POOLS.compare_exchange_weak(head, node, Ordering::Release, Ordering::Acquire) {
            Ok(_) => return &node.pool,
            Err(latest) => head = latest,
        }
    }
}
