//! Flags as settings: a flag is the strongest place to set a value from, and errors name it.

use strata_engine::{EngineError, Origin, Settings};

use super::args::{OutputArgs, SessionArgs, SettingArgs, WorkerSettingArgs};
use crate::shell::output::Format;
use crate::{Error, Result};

/// The settings of the process with the flags of a session on top.
pub(crate) fn of_session(args: &SessionArgs) -> Result<Settings> {
    let mut settings = Settings::from_process()?;
    args.settings.apply(&mut settings)?;
    args.output.apply(&mut settings)?;
    Ok(settings)
}

/// The settings of a shell that others answer: its own ones.
pub(crate) fn of_shell(set: Vec<(String, String)>, output: &OutputArgs) -> Result<Settings> {
    let mut settings = Settings::from_process()?;
    SettingArgs { memory: None, spill_dir: None, threads: None, set }.apply(&mut settings)?;
    output.apply(&mut settings)?;
    Ok(settings)
}

impl SettingArgs {
    /// Sets what was given.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<()> {
        let spill = self.spill_dir.as_ref().map(|path| path.display().to_string());
        let threads = self.threads.map(|threads| threads.to_string());
        let flags = [
            ("--memory", "memory.limit", self.memory.clone()),
            ("--spill-dir", "spill.directory", spill),
            ("--threads", "datafusion.execution.target_partitions", threads),
        ];
        apply(settings, flags)?;
        for (name, value) in &self.set {
            settings.set(name, value, Origin::CommandLine("--set".to_string()))?;
        }
        Ok(())
    }
}

impl WorkerSettingArgs {
    /// Sets what was given.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<()> {
        let Self { memory, spill_dir, set } = self;
        let (memory, spill_dir, set) = (memory.clone(), spill_dir.clone(), set.clone());
        SettingArgs { memory, spill_dir, threads: None, set }.apply(settings)
    }
}

impl OutputArgs {
    /// Sets what was given.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<()> {
        if let Some(format) = &self.format {
            check_format(format)?;
        }
        let flags = [
            ("--format", "shell.format", self.format.clone()),
            ("--null", "shell.null", self.null.clone()),
            ("--max-rows", "shell.rows", self.max_rows.map(|rows| rows.to_string())),
            ("--no-progress", "shell.progress", self.no_progress.then(|| "false".to_string())),
        ];
        apply(settings, flags)
    }
}

fn apply<const N: usize>(
    settings: &mut Settings,
    flags: [(&str, &str, Option<String>); N],
) -> Result<()> {
    for (flag, name, value) in flags {
        if let Some(value) = value {
            settings.set(name, &value, Origin::CommandLine(flag.to_string()))?;
        }
    }
    Ok(())
}

/// Refuses what is no format before anything runs.
pub(crate) fn check_format(name: &str) -> Result<Format> {
    name.parse::<Format>().map_err(|reason| {
        EngineError::Setting {
            name: "shell.format".to_string(),
            origin: "--format".to_string(),
            reason: reason.to_string(),
        }
        .into()
    })
}

/// Whether an error is about the arguments, rather than about what they ask for.
pub(crate) fn is_usage(error: &Error) -> bool {
    let Error::Engine(
        EngineError::Setting { origin, .. } | EngineError::UnknownSetting { origin, .. },
    ) = error
    else {
        return false;
    };
    origin.starts_with("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_the_origin_of_what_they_set() {
        let args = SettingArgs {
            memory: Some("1GiB".into()),
            spill_dir: None,
            threads: std::num::NonZeroUsize::new(3),
            set: vec![("shell.rows".into(), "7".into())],
        };
        let mut settings = Settings::default();
        args.apply(&mut settings).unwrap();
        assert_eq!(settings.options().execution.target_partitions, 3);
        assert_eq!(settings.strata().shell.rows, 7);
        let limit = settings.list().into_iter().find(|s| s.name == "memory.limit").unwrap();
        assert_eq!(limit.origin.to_string(), "--memory");

        let wrong = SettingArgs { memory: Some("lots".into()), ..args };
        assert!(is_usage(&wrong.apply(&mut settings).unwrap_err()));
    }
}
