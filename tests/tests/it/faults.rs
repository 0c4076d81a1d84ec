//! What goes wrong: each case makes a bad file or situation of its own, and runs a statement into it
//! through the library and through the real binary. Neither may panic or hang, and what is said is
//! one error that names the thing, the place in it, and a way out.

mod files;
mod packed;
mod parquet;
mod remote;
mod resources;
mod samples;
mod statements;
mod writes;

use std::path::Path;

use strata::shell::{Report, Source};
use strata::{RunText, Settings};
use strata_tests::within;

use crate::run_in;

/// One bad file or situation.
pub(crate) struct Case {
    name: &'static str,
    /// Makes the files.
    make: fn(&Path),
    /// `$` stands for the folder.
    statement: &'static str,
    /// What the error must say.
    says: &'static [&'static str],
}

/// No files are needed.
pub(crate) fn nothing(_: &Path) {}

/// Writes a file and the folders it is in.
pub(crate) fn put(folder: &Path, name: &str, contents: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

/// Every file and folder below a folder, also hidden ones.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            into.push(path.strip_prefix(root).unwrap().display().to_string());
            if path.is_dir() && !path.is_symlink() {
                walk(root, &path, into);
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

/// What the library says of a text, as a person would read it; none where all is well.
pub(crate) fn said_by_library(text: &str) -> Option<String> {
    let statement = text.to_string();
    within(text, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(8 << 20)
            .enable_all()
            .build()
            .unwrap();
        let task = runtime.spawn(async move {
            let session = strata::session(Settings::default())?;
            session.run(&statement).await?.collect().await?;
            Ok::<(), strata::Error>(())
        });
        match runtime.block_on(task).expect("the library panics") {
            Ok(()) => None,
            Err(error) => Some(Report::of(&error).render(Source::default(), false)),
        }
    })
}

/// Runs every case; what is wrong with any of them is told together.
pub(crate) fn run_all(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let folder = tempfile::tempdir().unwrap();
        (case.make)(folder.path());
        let before = tree(folder.path());
        let statement = case.statement.replace('$', &folder.path().display().to_string());
        let mut complain = |what: &str, text: &str| {
            wrong.push(format!("{}: {what}\n  {statement}\n{text}", case.name));
        };
        match said_by_library(&statement) {
            None => complain("the library sees nothing wrong", ""),
            Some(said) => {
                if let Some(part) = case.says.iter().find(|part| !said.contains(**part)) {
                    complain(&format!("the library does not say '{part}'"), &said);
                }
            }
        }
        let ran = run_in(folder.path(), &["-c", &statement], "");
        if ran.code != Some(1) {
            complain(&format!("it exits with {:?}", ran.code), &ran.err);
        } else if ran.errors().len() != 1 || ran.err.contains("panicked") {
            complain("it does not say one thing", &ran.err);
        } else if ran.err.contains("Internal error") || ran.err.contains("broke down") {
            complain("it speaks of internals", &ran.err);
        } else if let Some(part) = case.says.iter().find(|part| !ran.err.contains(**part)) {
            complain(&format!("it does not say '{part}'"), &ran.err);
        } else if tree(folder.path()) != before {
            complain(&format!("it leaves {:?}, not {before:?}", tree(folder.path())), &ran.err);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}
