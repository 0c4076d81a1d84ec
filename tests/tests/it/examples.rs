//! The examples of the library run and say something.

use std::path::Path;
use std::process::Command;

#[test]
fn every_example_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let Ok(examples) = std::fs::read_dir(root.join("sql/examples")) else {
        eprintln!("skipped: there are no examples in sql/examples");
        return;
    };
    for example in examples {
        let path = example.unwrap().path();
        // `name.rs`, or `name/main.rs`.
        let is_example =
            path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file();
        if !is_example {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "-p", "strata", "--example", name, "--manifest-path"])
            .arg(root.join("Cargo.toml"))
            .current_dir(home.path())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} failed: {complaint}");
        assert!(!output.stdout.is_empty(), "{name} says nothing: {complaint}");
    }
}
