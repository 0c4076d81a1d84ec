//! The `strata` command: its arguments and subcommands.
