//! How much memory the voxels of a dataset may take.

use std::fs;

/// Bytes where the system does not say what is free.
const UNKNOWN: u64 = 8 << 30;

/// Half of what is free, so that the training finds room beside the voxels.
pub fn allowance() -> u64 {
    let free = [available(), left_to_group()].into_iter().flatten().min();
    free.unwrap_or(UNKNOWN) / 2
}

/// What Linux could give without swapping.
fn available() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// What a container has left of its share.
fn left_to_group() -> Option<u64> {
    let read = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok()
    };
    read("memory.max")?.checked_sub(read("memory.current")?)
}
