//! Strata's own physical operators, one a file.

mod atomic_write;

pub use atomic_write::AtomicWriteExec;
