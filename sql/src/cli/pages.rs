//! `strata completions` and `strata man`: what other programs need to know about the command, made
//! from its arguments.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs, ManArgs};
use crate::shell::{Ran, Stop};

/// Prints the completions for another shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Ran {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "strata", &mut script);
    print(&script)
}

/// Prints the manual page, or writes all of them to a folder.
pub(crate) fn man(args: &ManArgs) -> Ran {
    match &args.out {
        Some(folder) => {
            write_all(folder).map_err(|error| Stop::file(&folder.display().to_string(), error))
        }
        None => {
            let mut page = Vec::new();
            let rendered = Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| Stop::file("standard output", error))?;
            print(&page)
        }
    }
}

fn write_all(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

fn print(bytes: &[u8]) -> Ran {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Stop::file("standard output", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_gets_a_page() {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("strata-config.1")).unwrap();
        assert!(page.contains("strata-config"));
        assert!(folder.path().join("strata.1").exists());
    }
}
