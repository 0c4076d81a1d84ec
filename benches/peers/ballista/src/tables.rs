//! The tables of a folder: a folder `NAME` of Parquet files, or a file `NAME.parquet`, is a table.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Result;

/// Name and place of each table.
pub(crate) fn tables(folder: &Path) -> Result<Vec<(String, String)>> {
    let about = |error: io::Error| format!("'{}': {error}", folder.display());
    let mut found = Vec::new();
    for path in entries(&fs::canonicalize(folder).map_err(about)?).map_err(about)? {
        let (Some(name), Some(place)) = (path.file_stem(), path.to_str()) else { continue };
        let name = name.to_string_lossy().into_owned();
        if is_parquet(&path) {
            found.push((name, place.to_owned()));
        } else if path.is_dir() && entries(&path)?.iter().any(|path| is_parquet(path)) {
            // DataFusion takes a path for that of a folder when it ends so.
            found.push((name, format!("{place}/")));
        }
    }
    if found.is_empty() {
        return Err(format!("'{}' holds no tables of Parquet files", folder.display()).into());
    }
    Ok(found)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn is_parquet(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension == "parquet")
}
