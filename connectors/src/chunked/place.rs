//! Where arrays lie: a folder or a file of an object store, or a ZIP archive in one. Everything read
//! passes here, and is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt,
};
use strata_engine::ArrayError;
use tokio::sync::OnceCell;
use url::Url;

use super::zip::Entry;
use strata_engine::buffers;

/// Objects larger than this are not read whole.
pub(crate) const LARGEST_OBJECT: u64 = 4 << 30;

/// Why something at a place cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("{0}")]
    Store(#[from] object_store::Error),
    #[error("{0}")]
    Key(#[from] object_store::path::Error),
    #[error("it takes {size} bytes, and no more than {cap} are read at a time")]
    TooLarge { size: u64, cap: u64 },
    #[error(
        "{got} bytes were read where {expected} are expected: it is truncated, or was changed meanwhile"
    )]
    Short { expected: u64, got: u64 },
    #[error("the archive cannot be read: {0}")]
    Zip(String),
}

/// What part of an object is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// These bytes. Where the object ends before, fewer.
    Range(Range<u64>),
    /// So many bytes at its end. Where it is shorter, all of it.
    Last(u64),
}

/// What was read of an object.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    /// How large the object is.
    pub(crate) size: u64,
    /// What tells its content from another.
    pub(crate) version: String,
}

/// A place in a store, from which arrays and groups are opened.
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) root: Arc<Root>,
    /// Below the root: empty, or as in `a/b`.
    path: String,
}

#[derive(Debug)]
pub(crate) struct Root {
    url: Url,
    store: Arc<dyn ObjectStore>,
    /// The folder, or the archive.
    pub(crate) prefix: Path,
    archive: Option<OnceCell<BTreeMap<String, Entry>>>,
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Place {
    /// The place that a URL names, in the store that holds it. A part of the path that ends in `.zip` or
    /// `.npz` is an archive, and what follows it lies inside. Nothing is read yet.
    pub fn new(url: &Url, store: Arc<dyn ObjectStore>) -> Result<Self, ArrayError> {
        let unfit = |error: object_store::path::Error| ArrayError::Source {
            array: url.to_string(),
            reason: error.to_string(),
        };
        let whole = Path::from_url_path(url.path()).map_err(unfit)?;
        let (mut prefix, mut inside, mut archive) = (Path::default(), Vec::new(), false);
        for part in whole.parts() {
            if archive {
                inside.push(part.as_ref().to_string());
            } else {
                let name = part.as_ref().to_ascii_lowercase();
                archive = name.ends_with(".zip") || name.ends_with(".npz");
                prefix = prefix.join(part);
            }
        }
        // Joining encodes what is encoded already.
        let prefix = if archive { prefix } else { whole };
        let root = Root {
            url: url.clone(),
            store,
            prefix,
            archive: archive.then(OnceCell::new),
            reads: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        Ok(Self { root: Arc::new(root), path: inside.join("/") })
    }

    /// The same, with what lies below the URL, as [`Place::path`] has it.
    pub(crate) fn within(
        url: &Url,
        store: Arc<dyn ObjectStore>,
        path: &str,
    ) -> Result<Self, ArrayError> {
        Ok(Self { path: path.to_string(), ..Self::new(url, store)? })
    }

    /// The same place, in another store that has it.
    pub(crate) fn through(&self, store: Arc<dyn ObjectStore>) -> Self {
        let root = Root {
            url: self.root.url.clone(),
            store,
            prefix: self.root.prefix.clone(),
            archive: self.root.archive.as_ref().map(|_| OnceCell::new()),
            reads: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        Self { root: Arc::new(root), path: self.path.clone() }
    }

    /// A place below this one.
    pub fn child(&self, path: &str) -> Self {
        let path = path.trim_matches('/');
        let path = match (self.path.as_str(), path) {
            (all, "") => all.to_string(),
            ("", below) => below.to_string(),
            (all, below) => format!("{all}/{below}"),
        };
        Self { root: Arc::clone(&self.root), path }
    }

    /// The URL that it was opened by, without what lies below it.
    pub fn url(&self) -> &Url {
        &self.root.url
    }

    /// How many reads there were, of it and all places of the same opening.
    pub fn reads(&self) -> u64 {
        self.root.reads.load(Ordering::Relaxed)
    }

    /// How many bytes were read.
    pub fn bytes_read(&self) -> u64 {
        self.root.bytes.load(Ordering::Relaxed)
    }

    /// What messages call it, as in `cube.zarr/temp`.
    pub fn title(&self) -> String {
        let parts = self.root.url.path_segments();
        let name =
            parts.and_then(|parts| parts.rev().find(|part| !part.is_empty()).map(str::to_string));
        let name = name.unwrap_or_else(|| self.root.url.to_string());
        let inside = if self.root.archive.is_some() { "" } else { self.path.as_str() };
        let archived = self.root.prefix.filename().unwrap_or(&name);
        match (self.root.archive.is_some(), inside) {
            (true, _) if self.path.is_empty() => archived.to_string(),
            (true, _) => format!("{archived}/{}", self.path),
            (false, "") => name,
            (false, inside) => format!("{name}/{inside}"),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.root.store
    }

    pub(crate) fn is_archive(&self) -> bool {
        self.root.archive.is_some()
    }

    /// Where an object lies in the store.
    pub(crate) fn at(&self, key: &str) -> Result<Path, object_store::path::Error> {
        let parts = [self.root.prefix.as_ref(), &self.path, key];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Path::parse(parts.join("/"))
    }

    /// All of an object, or none where there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Found>, PlaceError> {
        self.read(key, Part::All, LARGEST_OBJECT).await
    }

    /// Some of an object, not more than `cap` bytes.
    pub(crate) async fn read(
        &self,
        key: &str,
        part: Part,
        cap: u64,
    ) -> Result<Option<Found>, PlaceError> {
        let Some(entries) = self.entries().await? else {
            return self.fetch(&self.at(key)?, part, cap).await;
        };
        let name = self.child(key).path;
        let Some(entry) = entries.get(&name) else { return Ok(None) };
        let bytes = self.unpack(&name, *entry, part, cap).await?;
        Ok(Some(Found { bytes, size: entry.size, version: entry.version() }))
    }

    /// What tells the content of an object from another, without reading it; none where there is no such object.
    pub(crate) async fn version(&self, key: &str) -> Result<Option<String>, PlaceError> {
        if let Some(entries) = self.entries().await? {
            return Ok(entries.get(&self.child(key).path).map(Entry::version));
        }
        match self.root.store.head(&self.at(key)?).await {
            Ok(meta) => Ok(Some(version_of(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) if is_folder(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Some of an object of the store.
    pub(crate) async fn fetch(
        &self,
        at: &Path,
        part: Part,
        cap: u64,
    ) -> Result<Option<Found>, PlaceError> {
        let range = match part {
            Part::All => None,
            Part::Range(range) if range.is_empty() => {
                return Err(PlaceError::Short { expected: 1, got: 0 });
            }
            Part::Range(range) => Some(GetRange::Bounded(range)),
            Part::Last(length) => Some(GetRange::Suffix(length)),
        };
        self.root.reads.fetch_add(1, Ordering::Relaxed);
        let options = GetOptions { range, ..GetOptions::default() };
        let got = match self.root.store.get_opts(at, options).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) if is_folder(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let expected = got.range.end.saturating_sub(got.range.start);
        if expected > cap {
            return Err(PlaceError::TooLarge { size: expected, cap });
        }
        let (size, version) = (got.meta.size, version_of(&got.meta));
        let bytes = collect(got).await?;
        self.root.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if bytes.len() as u64 != expected {
            return Err(PlaceError::Short { expected, got: bytes.len() as u64 });
        }
        Ok(Some(Found { bytes, size, version }))
    }

    /// The entries of an archive, by their names; none where it is none.
    pub(crate) async fn entries(&self) -> Result<Option<&BTreeMap<String, Entry>>, PlaceError> {
        match &self.root.archive {
            Some(archive) => archive.get_or_try_init(|| self.directory()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The names of the folders at this place.
    pub(crate) async fn folders(&self) -> Result<BTreeSet<String>, PlaceError> {
        if let Some(entries) = self.entries().await? {
            let below =
                if self.path.is_empty() { String::new() } else { format!("{}/", self.path) };
            let inside =
                entries.range(below.clone()..).map_while(|(name, _)| name.strip_prefix(&below));
            return Ok(inside
                .filter_map(|name| Some(name.split_once('/')?.0.to_string()))
                .collect());
        }
        self.root.reads.fetch_add(1, Ordering::Relaxed);
        let listed = self.root.store.list_with_delimiter(Some(&self.at("")?)).await?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        Ok(names.map(str::to_string).collect())
    }

    /// All keys below this place.
    pub(crate) async fn keys(&self) -> Result<Vec<Path>, PlaceError> {
        let listed = self.root.store.list(Some(&self.at("")?));
        Ok(listed.map_ok(|object| object.location).try_collect().await?)
    }
}

/// What tells the content of an object from another.
fn version_of(meta: &ObjectMeta) -> String {
    match &meta.e_tag {
        Some(tag) => tag.clone(),
        None => format!("{}-{}", meta.last_modified.timestamp_micros(), meta.size),
    }
}

/// Whether what was asked for is a folder: a group may have the name of another's key.
fn is_folder(error: &object_store::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(ErrorKind::IsADirectory | ErrorKind::NotADirectory)) {
            return true;
        }
        source = error.source();
    }
    false
}

/// What was asked for. Files are read into a buffer that is used again.
async fn collect(got: GetResult) -> Result<Bytes, object_store::Error> {
    let range = got.range.clone();
    match got.payload {
        GetResultPayload::File(file, path) => {
            let read = move || read_file(&file, range).map_err(|source| (source, path));
            let read = tokio::task::spawn_blocking(read).await?;
            read.map_err(|(source, path)| object_store::Error::Generic {
                store: "file",
                source: format!("{}: {source}", path.display()).into(),
            })
        }
        GetResultPayload::Stream(_) => got.bytes().await,
    }
}

/// These bytes of a file, fewer where it ends before.
fn read_file(file: &std::fs::File, range: Range<u64>) -> std::io::Result<Bytes> {
    use std::io::{Seek, SeekFrom};

    let mut file = file;
    file.seek(SeekFrom::Start(range.start))?;
    let length = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
    let mut buffer = buffers::take(length);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffers::share(buffer))
}
