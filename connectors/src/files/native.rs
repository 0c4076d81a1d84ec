//! Whether DataFusion's own listing would find exactly the files that ours has found.

use std::collections::HashSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::datasource::listing::ListingTableUrl;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::kind::{FileKind, split_compression};
use super::listing::{self, Listing};
use super::location::Location;
use super::partitions;
use crate::error::Result;

/// How DataFusion's listing can name exactly these files, if it can.
pub(super) fn native(
    location: &Location,
    listing: &Listing,
    kind: FileKind,
    partitions: &[(String, DataType)],
    files: &[ObjectMeta],
    ignore_subfolders: bool,
) -> Result<Option<(Vec<ListingTableUrl>, String)>> {
    if listing.single {
        let url = location.listing_url(&location.base, false)?;
        return Ok(partitions.is_empty().then(|| (vec![url], String::new())));
    }
    let leads = |meta: &ObjectMeta| {
        let parts = listing::below(&location.base, &meta.location).unwrap_or_default();
        partitions.iter().enumerate().all(|(index, (name, _))| {
            parts
                .get(index)
                .and_then(|part| part.split_once('='))
                .is_some_and(|(key, _)| key == name)
        })
    };
    if !files.iter().all(|meta| leads(meta) && !partitions::has_null(&meta.location)) {
        return Ok(None);
    }
    let folder = location.listing_url(&location.base, true)?;
    let mut urls = Vec::new();
    for pattern in &location.patterns {
        let segments = pattern.segments().iter().filter(|segment| !segment.contains('='));
        let glob = segments.map(String::as_str).collect::<Vec<_>>().join("/");
        match folder.clone().with_glob(&glob) {
            Ok(url) => urls.push(url),
            Err(_) => return Ok(None),
        }
    }
    if urls.is_empty() {
        urls.push(folder);
    }
    let wanted: HashSet<&Path> = files.iter().map(|meta| &meta.location).collect();
    let own = files
        .first()
        .and_then(|meta| extensions(meta.location.filename()?))
        .unwrap_or_else(|| format!(".{}", kind.extension()));
    let any = if files.is_empty() { None } else { Some(String::new()) };
    for suffix in [Some(own), any].into_iter().flatten() {
        let seen: HashSet<&Path> = listing
            .all
            .iter()
            .filter(|meta| meta.size > 0 && meta.location.as_ref().ends_with(&suffix))
            .map(|meta| &meta.location)
            .filter(|path| urls.iter().any(|url| url.contains(path, ignore_subfolders)))
            .collect();
        if seen == wanted {
            return Ok(Some((urls, suffix)));
        }
    }
    Ok(None)
}

/// The extensions of a file's name as they are written: `.csv.gz`.
fn extensions(name: &str) -> Option<String> {
    FileKind::of_name(name)?;
    let (stem, _) = split_compression(name);
    let dot = stem.rfind('.')?;
    name.get(dot..).map(str::to_string)
}
