//! Strata's own physical operators, one a file.

mod atomic_write;
mod window_by_partition;

pub use atomic_write::AtomicWriteExec;
pub use window_by_partition::WindowByPartitionExec;
