//! The `strata-benches` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use strata_benches::{arrays, flight};

/// Strata beside its peers, in one run on one machine.
///
/// Only ratios within one run mean anything: other machines, and other hours on this one, give other seconds.
#[derive(Debug, Parser)]
#[command(name = "strata-benches")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Arrays beside Dask, Xarray and NumPy: time and peak memory.
    Arrays(arrays::Arguments),
    /// Servers and clients of Arrow Flight, for `flight.py`.
    #[command(subcommand, hide = true)]
    Flight(flight::What),
    /// One run of one case, told by `arrays` to itself.
    #[command(hide = true)]
    One(arrays::One),
}

fn main() -> ExitCode {
    let ran = match Arguments::parse().what {
        What::Arrays(arguments) => arrays::compare(&arguments),
        What::Flight(what) => flight::run(what),
        What::One(one) => arrays::one(&one),
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("strata-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
