//! The shell as a person uses it, in a terminal.

use crate::terminal::Terminal;

#[test]
fn statements_over_many_lines_run_and_are_remembered() {
    let home = tempfile::tempdir().unwrap();
    let shell = Terminal::start(home.path(), "xterm-256color", 24, 80, &[]);
    shell.wait_for_prompt();
    shell.send("SELECT 40 + 2\r");
    shell.wait_for("...>");
    shell.send("AS answer;\r");
    let shown = shell.wait(|shown| shown.contains("42") && shown.trim_end().ends_with("strata>"));
    assert!(shown.contains("answer"), "{shown}");
    shell.send("\\q\r");
    assert_eq!(shell.end(), 0);

    // Another shell finds it in the history.
    let shell = Terminal::start(home.path(), "xterm-256color", 24, 80, &[]);
    shell.wait_for_prompt();
    shell.send("\x1b[A\x1b[A");
    shell.wait_for("AS answer;");
    shell.send("\r");
    shell.wait_for("42");
    shell.wait_for_prompt();
    shell.send("\x04");
    assert_eq!(shell.end(), 0);
}

#[test]
fn tab_completes_what_there_is() {
    let home = tempfile::tempdir().unwrap();
    let shell = Terminal::start(home.path(), "xterm-256color", 24, 100, &[]);
    shell.wait_for_prompt();
    shell.send("CREATE TABLE zebras (stripes INT);\r");
    shell.wait(|shown| shown.contains("zebras") && shown.trim_end().ends_with("strata>"));
    shell.send("SELECT strip\t");
    shell.wait(|shown| !shown.trim_end().ends_with("strip"));
    shell.send("\x15SELECT * FROM zeb\t");
    shell.wait_for("FROM zebras");
    shell.send(" WHERE strip\t");
    shell.wait_for("WHERE stripes");
    shell.send("\x15\\q\r");
    assert_eq!(shell.end(), 0);
}

#[test]
fn ctrl_c_cancels_a_query_and_twice_at_the_prompt_leaves() {
    let home = tempfile::tempdir().unwrap();
    let args = ["--format", "csv", "--set", "shell.pager="];
    let shell = Terminal::start(home.path(), "xterm-256color", 24, 100, &args);
    shell.wait_for_prompt();
    shell.send(
        "SELECT 777000000 + a.value AS x FROM generate_series(1, 1000000) a \
         CROSS JOIN generate_series(1, 1000000) b;\r",
    );
    // Rows tell that it runs.
    shell.wait(|shown| shown.matches("777").count() > 5);
    shell.send("\x03");
    shell.wait_for("cancelled");
    shell.wait_for_prompt();
    shell.send("\x03");
    shell.wait_for("once more");
    // Until it asks again, the key is the terminal's.
    shell.wait_for_prompt();
    shell.send("\x03");
    assert_eq!(shell.end(), 0);
}

#[test]
fn a_dumb_terminal_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let shell = Terminal::start(home.path(), "dumb", 24, 80, &[]);
    shell.wait_for_prompt();
    shell.send("SELECT 40 +\n");
    shell.wait_for("...>");
    shell.send("2 AS answer;\n");
    shell.wait(|shown| shown.contains("42") && shown.trim_end().ends_with("strata>"));
    shell.send("\\q\n");
    assert_eq!(shell.end(), 0);
}

#[test]
fn a_tiny_terminal_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let shell = Terminal::start(home.path(), "xterm", 4, 20, &["--set", "shell.pager="]);
    shell.wait_for_prompt();
    shell.send("SELECT 1\t\t;\r");
    shell.send("\\q\r");
    assert_eq!(shell.end(), 0);
}
