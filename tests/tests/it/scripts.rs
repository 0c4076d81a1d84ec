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

#[test]
fn the_name_of_a_folder_is_free() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("orders")).unwrap();
    std::fs::write(home.path().join("orders/x.csv"), "a\n7\n").unwrap();
    for create in [
        "CREATE VIEW orders AS SELECT a + 1 AS b FROM 'orders/x.csv'",
        "CREATE TABLE orders AS SELECT a + 1 AS b FROM 'orders/x.csv'",
        "orders = 'orders/x.csv'.select(a + 1 AS b)",
    ] {
        let ran = run_in(home.path(), &["-c", &format!("{create}; SELECT b FROM orders;")], "");
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "b\n8\n"), "{create}: {}", ran.err);
    }
    let twice = "CREATE VIEW orders AS SELECT 1 AS b; ".repeat(2);
    let ran = run_in(home.path(), &["-c", &twice], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("exists"), "{}", ran.err);
}
