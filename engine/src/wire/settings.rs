//! Settings that go along with a plan: those that are not as they are by default, of those that say what
//! a query means or how it is to be planned. How much memory a process has is its own business.

use std::collections::HashMap;

use datafusion::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::Result;

use crate::config::{StrataOptions, options_of};

/// What a process decides for itself.
const OWN: [&str; 6] = [
    "strata.files.allow",
    "strata.memory.",
    "strata.spill.",
    "strata.shell.",
    "datafusion.runtime.",
    "datafusion.execution.target_partitions",
];

/// The options that are not as they are by default.
pub(crate) fn differing(options: &ConfigOptions) -> HashMap<String, String> {
    let ours = |options: StrataOptions| {
        let prefixed = |entry: ConfigEntry| ConfigEntry {
            key: format!("{}.{}", StrataOptions::PREFIX, entry.key),
            ..entry
        };
        options.entries().into_iter().map(prefixed)
    };
    let theirs = |options: &ConfigOptions| {
        options.entries().into_iter().filter(|entry| entry.key.starts_with("datafusion."))
    };
    let default: HashMap<String, Option<String>> = theirs(&ConfigOptions::new())
        .chain(ours(StrataOptions::default()))
        .map(|entry| (entry.key, entry.value))
        .collect();
    theirs(options)
        .chain(ours(options_of(options)))
        .filter(|entry| is_sent(&entry.key) && default.get(&entry.key) != Some(&entry.value))
        .filter_map(|entry| Some((entry.key, entry.value?)))
        .collect()
}

/// A process's options, as those that came with a plan change them.
pub(crate) fn overlaid(
    options: &ConfigOptions,
    sent: &HashMap<String, String>,
) -> Result<ConfigOptions> {
    let mut options = options.clone();
    for (name, value) in sent.iter().filter(|(name, _)| is_sent(name)) {
        options.set(name, value)?;
    }
    Ok(options)
}

fn is_sent(name: &str) -> bool {
    !OWN.iter().any(|own| name.starts_with(own))
}

#[cfg(test)]
mod tests {
    use crate::config::{Origin, Settings};

    use super::*;

    #[test]
    fn what_somebody_chose_goes_along_and_memory_does_not() {
        let mut settings = Settings::default();
        for (name, value) in [
            ("memory.limit", "1GiB"),
            ("files.sniff", "1KiB"),
            ("datafusion.execution.batch_size", "100"),
            ("datafusion.execution.time_zone", "+02:00"),
        ] {
            settings.set(name, value, Origin::Session).unwrap();
        }
        let sent = differing(&settings.in_force());
        assert_eq!(sent.get("strata.files.sniff").map(String::as_str), Some("1KiB"));
        assert_eq!(sent.get("datafusion.execution.batch_size").map(String::as_str), Some("100"));
        assert!(!sent.contains_key("strata.memory.limit"), "{sent:?}");
        let there = overlaid(&Settings::default().in_force(), &sent).unwrap();
        assert_eq!(there.execution.time_zone.as_deref(), Some("+02:00"));
        assert_eq!(options_of(&there).files, settings.strata().files);
        assert_ne!(options_of(&there).memory, settings.strata().memory);
        let wrong = HashMap::from([("strata.nonsense".to_string(), "1".to_string())]);
        assert!(overlaid(&there, &wrong).is_err());
    }
}
