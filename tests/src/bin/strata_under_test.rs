//! The `strata` command as tests run it: when it is done, it writes its peak memory in KiB into the
//! file that `STRATA_TEST_PEAK` names (on Linux).

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = strata::cli::main();
    if let Some(path) = std::env::var_os("STRATA_TEST_PEAK") {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        std::fs::write(path, peak.trim().trim_end_matches(" kB")).unwrap();
    }
    code
}
