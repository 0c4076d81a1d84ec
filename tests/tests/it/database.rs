//! `--database`: what is defined lasts from one process to the next, in a file that people read.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use strata_tests::{Ran, within};

use crate::{run_in, strata};

const FILE: &str = "my.strata";

fn run(home: &Path, script: &str) -> Ran {
    run_in(home, &["-q", "--database", FILE], script)
}

fn works(home: &Path, script: &str) -> String {
    let ran = run(home, script);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{script}");
    ran.out
}

fn text(home: &Path) -> String {
    fs::read_to_string(home.join(FILE)).unwrap()
}

/// What stands in the file, without its comments.
fn entries(home: &Path) -> Vec<String> {
    let text = text(home);
    let lines = text.lines().filter(|line| !line.starts_with("--") && !line.is_empty());
    lines.map(str::to_string).collect()
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x.csv"), "a,b\n1,x\n2,y\n3,\n").unwrap();
    home
}

const DEFINE: &str = "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x.csv';
    CREATE VIEW v AS SELECT a + 1 AS c FROM t;
    big = t.filter(a > 1);
    SET shell.null = 'none';";

#[test]
fn definitions_and_settings_last() {
    let home = home();
    works(home.path(), DEFINE);
    let out = works(
        home.path(),
        "SELECT sum(c) AS c FROM v; big.count(); SELECT value FROM (SELECT 1 AS value); \
         SELECT b FROM t WHERE a = 3;",
    );
    assert_eq!(
        out,
        "c\n9\ncount\n2\nvalue\n1\nb\nnone\n".replace("none", ""),
        "csv has no word for NULL"
    );
    let ran =
        run_in(home.path(), &["-q", "--database", FILE, "-F", "markdown"], "SELECT NULL AS a;");
    assert!(ran.out.contains("| none"), "{ran:?}");
    // A flag is stronger than the file.
    let args = ["-q", "--database", FILE, "-F", "markdown", "--null", "-"];
    let ran = run_in(home.path(), &args, "SELECT NULL AS a;");
    assert!(ran.out.contains("| - ") && !ran.out.contains("none"), "{ran:?}");
}

#[test]
fn rows_in_memory_do_not_last() {
    let home = home();
    works(home.path(), "CREATE TABLE m AS SELECT 1 AS a; SELECT a FROM m;");
    let ran = run(home.path(), "SELECT a FROM m;");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("there is no table 'm'"), "{}", ran.err);
}

#[test]
fn the_file_is_a_script() {
    let home = home();
    works(home.path(), DEFINE);
    assert!(text(home.path()).starts_with("-- A Strata database"));
    assert_eq!(
        entries(home.path()),
        [
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x.csv';",
            "CREATE VIEW v AS SELECT a + 1 AS c FROM t;",
            "big = t.filter(a > 1);",
            "SET shell.null = 'none';",
        ]
    );
    let ran = run_in(home.path(), &["-q", "-f", FILE, "-c", "big.count()"], "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "count\n2\n"), "{}", ran.err);
    // Reading changes nothing, not even a byte that somebody added.
    let edited = text(home.path()) + "\n-- mine\n";
    fs::write(home.path().join(FILE), &edited).unwrap();
    works(home.path(), "SELECT * FROM v; SHOW TABLES; big.head(1);");
    assert_eq!(text(home.path()), edited);
}

#[test]
fn what_is_dropped_or_reset_is_forgotten() {
    let home = home();
    works(home.path(), DEFINE);
    works(home.path(), "DROP VIEW big; RESET shell.null;");
    assert_eq!(
        entries(home.path()),
        [
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x.csv';",
            "CREATE VIEW v AS SELECT a + 1 AS c FROM t;",
        ]
    );
    works(home.path(), "DROP VIEW v; DROP TABLE t;");
    assert_eq!(entries(home.path()), Vec::<String>::new());
    let ran = run(home.path(), "SELECT * FROM t;");
    assert!(ran.err.contains("there is no table 't'"), "{}", ran.err);
}

#[test]
fn a_new_definition_takes_the_place_of_the_old() {
    let home = home();
    works(home.path(), DEFINE);
    works(home.path(), "CREATE OR REPLACE VIEW v AS SELECT a AS c FROM t; SET shell.null = '-';");
    let entries = entries(home.path());
    assert_eq!(entries[1], "CREATE OR REPLACE VIEW v AS SELECT a AS c FROM t;");
    assert_eq!(entries[3], "SET shell.null = '-';");
    assert_eq!(entries.len(), 4);
    assert_eq!(works(home.path(), "SELECT sum(c) AS c FROM v;"), "c\n6\n");
}

#[test]
fn a_statement_that_fails_is_not_kept() {
    let home = home();
    works(home.path(), DEFINE);
    let before = text(home.path());
    for statement in [
        "CREATE VIEW w AS SELECT nosuch FROM t;",
        "CREATE EXTERNAL TABLE u STORED AS CSV LOCATION 'nosuch.csv';",
        "w = t.nosuch();",
        "SET memory.limit = 'lots';",
        "DROP TABLE nosuch;",
    ] {
        let ran = run(home.path(), statement);
        assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{statement}\n{}", ran.err);
        assert_eq!(text(home.path()), before, "{statement}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    let home = home();
    for (contents, says) in [
        (b"CREATE VIEW v AS SELECT 1 AS a;\n\nthis is no statement;\n".as_slice(), "line 3"),
        (b"SELECT 'never closed;\n".as_slice(), "line 1"),
        (b"\xff\xfe\x00garbage\x80".as_slice(), "UTF-8"),
    ] {
        fs::write(home.path().join(FILE), contents).unwrap();
        let ran = run(home.path(), "SELECT 1;");
        assert_eq!((ran.code, ran.errors().len(), ran.out.as_str()), (Some(1), 1, ""), "{ran:?}");
        assert!(ran.err.contains("'my.strata'") && ran.err.contains(says), "{}", ran.err);
        assert_eq!(fs::read(home.path().join(FILE)).unwrap(), contents);
    }
    let ran = run_in(home.path(), &["--database", "no/such/folder.strata"], "SELECT 1;");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("'no/such/folder.strata': its folder does not exist"), "{}", ran.err);
    let ran = run_in(home.path(), &["--database", "."], "SELECT 1;");
    assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{}", ran.err);
}

#[test]
fn an_entry_whose_file_has_gone_is_told_and_kept() {
    let home = home();
    works(home.path(), DEFINE);
    let before = text(home.path());
    fs::rename(home.path().join("x.csv"), home.path().join("elsewhere.csv")).unwrap();
    let ran = run(home.path(), "SELECT 1 AS one;");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "one\n1\n"), "{}", ran.err);
    let warnings: Vec<&str> =
        ran.err.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(
        warnings.first().is_some_and(|line| line.contains(FILE) && line.contains("x.csv")),
        "{}",
        ran.err
    );
    assert_eq!(text(home.path()), before);
    // What is added meanwhile stands beside what is missing, and all of it works again later.
    let ran = run(home.path(), "one = range(0, 1);");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(entries(home.path()).len(), 5);
    fs::rename(home.path().join("elsewhere.csv"), home.path().join("x.csv")).unwrap();
    assert_eq!(works(home.path(), "big.count(); one.count();"), "count\n2\ncount\n1\n");
}

#[test]
fn a_file_that_somebody_else_changed_is_left_alone() {
    let home = home();
    works(home.path(), DEFINE);
    let mut child = strata(home.path())
        .args(["-q", "--keep-going", "--database", FILE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"SELECT 'open' AS it;\n").unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    // The answer tells that the file has been read.
    while !lines.contains("open\n") {
        assert!(out.read_line(&mut lines).unwrap() > 0, "{lines}");
    }
    let edited = text(home.path()) + "mine = range(0, 3);\n";
    fs::write(home.path().join(FILE), &edited).unwrap();
    stdin.write_all(b"theirs = range(0, 4);\n").unwrap();
    drop(stdin);
    let output = within("the shell", move || child.wait_with_output().unwrap());
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("'my.strata': another process has changed it"), "{err}");
    assert!(err.contains("open it again"), "{err}");
    assert_eq!(text(home.path()), edited);
}

#[test]
fn names_that_are_given_at_once_are_what_they_were_last_given_to() {
    let home = home();
    works(home.path(), "s = arange(3); q, s = qr(eye(2)); q = arange(4);");
    assert_eq!(works(home.path(), "q.sum();"), "value\n6\n");
    assert_eq!(works(home.path(), "s.sum();"), "s\n2.0\n");
    works(home.path(), "s = arange(6);");
    assert_eq!(works(home.path(), "s.sum();"), "value\n15\n");
    works(home.path(), "q, s = qr(eye(3));");
    assert_eq!(works(home.path(), "s.sum();"), "s\n3.0\n");
}

#[test]
fn processes_at_the_same_time_lose_nothing() {
    let home = home();
    works(home.path(), DEFINE);
    let names: Vec<String> = (0..8).map(|i| format!("n{i}")).collect();
    let mut children = Vec::new();
    for name in &names {
        let child = strata(home.path())
            .args(["-q", "--database", FILE, "-c", &format!("{name} = range(0, 5)")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        children.push((name.clone(), child));
    }
    let mut kept = 0;
    for (name, child) in children {
        let output = within("a process", move || child.wait_with_output().unwrap());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let there = entries(home.path()).contains(&format!("{name} = range(0, 5);"));
        match output.status.code() {
            Some(0) => {
                assert!(there, "{name} was taken and is lost");
                kept += 1;
            }
            Some(1) => {
                assert!(!there && err.contains("another process has changed it"), "{name}: {err}");
            }
            code => panic!("{name}: {code:?} {err}"),
        }
    }
    assert!(kept >= 1);
    assert_eq!(entries(home.path()).len(), 4 + kept);
    assert_eq!(works(home.path(), "SELECT sum(c) AS c FROM v;"), "c\n9\n");
    let mut left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "state")
        .collect();
    left.sort();
    assert_eq!(left, [FILE, "x.csv"]);
}

#[test]
fn temporary_tables_leave_the_file_as_it_is() {
    let home = home();
    works(home.path(), DEFINE);
    let before = text(home.path());
    let out = works(
        home.path(),
        "CREATE TEMP TABLE v AS SELECT 7 AS c; DROP VIEW IF EXISTS v; SELECT c FROM v; DROP TABLE v; \
         SELECT sum(c) AS c FROM v;",
    );
    assert_eq!(out, "c\n7\nc\n9\n");
    assert_eq!(text(home.path()), before);
}
