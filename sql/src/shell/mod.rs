//! The interactive shell, and how results are printed.
