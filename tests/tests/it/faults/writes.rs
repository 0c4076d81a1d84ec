//! Writes that fail: the message names the file, and what was there before is there still.

use super::{Case, nothing, put, run_all};
use crate::run_in;

#[test]
fn places_that_cannot_be_written() {
    run_all(&[
        Case {
            name: "a folder that is a file",
            make: |at| put(at, "file", "in the way"),
            statement: "COPY (SELECT 1 AS a) TO '$/file/x.csv'",
            says: &["cannot write '", "file/x.csv': Not a directory", "nothing has been changed"],
        },
        Case {
            name: "a partition that is a file",
            make: |at| put(at, "t/k=1", "in the way"),
            statement: "COPY (SELECT 1 AS k, 2 AS v) TO '$/t/' STORED AS CSV PARTITIONED BY (k)",
            says: &["cannot write '", "t/k=1/", "nothing has been changed"],
        },
        Case {
            name: "a file where several are to be written",
            make: |at| put(at, "x", "in the way"),
            statement: "COPY (SELECT 1 AS a) TO '$/x' STORED AS PARQUET",
            says: &["cannot write", "it is a file", "name a folder"],
        },
        Case {
            name: "a folder that holds such files already",
            make: |at| put(at, "out/a.csv", "a\n1\n"),
            statement: "COPY (SELECT 1 AS a) TO '$/out/' STORED AS CSV",
            says: &["out/' already holds CSV files", "('overwrite' 'true')", "('append' 'true')"],
        },
        Case {
            name: "a format that nobody writes",
            make: nothing,
            statement: "COPY (SELECT 1 AS a) TO '$/x.nosuch'",
            says: &["x.nosuch': no file format is called 'nosuch'", "STORED AS"],
        },
        Case {
            name: "an option that nobody reads",
            make: nothing,
            statement: "COPY (SELECT 1 AS a) TO '$/x.csv' OPTIONS ('nosuch' 'x')",
            says: &["nosuch"],
        },
        Case {
            name: "a partition column that is not there",
            make: nothing,
            statement: "COPY (SELECT 1 AS a) TO '$/t/' STORED AS CSV PARTITIONED BY (b)",
            says: &["'b'"],
        },
    ]);
}

/// `run_all` sees to it that the folder holds afterwards what it held before, and nothing more.
#[test]
fn queries_that_fail_half_way() {
    run_all(&[
        Case {
            name: "a new file",
            make: nothing,
            statement: "COPY (SELECT 1 / (value - 199999) AS x FROM range(0, 200000)) \
                        TO '$/deep/x.parquet'",
            says: &["division by zero", "NULLIF"],
        },
        Case {
            name: "new partitions",
            make: nothing,
            statement: "COPY (SELECT value % 5 AS k, 1 / (value - 199999) AS x \
                        FROM range(0, 200000)) TO '$/p/' STORED AS PARQUET PARTITIONED BY (k)",
            says: &["division by zero"],
        },
        Case {
            name: "one partition that cannot be written among many",
            make: |at| put(at, "t/k=3", "in the way"),
            statement: "COPY (SELECT value % 5 AS k, value AS v FROM range(0, 50000)) \
                        TO '$/t/' STORED AS CSV PARTITIONED BY (k)",
            says: &["cannot write '", "t/k=3/", "nothing has been changed"],
        },
        Case {
            name: "a source that breaks off",
            make: |at| {
                put(at, "x.csv", "a,b\n1,2\n".to_string() + &"3,4\n".repeat(3_000) + "5\n");
            },
            statement: "SET files.sniff = '4KiB'; COPY (SELECT * FROM '$/x.csv') TO '$/y.parquet'",
            says: &["x.csv', line 3003: 1 field where the header has 2"],
        },
        Case {
            name: "a chain's write",
            make: nothing,
            statement: "range(0, 200000).select(1 / (value - 199999) AS x).write('$/x.csv')",
            says: &["division by zero"],
        },
        Case {
            name: "an insert",
            make: |at| put(at, "t/a.csv", "a,b\n1,2\n"),
            statement: "CREATE EXTERNAL TABLE t (a BIGINT, b BIGINT) STORED AS CSV \
                        LOCATION '$/t/' OPTIONS ('has_header' 'true'); INSERT INTO t \
                        SELECT value, 1 / (value - 199999) FROM range(0, 200000)",
            says: &["division by zero"],
        },
        Case {
            name: "an insert of the wrong shape",
            make: |at| put(at, "t/a.csv", "a,b\n1,2\n"),
            statement: "CREATE EXTERNAL TABLE t (a BIGINT, b BIGINT) STORED AS CSV \
                        LOCATION '$/t/'; INSERT INTO t SELECT 1, 2, 3",
            says: &["Column count"],
        },
    ]);
}

#[test]
fn what_was_there_keeps_its_contents() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "x.csv", "a\n1\n");
    put(home.path(), "t/a.csv", "a\n1\n");
    let fails = "SELECT 1 / (value - 199999) AS a FROM range(0, 200000)";
    for statement in [
        format!("COPY ({fails}) TO 'x.csv'"),
        format!("COPY ({fails}) TO 't/' STORED AS CSV OPTIONS ('overwrite' 'true')"),
        format!("COPY ({fails}) TO 't/' STORED AS CSV OPTIONS ('append' 'true')"),
        format!(
            "CREATE EXTERNAL TABLE t (a BIGINT) STORED AS CSV LOCATION 't/' \
             OPTIONS ('has_header' 'true'); INSERT OVERWRITE t {fails}"
        ),
    ] {
        let ran = run_in(home.path(), &["-c", &statement], "");
        assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{statement}\n{}", ran.err);
        assert_eq!(super::tree(home.path()), ["t", "t/a.csv", "x.csv"], "{statement}");
        for name in ["x.csv", "t/a.csv"] {
            let text = std::fs::read_to_string(home.path().join(name)).unwrap();
            assert_eq!(text, "a\n1\n", "{statement}");
        }
    }
}
