//! The history on disk: for its owner's eyes only, since statements may hold secrets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reedline::FileBackedHistory;

/// `strata/history` in the user's folder for what programs remember.
fn path() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_STATE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"))
        })?;
    Some(base.join("strata").join("history"))
}

/// The history of at most so many entries; none where it cannot be kept on disk.
pub(crate) fn open(lines: usize) -> Option<io::Result<FileBackedHistory>> {
    let path = path().filter(|_| lines > 0)?;
    Some(open_at(&path, lines))
}

fn open_at(path: &Path, lines: usize) -> io::Result<FileBackedHistory> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        // It may be older than this rule.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    options.open(path)?;
    Ok(FileBackedHistory::with_file(lines, path.to_path_buf())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/history");
        drop(open_at(&path, 10).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
