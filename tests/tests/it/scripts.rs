//! Scripts in files, as `-f` runs them.

use std::path::Path;

use crate::run_in;

#[test]
fn a_script_mixes_both_languages() {
    let home = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/both.sql");
    let ran = run_in(home.path(), &["-f", script.to_str().unwrap(), "--format", "markdown"], "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.err);
    assert_eq!(
        ran.out,
        "| region | n | total |\n| --- | ---: | ---: |\n\
         | west | 3 | 480 |\n| south | 2 | 340 |\n| north | 2 | 300 |\n\
         | region | most |\n| --- | ---: |\n| north | 90 |\n| south | 100 |\n"
    );
}
