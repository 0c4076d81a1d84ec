//! The interactive shell, and how results are printed.

pub mod output;
