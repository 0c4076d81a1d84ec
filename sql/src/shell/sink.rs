//! Where results go: the terminal, through the pager where they are long; standard output; or a
//! file, which with `-o` appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::output::Format;
use super::pager::Pager;

/// How much is collected before a file or a pipe is written to.
const BUFFER: usize = 64 << 10;

/// Where results go.
#[derive(Debug, Default)]
pub(crate) enum Sink {
    /// Standard output.
    #[default]
    Stdout,
    /// A file that is written as results come.
    Direct { path: PathBuf, file: File },
    /// A file that takes its name when all is done.
    Whole { path: PathBuf, file: NamedTempFile },
}

impl Sink {
    /// Writes to a file as results come, for `\o`.
    pub(crate) fn direct(path: &Path) -> io::Result<Self> {
        Ok(Self::Direct { path: path.to_path_buf(), file: File::create(path)? })
    }

    /// Writes to a file that appears when [`Sink::commit`] is called, for `-o`.
    pub(crate) fn whole(path: &Path) -> io::Result<Self> {
        // Through a link to its target; a pipe or a device can only be written to as it is.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let existing = fs::metadata(&path).ok();
        match existing {
            Some(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Some(found) if !found.is_file() => return Self::direct(&path),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".strata-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What the file had, or what a new file gets; not the privacy of a temporary one.
            let fresh = fs::Permissions::from_mode(0o666);
            builder.permissions(existing.map_or(fresh, |found| found.permissions()));
        }
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::Whole { path, file })
    }

    /// The file's name; none for standard output.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::Direct { path, .. } | Self::Whole { path, .. } => Some(path),
        }
    }

    /// Whether a person reads along.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout) && io::stdout().is_terminal()
    }

    /// The format its file name asks for.
    pub(crate) fn format(&self) -> Option<Format> {
        let extension = self.path()?.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "json" => Format::Json,
            "ndjson" | "jsonl" => Format::NdJson,
            "parquet" | "pq" => Format::Parquet,
            "md" | "markdown" => Format::Markdown,
            "html" | "htm" => Format::Html,
            _ => return None,
        })
    }

    /// A handle to write one result to. `pager` is the pager's setting, where one may be used.
    pub(crate) fn open(&self, pager: Option<&str>) -> io::Result<Box<dyn Write + Send>> {
        let file = match self {
            Self::Stdout => {
                return Ok(match pager {
                    Some(setting) => Box::new(Pager::new(setting)),
                    None => Box::new(BufWriter::with_capacity(BUFFER, io::stdout())),
                });
            }
            Self::Direct { file, .. } => file.try_clone()?,
            Self::Whole { file, .. } => file.as_file().try_clone()?,
        };
        Ok(Box::new(BufWriter::with_capacity(BUFFER, file)))
    }

    /// Gives the file its name.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::Stdout | Self::Direct { .. } => Ok(()),
            Self::Whole { path, file } => {
                // On disk before it has its name: a crash must not leave an empty file of it.
                file.as_file().sync_all()?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_appears_at_the_end_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let sink = Sink::whole(&path).unwrap();
        assert_eq!(sink.format(), Some(Format::Csv));
        for part in ["a\n", "b\n"] {
            sink.open(None).unwrap().write_all(part.as_bytes()).unwrap();
        }
        assert!(!path.exists());
        sink.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");

        drop(Sink::whole(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Sink::whole(folder.path()).is_err());
    }
}
