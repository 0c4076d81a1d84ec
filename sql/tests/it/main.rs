//! The `strata` command as people use it: the real binary, its exit codes and what it prints.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batch;
mod command;
mod examples;
mod interactive;
mod pages;
mod terminal;
