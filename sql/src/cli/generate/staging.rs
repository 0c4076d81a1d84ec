//! Where tables lie until all of them are there: a hidden folder inside the destination, on the
//! same disk, from which they are moved into place by renaming. Dropped before that, it takes
//! everything with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::GenerateError;

/// The hidden folder.
pub(super) struct Staging {
    out: PathBuf,
    folder: PathBuf,
    /// The folders above it that were made for it, innermost first.
    made: Vec<PathBuf>,
    published: bool,
}

impl Staging {
    /// Makes it in `out`, after seeing that the folders of `tables` may be put there.
    pub(super) fn open(out: &Path, tables: &[&str], force: bool) -> Result<Self, GenerateError> {
        for table in tables {
            may_replace(&out.join(table), force)?;
        }
        let above = out.ancestors().filter(|folder| !folder.as_os_str().is_empty());
        let made: Vec<_> =
            above.take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        // From here on, dropping it cleans up, also behind a folder made only in part.
        let folder = out.join(format!(".strata-generate-{}", std::process::id()));
        let mut staging =
            Self { out: out.to_owned(), folder: PathBuf::new(), made, published: false };
        fs::create_dir_all(out).map_err(GenerateError::io("create", out))?;
        let mut folder = folder;
        let mut attempt = 0;
        loop {
            match fs::create_dir(&folder) {
                Ok(()) => break,
                // Another thread's, or left by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                    attempt += 1;
                    let id = std::process::id();
                    folder = out.join(format!(".strata-generate-{id}-{attempt}"));
                }
                Err(error) => return Err(GenerateError::io("create", &folder)(error)),
            }
        }
        staging.folder = folder;
        Ok(staging)
    }

    /// The hidden folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the tables into place. Fails with all of them moved back, and what they were to
    /// replace still there.
    pub(super) fn publish(mut self, tables: &[&str]) -> Result<(), GenerateError> {
        let replaced = self.folder.join(".replaced");
        fs::create_dir(&replaced).map_err(GenerateError::io("create", &replaced))?;
        let mut moves = Moves::default();
        for table in tables {
            let target = self.out.join(table);
            let moved = match target.exists() {
                true => moves.rename(&target, &replaced.join(table)),
                false => Ok(()),
            };
            if let Err(error) = moved.and_then(|()| moves.rename(&self.folder.join(table), &target))
            {
                moves.undo();
                return Err(GenerateError::io("create", &target)(error));
            }
        }
        self.published = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing to be done about failures here: an error is on its way already, or the tables
        // are in place and only what they replaced stays behind, hidden.
        if !self.folder.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
        if !self.published {
            for folder in &self.made {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Renamings that can be taken back.
#[derive(Default)]
struct Moves(Vec<(PathBuf, PathBuf)>);

impl Moves {
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        self.0.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn undo(&self) {
        for (from, to) in self.0.iter().rev() {
            let _ = fs::rename(to, from);
        }
    }
}

/// Whether a table may be put at `folder`: where nothing is, or, with `force`, where there are only
/// files that a generator names so. `--force` in the wrong folder must not cost anyone their work.
fn may_replace(folder: &Path, force: bool) -> Result<(), GenerateError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(GenerateError::io("read", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(GenerateError::io("read", folder))?;
        if !force {
            return Err(GenerateError::NotEmpty { folder: folder.to_owned() });
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let stem = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".csv"));
        let number = stem.and_then(|stem| stem.strip_prefix("part-"));
        if !number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(GenerateError::NotOurs { folder: folder.to_owned(), entry: name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lies beneath a folder, hidden things too.
    fn tree(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).into_iter().flatten().flatten() {
                let path = entry.path();
                names.push(path.strip_prefix(folder).unwrap_or(&path).display().to_string());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }

    fn stage(
        out: &Path,
        tables: &[&str],
        text: &str,
        force: bool,
    ) -> Result<Staging, GenerateError> {
        let staging = Staging::open(out, tables, force)?;
        for table in tables {
            let folder = staging.folder().join(table);
            fs::create_dir(&folder).map_err(GenerateError::io("create", &folder))?;
            let file = folder.join("part-000.csv");
            fs::write(&file, text).map_err(GenerateError::io("write", &file))?;
        }
        Ok(staging)
    }

    #[test]
    fn dropped_it_takes_even_the_folders_made_for_it() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let staging = stage(&root.path().join("a/b"), &["t"], "x", false)?;
        assert_eq!(tree(root.path()).len(), 5);
        drop(staging);
        assert!(tree(root.path()).is_empty());
        Ok(())
    }

    #[test]
    fn published_tables_replace_only_when_forced() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        stage(root.path(), &["t", "u"], "old", false)?.publish(&["t", "u"])?;
        let files = ["t", "t/part-000.csv", "u", "u/part-000.csv"];
        assert_eq!(tree(root.path()), files);
        let refused = stage(root.path(), &["u"], "new", false).err();
        assert!(matches!(refused, Some(GenerateError::NotEmpty { .. })));
        stage(root.path(), &["u"], "new", true)?.publish(&["u"])?;
        assert_eq!(tree(root.path()), files);
        assert_eq!(fs::read_to_string(root.path().join("t/part-000.csv"))?, "old");
        assert_eq!(fs::read_to_string(root.path().join("u/part-000.csv"))?, "new");
        Ok(())
    }

    #[test]
    fn a_failing_move_leaves_what_was_there() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        stage(root.path(), &["t"], "old", false)?.publish(&["t"])?;
        let staging = stage(root.path(), &["t"], "new", true)?;
        let failed = staging.publish(&["t", "missing"]);
        assert!(failed.is_err());
        assert_eq!(tree(root.path()), ["t", "t/part-000.csv"]);
        assert_eq!(fs::read_to_string(root.path().join("t/part-000.csv"))?, "old");
        Ok(())
    }

    #[test]
    fn what_others_wrote_is_never_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        fs::create_dir(root.path().join("t"))?;
        fs::write(root.path().join("t/notes.txt"), "mine")?;
        let refused = Staging::open(root.path(), &["t"], true).err();
        assert!(
            matches!(refused, Some(GenerateError::NotOurs { entry, .. }) if entry == "notes.txt")
        );
        fs::remove_file(root.path().join("t/notes.txt"))?;
        assert!(Staging::open(root.path(), &["t"], false).is_ok());
        Ok(())
    }
}
