//! The `strata` command: its arguments and subcommands.

pub mod generate;
