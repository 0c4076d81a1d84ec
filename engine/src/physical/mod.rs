//! Strata's own physical operators, one a file.

mod atomic_write;
mod compact;
mod diagnosed;
mod pass_through;
mod skim;
mod verified;
mod window_by_partition;

pub use atomic_write::AtomicWriteExec;
pub use compact::CompactExec;
pub use diagnosed::DiagnosedExec;
pub use skim::SkimExec;
pub use verified::VerifiedExec;
pub use window_by_partition::WindowByPartitionExec;
