//! The interactive shell, and how results are printed.

pub mod output;
pub mod pager;
pub mod plot;
pub mod progress;
