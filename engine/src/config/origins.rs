//! Where a setting's value came from: the weakest layer first, each later one overriding it.
//!
//! ```text
//! default < database file < settings file < environment < command line < SET
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use datafusion::config::{ConfigEntry, ConfigOptions};

use super::StrataOptions;
use crate::error::{EngineError, Result, nearest};

/// Where a value was set. Later ones are stronger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file given with `--database`.
    Database(PathBuf),
    /// The TOML file in the conventional place, or the one `STRATA_CONFIG` names.
    File(PathBuf),
    /// A `STRATA_…` variable.
    Environment(String),
    /// A flag.
    CommandLine(String),
    /// A `SET` statement in this session.
    Session,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Database(path) | Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) | Self::CommandLine(name) => f.write_str(name),
            Self::Session => f.write_str("SET"),
        }
    }
}

/// One setting as `strata config` and `SHOW SETTINGS` print it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its full name, for Strata's own without the `strata.` in front.
    pub name: String,
    /// Its value in force; none where it is unset.
    pub value: Option<String>,
    /// What it would be had nobody set it.
    pub default: Option<String>,
    /// Who set it.
    pub origin: Origin,
    /// What it does.
    pub description: &'static str,
}

/// The values people gave, by where they gave them, checked as they are added.
#[derive(Debug, Clone)]
pub struct Settings {
    options: ConfigOptions,
    origins: BTreeMap<String, Origin>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { options: defaults(), origins: BTreeMap::new() }
    }
}

/// DataFusion's defaults, ours where we differ, and Strata's own settings.
fn defaults() -> ConfigOptions {
    let mut options = ConfigOptions::new();
    options.extensions.insert(StrataOptions::default());
    options.catalog.information_schema = true;
    options.catalog.default_catalog = "strata".to_string();
    options.sql_parser.collect_spans = true;
    options.execution.listing_table_ignore_subdirectory = false;
    options.execution.parquet.pushdown_filters = false;
    options.optimizer.enable_window_topn = true;
    options
}

impl Settings {
    /// The settings of this process before any flag: the settings file, then the environment.
    pub fn from_process() -> Result<Self> {
        let mut settings = Self::default();
        if let Some(path) = settings_file() {
            settings.read_file(&path)?;
        }
        settings.read_environment(std::env::vars())?;
        Ok(settings)
    }

    /// Sets one value unless a stronger origin has set it already.
    ///
    /// Strata's own settings may be named with or without `strata.`.
    pub fn set(&mut self, name: &str, value: &str, origin: Origin) -> Result<()> {
        let key = full_name(name);
        if !self.is_known(&key) {
            return Err(self.unknown(name, &origin));
        }
        if self.origins.get(&key).is_some_and(|earlier| *earlier > origin) {
            return Ok(());
        }
        self.options.set(&key, value).map_err(|error| EngineError::Setting {
            name: display_name(&key).to_string(),
            origin: origin.to_string(),
            reason: innermost(&error),
        })?;
        self.origins.insert(key, origin);
        Ok(())
    }

    /// Puts a setting back to what it would be had nobody set it.
    pub fn reset(&mut self, name: &str) -> Result<()> {
        let key = full_name(name);
        let Some(default) = defaults().entries().into_iter().find(|entry| qualified(entry) == key)
        else {
            return Err(self.unknown(name, &Origin::Session));
        };
        self.origins.remove(&key);
        let value = default.value.unwrap_or_default();
        self.options.set(&key, &value).map_err(|error| EngineError::Setting {
            name: display_name(&key).to_string(),
            origin: "RESET".to_string(),
            reason: innermost(&error),
        })
    }

    /// Whether a setting of this name exists.
    pub fn is_known(&self, name: &str) -> bool {
        let key = full_name(name);
        self.options.entries().iter().any(|entry| qualified(entry) == key)
    }

    /// Whether anyone set it, be it to its default.
    pub(crate) fn is_chosen(&self, name: &str) -> bool {
        self.origins.contains_key(&full_name(name))
    }

    /// The options as they were set.
    pub fn options(&self) -> &ConfigOptions {
        &self.options
    }

    /// Strata's own options in force.
    pub fn strata(&self) -> StrataOptions {
        super::options_of(&self.options)
    }

    /// Every setting, Strata's own first, each group by name.
    pub fn list(&self) -> Vec<Setting> {
        let defaults: BTreeMap<String, Option<String>> = defaults()
            .entries()
            .into_iter()
            .map(|entry| (qualified(&entry), entry.value))
            .collect();
        let mut all: Vec<Setting> = self
            .options
            .entries()
            .into_iter()
            .map(|entry| {
                let key = qualified(&entry);
                Setting {
                    name: display_name(&key).to_string(),
                    value: entry.value,
                    default: defaults.get(&key).cloned().flatten(),
                    origin: self.origins.get(&key).cloned().unwrap_or(Origin::Default),
                    description: entry.description,
                }
            })
            .collect();
        all.sort_by_key(|setting| (setting.name.starts_with("datafusion."), setting.name.clone()));
        all
    }

    /// What was set and by whom, for the ones of this origin's kind.
    pub fn set_in_session(&self) -> Vec<(String, String)> {
        self.list()
            .into_iter()
            .filter(|setting| matches!(setting.origin, Origin::Session | Origin::Database(_)))
            .filter_map(|setting| Some((setting.name, setting.value?)))
            .collect()
    }

    /// Reads a TOML file: tables nest, so `[memory] limit = "2GiB"` sets `memory.limit`.
    pub fn read_file(&mut self, path: &Path) -> Result<()> {
        let refuse =
            |reason: String| EngineError::SettingsFile { path: path.to_path_buf(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| refuse(error.to_string()))?;
        let mut flat = Vec::new();
        flatten("", &table, &mut flat);
        for (name, value) in flat {
            self.set(&name, &value, Origin::File(path.to_path_buf()))?;
        }
        Ok(())
    }

    /// Reads `STRATA_MEMORY__LIMIT=2GiB` as `memory.limit`: a double underscore nests.
    /// Variables without one (`STRATA_TOKEN`, `STRATA_CONFIG`) belong to the command.
    pub fn read_environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<()> {
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix("STRATA_") else { continue };
            if !name.contains("__") {
                continue;
            }
            let name = name.to_ascii_lowercase().replace("__", ".");
            self.set(&name, &value, Origin::Environment(variable))?;
        }
        Ok(())
    }

    fn unknown(&self, name: &str, origin: &Origin) -> EngineError {
        let known = self.list();
        let hint = nearest(name, known.iter().map(|setting| setting.name.as_str()))
            .map(|close| format!(": did you mean '{close}'?"))
            .unwrap_or_default();
        EngineError::UnknownSetting { name: name.to_string(), origin: origin.to_string(), hint }
    }
}

/// The settings file: the one `STRATA_CONFIG` names, else `strata/strata.toml` in the user's
/// configuration folder where it exists.
fn settings_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("STRATA_CONFIG") {
        return Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty());
    }
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("strata").join("strata.toml")).filter(|path| path.is_file())
}

/// An extension's entries come without its prefix; DataFusion's own come whole.
fn qualified(entry: &ConfigEntry) -> String {
    full_name(&entry.key)
}

fn full_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.starts_with("datafusion.") || name.starts_with("strata.") {
        name
    } else {
        format!("strata.{name}")
    }
}

fn display_name(key: &str) -> &str {
    key.strip_prefix("strata.").unwrap_or(key)
}

/// The last cause of a configuration error: the outer ones only repeat the name.
fn innermost(error: &datafusion::error::DataFusionError) -> String {
    let text = error.strip_backtrace();
    text.rsplit("Invalid or Unsupported Configuration: ").next().unwrap_or(&text).to_string()
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, into),
            toml::Value::String(text) => into.push((name, text.clone())),
            other => into.push((name, other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_origins_win_in_any_order() {
        let mut settings = Settings::default();
        settings.set("memory.limit", "3GiB", Origin::CommandLine("--memory".into())).unwrap();
        settings
            .read_environment([("STRATA_MEMORY__LIMIT".into(), "1GiB".into())].into_iter())
            .unwrap();
        let limit = settings.list().into_iter().find(|s| s.name == "memory.limit").unwrap();
        assert_eq!(limit.value.as_deref(), Some("3GiB"));
        assert_eq!(limit.origin.to_string(), "--memory");
        settings.set("strata.memory.limit", "4GiB", Origin::Session).unwrap();
        assert_eq!(settings.strata().memory.limit.to_string(), "4GiB");
        settings.reset("memory.limit").unwrap();
        assert_eq!(settings.strata().memory.limit.to_string(), "70%");
    }

    #[test]
    fn a_settings_file_nests_by_tables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strata.toml");
        std::fs::write(
            &path,
            "[memory]\nlimit = '1GiB'\n[datafusion.execution]\nbatch_size = 4096\n",
        )
        .unwrap();
        let mut settings = Settings::default();
        settings.read_file(&path).unwrap();
        assert_eq!(settings.strata().memory.limit.to_string(), "1GiB");
        assert_eq!(settings.options().execution.batch_size.get(), 4096);
    }

    #[test]
    fn errors_name_the_setting_its_origin_and_the_nearest() {
        let mut settings = Settings::default();
        let error = settings.set("memory.limt", "1GiB", Origin::Session).unwrap_err().to_string();
        assert!(error.contains("'memory.limt' (SET): did you mean 'memory.limit'?"), "{error}");
        let origin = Origin::Environment("STRATA_MEMORY__LIMIT".into());
        let error = settings.set("memory.limit", "lots", origin).unwrap_err().to_string();
        assert!(
            error.starts_with("setting 'memory.limit' (STRATA_MEMORY__LIMIT): 'lots'"),
            "{error}"
        );
    }
}
