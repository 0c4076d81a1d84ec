//! Help, settings, completions and the manual.

use crate::command::run;

#[test]
fn help_shows_examples_and_version_is_told() {
    let ran = run(&["--help"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for part in ["Examples:", "strata -c", "--memory", "--keep-going", "config", "Exit codes"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(run(&["--version"]).out.starts_with("strata "));
}

#[test]
fn settings_are_listed_with_who_set_them() {
    let ran = run(&["config", "memory.limit", "--memory", "1GiB"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("name,value,origin,default,description\n"), "{}", ran.out);
    assert!(ran.out.contains("memory.limit,1GiB,--memory,70%,"), "{}", ran.out);
    let ran = run(&["config", "--markdown"]);
    assert!(ran.out.starts_with("# Settings\n"), "{}", ran.out);
}

#[test]
fn other_programs_learn_the_arguments() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).out.contains("keep-going"), "{shell}");
    }
    assert!(run(&["man"]).out.contains(".TH strata"));
}
