//! Memory and disk that run out.

use super::{Case, nothing, run_all};

#[test]
fn what_runs_out() {
    run_all(&[
        Case {
            name: "no room to spill",
            make: nothing,
            statement: "SET memory.limit = '64MiB'; SET spill.directory = '$'; \
                        SET spill.limit = '1MiB'; SELECT max(n) FROM (SELECT s, row_number() OVER \
                        (ORDER BY s) AS n FROM (SELECT repeat('x', 60) || value AS s \
                        FROM range(0, 1000000)))",
            says: &["out of spill space", "the limit of 1MiB is reached", "raise spill.limit"],
        },
        Case {
            name: "a spill folder that cannot be made",
            make: |at| super::put(at, "file", "in the way"),
            statement: "SET spill.directory = '$/file/spill'",
            says: &["spill folder", "file/spill'", "choose another with --spill-dir"],
        },
        Case {
            name: "a list that does not fit",
            make: nothing,
            statement: "SET memory.limit = '64MiB'; SELECT array_length(array_agg(s)) FROM \
                        (SELECT repeat('x', 500) || value AS s FROM range(0, 200000))",
            says: &["out of memory", "the limit of 64MiB", "SET memory.limit"],
        },
        Case {
            name: "a table that does not fit",
            make: nothing,
            statement: "SET memory.limit = '64MiB'; CREATE TABLE big AS \
                        SELECT repeat('x', 500) || value AS s FROM range(0, 200000)",
            says: &["out of memory: table 'big' needs", "the limit of 64MiB", "SET memory.limit"],
        },
        Case {
            name: "too little memory for anything",
            make: nothing,
            statement: "SET memory.limit = '1KiB'",
            says: &["setting 'memory.limit'", "too little to work in: at least 64MiB"],
        },
        Case {
            name: "more than there is of memory",
            make: nothing,
            statement: "SET memory.limit = '101%'",
            says: &["setting 'memory.limit'", "not a share between 1% and 100%"],
        },
    ]);
}

#[test]
fn a_table_that_did_not_fit_leaves_its_memory() {
    let home = tempfile::tempdir().unwrap();
    let script = "SET memory.limit = '64MiB';\n\
                  CREATE TABLE big AS SELECT repeat('x', 500) || value AS s FROM range(0, 200000);\n\
                  SELECT s FROM big;\n\
                  CREATE TABLE small AS SELECT repeat('x', 500) || value AS s FROM range(0, 40000);\n\
                  CREATE OR REPLACE TABLE small AS SELECT s FROM small;\n\
                  SELECT count(*) AS n FROM small;\n";
    let ran = crate::run_in(home.path(), &["-q", "--keep-going"], script);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "n\n40000\n"), "{}", ran.err);
    let [full, missing] = ran.errors()[..] else { panic!("{}", ran.err) };
    assert!(full.contains("out of memory"), "{full}");
    assert!(missing.contains("there is no table 'big'"), "{missing}");
}
