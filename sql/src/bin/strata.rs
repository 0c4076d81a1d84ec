//! The `strata` command.

use std::process::ExitCode;

/// Gives memory back sooner and allocates large buffers faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    strata::cli::main()
}
