//! The library's examples, which cargo builds along with these tests, run and say something.

use std::path::Path;
use std::process::Command;

#[test]
fn the_embedding_example_runs() {
    // target/<profile>/strata stands beside target/<profile>/examples/.
    let folder = Path::new(env!("CARGO_BIN_EXE_strata")).parent().unwrap();
    let output = Command::new(folder.join("examples/embed")).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert!(said.contains("A stream: 100000 rows"), "{said}");
}
