//! `-c`, `-f`, standard input, `-o`, exit codes, pipes and Ctrl-C.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::command::{collect, run, run_in, strata, within};

/// Rows without end, as far as a test is concerned.
const ENDLESS: &str = "SELECT a.value AS x FROM generate_series(1, 1000000) a \
                       CROSS JOIN generate_series(1, 1000000) b";

#[test]
fn a_statement_prints_csv_into_a_pipe() {
    let ran = run(&["-c", "SELECT 1 AS a, 'x' AS b"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "a,b\n1,x\n", ""));
}

#[test]
fn texts_and_files_run_in_order() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.sql"), "-- two\nSELECT 2 AS b;\n").unwrap();
    let args = ["-c", "SELECT 1 AS a", "-f", "a.sql", "-f", "-", "-c", "SELECT 4 AS d"];
    let ran = run_in(home.path(), &args, "SELECT 3 AS c;");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "a\n1\nb\n2\nc\n3\nd\n4\n"), "{}", ran.err);
}

#[test]
fn standard_input_is_a_script() {
    let home = tempfile::tempdir().unwrap();
    let script =
        "CREATE TABLE t AS VALUES (1), (2);\n\n.mode json\nSELECT count(*) AS n\nFROM t;\n";
    let ran = run_in(home.path(), &["-q"], script);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains('2') && ran.err.is_empty(), "{ran:?}");
    let ran = run_in(home.path(), &["-q"], "\\pset null none\n.mode markdown\nSELECT NULL AS a;");
    assert!(ran.out.contains("| none"), "{ran:?}");
}

#[test]
fn every_text_format_prints() {
    for format in ["box", "table", "csv", "tsv", "json", "ndjson", "markdown", "html", "line"] {
        let ran = run(&["-c", "SELECT 42 AS answer, NULL AS nothing", "-F", format]);
        assert_eq!(ran.code, Some(0), "{format}: {}", ran.err);
        assert!(ran.out.contains("answer") && ran.out.contains("42"), "{format}: {}", ran.out);
    }
}

#[test]
fn usage_errors_exit_with_two() {
    for args in [
        &["--nope"][..],
        &["-c", "SELECT 1", "-F", "nope"],
        &["--memory", "lots", "-c", "SELECT 1"],
        &["--set", "no.such=1", "-c", "SELECT 1"],
        &["--set", "novalue", "-c", "SELECT 1"],
    ] {
        let ran = run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.starts_with("error: "), "{args:?}: {}", ran.err);
    }
}

#[test]
fn the_first_failure_ends_a_script_unless_it_keeps_going() {
    let texts = ["-c", "SELECT 1 AS a", "-c", "SELECT nope", "-c", "SELECT 2 AS b"];
    let ran = run(&texts);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "a\n1\n"));
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    let ran = run(&[&texts[..], &["--keep-going"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "a\n1\nb\n2\n"));
}

#[test]
fn errors_in_a_script_tell_its_name_and_line() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.sql"), "SELECT 1;\n\nSELECT nope;\n").unwrap();
    let ran = run_in(home.path(), &["-f", "a.sql"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("a.sql:3"), "{}", ran.err);
    let ran = run_in(home.path(), &["-f", "missing.sql"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("'missing.sql'"), "{}", ran.err);
}

#[test]
fn an_output_file_appears_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let names = || -> Vec<String> {
        let entries = fs::read_dir(home.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let ran = run_in(home.path(), &["-c", "SELECT 1 AS a", "-c", "SELECT nope", "-o", "x.csv"], "");
    assert_eq!(ran.code, Some(1));
    assert_eq!(names(), Vec::<String>::new());
    let ran = run_in(home.path(), &["-c", "SELECT 1 AS a", "-o", "x.csv"], "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    assert_eq!(fs::read_to_string(home.path().join("x.csv")).unwrap(), "a\n1\n");
    assert_eq!(names(), ["x.csv"]);
    let ran = run_in(home.path(), &["-c", "SELECT 1", "-o", "no/such/folder.csv"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("'no/such/folder.csv'"), "{}", ran.err);
}

#[test]
fn commands_work_in_scripts() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("inner.sql"), "SELECT 2 AS b;\n").unwrap();
    let script = "\\pset header on\nSELECT 1 AS a;\n\\i inner.sql\n\\o out.csv\nSELECT 3 AS c;\n\
                  \\o\n.headers off\nSELECT 4 AS d;\n\\q\nSELECT 5;";
    let ran = run_in(home.path(), &["-q"], script);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "a\n1\nb\n2\n4\n"), "{}", ran.err);
    assert_eq!(fs::read_to_string(home.path().join("out.csv")).unwrap(), "c\n3\n");
}

#[test]
fn commands_tell_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    let script = "CREATE TABLE t (a INT, b VARCHAR);\nCREATE VIEW v AS SELECT a FROM t;\n\
                  \\dt\n\\dv\n\\d t\n\\df date_tr\n\\l\n.schema v\n\\conninfo\n\\? dt\n\\h filter\n";
    let ran = run_in(home.path(), &["-q"], script);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for part in ["public,t,", "public,v,view", "a,Int32", "date_trunc", "CREATE VIEW", "threads"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = run_in(home.path(), &["-c", "\\d tt"], script);
    assert_eq!(ran.code, Some(1));
    let ran = run(&["-c", ".tabels"]);
    assert!(ran.code == Some(1) && ran.err.contains("did you mean .tables"), "{}", ran.err);
}

#[test]
fn a_script_that_runs_itself_is_stopped() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.sql"), "\\i a.sql\n").unwrap();
    let ran = run_in(home.path(), &["-f", "a.sql"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("without end"), "{}", ran.err);
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let home = tempfile::tempdir().unwrap();
    let mut child = strata(home.path())
        .args(["-c", ENDLESS])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "x\n");
    let ran = within(move || collect(child.wait_with_output().unwrap()));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_batch_and_leaves_no_file() {
    let home = tempfile::tempdir().unwrap();
    let mut child = strata(home.path())
        .args(["-c", "SELECT 'begun'", "-c", &format!("SELECT sum(x) FROM ({ENDLESS})")])
        .args(["-c", "SELECT 'never'"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first result tells that the second statement is next.
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    while !lines.contains("begun\n") || lines.lines().count() < 2 {
        assert!(out.read_line(&mut lines).unwrap() > 0, "{lines}");
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (code, rest, err) = within(move || {
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), rest, String::from_utf8_lossy(&output.stderr).into_owned())
    });
    assert_eq!((code, rest.as_str(), err.as_str()), (Some(130), "", "cancelled\n"));
}
