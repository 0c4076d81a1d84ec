//! File names, for completion within quotes.

use std::path::PathBuf;

use super::Candidate;

/// The files that begin as what is typed.
pub(super) fn candidates(typed: &str) -> Vec<Candidate> {
    let (folder, start) =
        typed.rsplit_once('/').map_or(("", typed), |(folder, rest)| (folder, rest));
    let shown_folder = if typed.contains('/') { format!("{folder}/") } else { String::new() };
    let path = match (folder.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest.trim_start_matches('/')),
        _ if shown_folder.is_empty() => PathBuf::from("."),
        _ => PathBuf::from(&shown_folder),
    };
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let mut all: Vec<Candidate> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // Hidden files are for those who ask for them.
            if name.starts_with('.') && !start.starts_with('.') {
                return None;
            }
            let is_folder = entry.path().is_dir();
            let mark = if is_folder { "/" } else { "" };
            let about = if is_folder { "folder".to_string() } else { size(&entry) };
            Some(Candidate::new(format!("{shown_folder}{name}{mark}"), about))
        })
        .collect();
    all.sort_by(|a, b| a.value.cmp(&b.value));
    all
}

fn size(entry: &std::fs::DirEntry) -> String {
    entry
        .metadata()
        .map(|metadata| strata_engine::ByteSize(metadata.len()).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_folder_that_is_typed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.csv"), "a\n").unwrap();
        std::fs::write(folder.path().join(".hidden"), "").unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        let typed = format!("{}/d", folder.path().display());
        let found: Vec<String> = candidates(&typed).into_iter().map(|found| found.value).collect();
        let base = folder.path().display();
        assert_eq!(found, [format!("{base}/data.csv"), format!("{base}/deep/")]);
    }
}
