//! Strata's own physical operators, one a file.

mod atomic_write;
mod diagnosed;
mod window_by_partition;

pub use atomic_write::AtomicWriteExec;
pub use diagnosed::DiagnosedExec;
pub use window_by_partition::WindowByPartitionExec;
