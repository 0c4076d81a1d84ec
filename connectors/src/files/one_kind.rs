//! The one format of many files: by what was asked for, by their names, by their first bytes.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::parsers::CompressionTypeVariant as Compression;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::head::head;
use super::kind::{FileKind, Kind, split_compression};
use super::listing::{self, Listing};
use super::location::Location;
use crate::error::{ConnectorError, MixedFormats, Result};

/// How many files without a telling name are looked into.
const LOOK_INTO: usize = 16;

/// How the files are packed, where an option says so.
pub(super) fn given_packing(given: &HashMap<String, String>) -> Result<Option<Compression>> {
    let value = given.get("format.compression").or_else(|| given.get("compression"));
    value
        .map(|value| {
            value.parse().map_err(|_| ConnectorError::Option {
                option: "compression".to_string(),
                reason: format!(
                    "'{value}' is none of 'gzip', 'bzip2', 'xz', 'zstd' and 'uncompressed'"
                ),
            })
        })
        .transpose()
}

/// Those of the files whose name says this kind; if none does, those whose name says nothing.
pub(super) fn of_kind(files: Vec<ObjectMeta>, kind: Kind) -> Vec<ObjectMeta> {
    let told = |meta: &ObjectMeta| FileKind::of_name(meta.location.filename().unwrap_or_default());
    let (named, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|meta| told(meta).is_some_and(|found| found.kind == kind));
    if named.is_empty() {
        rest.into_iter().filter(|meta| told(meta).is_none()).collect()
    } else {
        named
    }
}

/// The one format of the files listed, and the files of it.
pub(super) async fn told(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    listing: &Listing,
    asked: Option<FileKind>,
    packing_given: bool,
) -> Result<(FileKind, Vec<ObjectMeta>)> {
    if let (true, Some(only)) = (listing.single, listing.files.first())
        && only.size == 0
    {
        let kind = FileKind::of_name(only.location.filename().unwrap_or_default());
        return Err(ConnectorError::EmptyFile {
            path: location.show(&only.location),
            kind: asked.or(kind).map_or_else(|| "The".to_string(), |kind| kind.kind.to_string()),
        });
    }
    if let Some(asked) = asked {
        let files = if listing.single {
            listing.files.clone()
        } else {
            of_kind(listing.files.clone(), asked.kind)
        };
        let mut kind = asked;
        let mut first: Option<(&ObjectMeta, Compression)> = None;
        for meta in files.iter().filter(|_| !packing_given) {
            let (_, packing) = split_compression(meta.location.filename().unwrap_or_default());
            match first {
                None => {
                    kind.compression = packing;
                    first = Some((meta, packing));
                }
                Some((one, packed)) if packed != packing => {
                    let other = FileKind { compression: packing, ..kind };
                    return Err(mixed(location, (&one.location, kind), (&meta.location, other)));
                }
                Some(_) => {}
            }
        }
        return Ok((kind, files));
    }
    let mut first: Option<(&Path, FileKind)> = None;
    let mut looked = 0;
    for meta in &listing.files {
        let name = meta.location.filename().unwrap_or_default();
        let kind = match FileKind::of_name(name) {
            Some(kind) => kind,
            None if looked < LOOK_INTO => {
                looked += 1;
                let (_, packing) = split_compression(name);
                let shown = location.show(&meta.location);
                let head = head(store, &meta.location, &shown, 512, packing).await?;
                FileKind::of_bytes(&head.bytes, packing)
            }
            None => continue,
        };
        match first {
            None => first = Some((&meta.location, kind)),
            Some((path, one))
                if (one.kind, one.compression, one.tabs)
                    != (kind.kind, kind.compression, kind.tabs) =>
            {
                return Err(mixed(location, (path, one), (&meta.location, kind)));
            }
            Some(_) => {}
        }
    }
    match first {
        Some((_, kind)) => Ok((kind, listing.files.clone())),
        None => {
            // A glob or a folder of empty files only: name one, so that it can be found.
            let empty = listing
                .all
                .iter()
                .find(|meta| meta.size == 0 && listing::is_named(location, &meta.location));
            Err(
                match empty
                    .and_then(|meta| Some((meta, FileKind::of_name(meta.location.filename()?)?)))
                {
                    Some((meta, kind)) => ConnectorError::EmptyFile {
                        path: location.show(&meta.location),
                        kind: kind.kind.to_string(),
                    },
                    None => ConnectorError::EmptyFolder {
                        path: location.text.clone(),
                        kind: "file".to_string(),
                    },
                },
            )
        }
    }
}

pub(super) fn mixed(
    location: &Location,
    one: (&Path, FileKind),
    other: (&Path, FileKind),
) -> ConnectorError {
    let folder = location.text.split(['*', '?', '[', '{']).next().unwrap_or_default();
    let folder = match folder.rfind('/') {
        _ if !location.is_glob() => folder.trim_end_matches('/'),
        Some(end) => folder.get(..end).unwrap_or_default(),
        None => ".",
    };
    ConnectorError::MixedFormats(Box::new(MixedFormats {
        path: location.text.clone(),
        first: location.show(one.0),
        first_kind: one.1.to_string(),
        second: location.show(other.0),
        second_kind: other.1.to_string(),
        glob: format!("{folder}/**/*.{}", one.1.extension()),
    }))
}
