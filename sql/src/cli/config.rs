//! `strata config`: every setting, and the page about them.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::error::DataFusionError;
use strata_engine::{Setting, Settings};

use super::args::ConfigArgs;
use super::settings::check_format;
use crate::shell::output::Format;
use crate::shell::{Ran, Stop, table_style};

/// Prints the settings.
pub(crate) fn run(args: &ConfigArgs) -> Ran {
    if args.markdown {
        let mut out = io::stdout().lock();
        let written = out.write_all(page().as_bytes()).and_then(|()| out.flush());
        return written.map_err(|error| Stop::file("standard output", error));
    }
    let mut settings = Settings::from_process()?;
    args.settings.apply(&mut settings)?;
    let wanted = args.pattern.as_deref().unwrap_or_default().to_lowercase();
    let mut list = settings.list();
    list.retain(|setting| setting.name.contains(&wanted));
    let format = match &args.format {
        Some(name) => check_format(name)?,
        None if io::stdout().is_terminal() => Format::Box,
        None => Format::Csv,
    };
    let batch = batch(&list).map_err(DataFusionError::from)?;
    let mut writer = format.writer(&table_style(), Box::new(io::stdout()));
    writer
        .begin(&batch.schema())
        .and_then(|()| writer.batch(&batch))
        .and_then(|()| writer.finish())
        .map(drop)
        .map_err(|error| Stop::file("standard output", error))
}

fn batch(list: &[Setting]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let column = |of: &dyn Fn(&Setting) -> Option<String>| -> ArrayRef {
        Arc::new(list.iter().map(of).collect::<StringArray>())
    };
    RecordBatch::try_from_iter_with_nullable([
        ("name", column(&|setting| Some(setting.name.clone())), false),
        ("value", column(&|setting| setting.value.clone()), true),
        ("origin", column(&|setting| Some(setting.origin.to_string())), false),
        ("default", column(&|setting| setting.default.clone()), true),
        ("description", column(&|setting| Some(setting.description.to_string())), false),
    ])
}

/// The reference page of Strata's own settings, as `strata config --markdown` prints it. It shows
/// defaults only, so that it is the same wherever it is made.
pub fn page() -> String {
    let mut page = "\
# Settings

<!-- Made by `strata config --markdown`: change the doc comments of the settings instead. -->

A setting has one name and one default. Later places override earlier ones:

1. the file given with `--database`,
2. the settings file: the one `STRATA_CONFIG` names, or `strata/strata.toml` in the user's configuration folder,
3. the environment: `STRATA_MEMORY__LIMIT=2GiB` sets `memory.limit`,
4. the command line: flags of their own, and `--set name=value`,
5. `SET name = value` in a session; `RESET name` puts the default back.

`strata config` lists all settings with their values and who set them, DataFusion's own among them.
"
    .to_string();
    let mut group = String::new();
    for setting in Settings::default().list() {
        if setting.name.starts_with("datafusion.") {
            continue;
        }
        let first = setting.name.split('.').next().unwrap_or_default();
        if first != group {
            let _ = write!(page, "\n## {first}\n\n| setting | default | |\n|---|---|---|\n");
            group = first.to_string();
        }
        let default = setting.default.unwrap_or_default();
        let default = if default.is_empty() { "empty".into() } else { format!("`{default}`") };
        let description = setting.description.trim().replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {default} | {description} |", setting.name);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_setting_of_ours() {
        let page = page();
        for name in ["memory.limit", "spill.limit", "shell.history"] {
            assert!(page.contains(&format!("| `{name}` |")), "{page}");
        }
        assert!(!page.contains("datafusion.execution"), "{page}");
    }

    #[test]
    fn settings_make_a_table() {
        let list = Settings::default().list();
        let batch = batch(&list).unwrap();
        assert_eq!((batch.num_columns(), batch.num_rows()), (5, list.len()));
    }
}
