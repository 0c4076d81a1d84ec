//! What a person wrote as a path or a URL, understood: which store, which folder or file in it, and
//! which glob over that.

use std::path::{Component, Path as OsPath, PathBuf};

use datafusion::datasource::listing::ListingTableUrl;
use object_store::path::Path;
use url::Url;

use super::pattern::{self, Pattern};
use crate::error::{ConnectorError, Result};

/// A place in a store.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// As it was written.
    pub(crate) text: String,
    /// `scheme://authority/`.
    pub(crate) root: Url,
    /// The file or folder; with patterns, the folder above them.
    pub(crate) base: Path,
    /// The globs below `base`; none for a plain file or folder.
    pub(crate) patterns: Vec<Pattern>,
    /// It ends in a `/`: a folder, whether it exists or not.
    pub(crate) folder: bool,
}

impl Location {
    /// Understands a path or URL. Nothing is looked up but whether a local path with glob
    /// characters exists as it stands, and whether it is a folder.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => {
                Self::parse_url(text, &scheme.to_ascii_lowercase(), rest)
            }
            _ => Self::parse_local(text, text),
        }
    }

    fn parse_local(text: &str, path: &str) -> Result<Self> {
        let unusable = |reason: &str| ConnectorError::Url {
            url: text.to_string(),
            reason: reason.to_string(),
        };
        let expanded = expand_home(path);
        let absolute = std::path::absolute(&expanded)
            .map_err(|error| unusable(&format!("not a path: {error}")))?;
        let absolute = without_dots(&absolute);
        let whole = absolute.to_str().ok_or_else(|| unusable("the path is not UTF-8"))?.to_string();
        let exists = absolute.symlink_metadata().is_ok();
        let folder = path.ends_with('/') || absolute.is_dir();
        let root = Url::parse("file:///").map_err(|error| unusable(&error.to_string()))?;
        Self::build(text, root, &whole, folder, pattern::is_glob(path) && !exists)
    }

    fn parse_url(text: &str, scheme: &str, rest: &str) -> Result<Self> {
        let unusable = |reason: String| ConnectorError::Url { url: text.to_string(), reason };
        if scheme == "file" {
            let path = percent_decode(rest.strip_prefix("localhost").unwrap_or(rest));
            return Self::parse_local(text, &path);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() {
            return Err(unusable(format!(
                "it names no bucket or host: write {scheme}://name/path"
            )));
        }
        let web = matches!(scheme, "http" | "https");
        if web && path.contains('?') {
            return Err(unusable(
                "URLs with a query ('?…') are not supported; download the file first".to_string(),
            ));
        }
        let root = Url::parse(&format!("{scheme}://{authority}/"))
            .map_err(|error| unusable(error.to_string()))?;
        // Web servers are asked for encoded paths; in a bucket a `%` is a letter like any other.
        let path = if web { percent_decode(path) } else { path.to_string() };
        let glob = pattern::is_glob(&path);
        if web && glob {
            return Err(unusable(
                "web servers cannot list their files, so globs do not work; name each file"
                    .to_string(),
            ));
        }
        let folder = path.is_empty() || path.ends_with('/');
        Self::build(text, root, &path, folder, glob)
    }

    fn build(text: &str, root: Url, path: &str, folder: bool, glob: bool) -> Result<Self> {
        let unusable = |error: object_store::path::Error| ConnectorError::Url {
            url: text.to_string(),
            reason: format!("not a usable path: {error}"),
        };
        let path = path.trim_matches('/');
        if !glob {
            let base = Path::parse(path).map_err(unusable)?;
            let text = text.to_string();
            return Ok(Self { text, root, base, patterns: Vec::new(), folder });
        }
        let expanded = pattern::expand_braces(path);
        let plain = |path: &str| {
            let segments: Vec<&str> = path.split('/').collect();
            let count = segments.iter().take_while(|segment| !pattern::is_glob(segment)).count();
            // The last segment names files even if it has no wildcard: braces are gone by now.
            let count = count.min(segments.len().saturating_sub(1));
            segments.into_iter().take(count).map(str::to_string).collect::<Vec<_>>()
        };
        let common = expanded
            .iter()
            .map(|path| plain(path))
            .reduce(|left, right| {
                left.into_iter().zip(right).take_while(|(l, r)| l == r).map(|(l, _)| l).collect()
            })
            .unwrap_or_default();
        let patterns = expanded
            .iter()
            .map(|path| {
                let segments: Vec<&str> = path.split('/').skip(common.len()).collect();
                Pattern::new(&segments.join("/"))
            })
            .collect();
        let base = Path::parse(common.join("/")).map_err(unusable)?;
        Ok(Self { text: text.to_string(), root, base, patterns, folder: true })
    }

    pub(crate) fn is_local(&self) -> bool {
        self.root.scheme() == "file"
    }

    pub(crate) fn is_web(&self) -> bool {
        matches!(self.root.scheme(), "http" | "https")
    }

    pub(crate) fn is_glob(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The folder or file on this machine.
    pub(crate) fn local_path(&self) -> Option<PathBuf> {
        self.is_local().then(|| PathBuf::from(format!("/{}", self.base)))
    }

    /// How a file of this store is shown to a person.
    pub(crate) fn show(&self, path: &Path) -> String {
        show(&self.root, path)
    }

    /// The URL of a file, or with `folder` of a folder, in this store.
    pub(crate) fn url(&self, path: &Path, folder: bool) -> Result<Url> {
        url_of(&self.root, path, folder)
    }

    /// As DataFusion names it.
    pub(crate) fn listing_url(&self, path: &Path, folder: bool) -> Result<ListingTableUrl> {
        Ok(ListingTableUrl::try_new(self.url(path, folder)?, None)?)
    }
}

/// The URL of a path under `root`.
pub(crate) fn url_of(root: &Url, path: &Path, folder: bool) -> Result<Url> {
    let mut url = root.clone();
    {
        let mut segments = url.path_segments_mut().map_err(|()| ConnectorError::Url {
            url: root.to_string(),
            reason: "it can have no path".to_string(),
        })?;
        segments.clear().extend(path.parts().map(|part| part.as_ref().to_string()));
        if folder {
            segments.push("");
        }
    }
    Ok(url)
}

/// A local file as seen from the working folder, everything else as its URL.
pub(crate) fn show(root: &Url, path: &Path) -> String {
    if root.scheme() != "file" {
        return format!("{}{path}", root.as_str());
    }
    let absolute = PathBuf::from(format!("/{path}"));
    let here = std::env::current_dir().ok();
    match here.as_deref().and_then(|here| absolute.strip_prefix(here).ok()) {
        Some(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => absolute.display().to_string(),
    }
}

/// Whether a name in table position can only be a path.
pub(crate) fn looks_like_a_path(name: &str) -> bool {
    name.contains(['/', '.', '*']) || OsPath::new(name).exists()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ if path == "~" => std::env::var_os("HOME").map_or_else(|| path.into(), PathBuf::from),
        _ => PathBuf::from(path),
    }
}

/// Takes `.` and `..` out: object stores know neither.
fn without_dots(path: &OsPath) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let decoded = match tail {
            [high, low, ..] if *first == b'%' => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        match decoded {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_their_globs() {
        let location = Location::parse("s3://bucket/a/b*/{x,y}.csv").unwrap();
        assert_eq!(location.root.as_str(), "s3://bucket/");
        assert_eq!(location.base.as_ref(), "a");
        assert_eq!(location.patterns.len(), 2);
        assert_eq!(location.patterns[1].segments(), ["b*", "y.csv"]);
        let location = Location::parse("s3://bucket/{a,b}/x.csv").unwrap();
        assert_eq!(location.base.as_ref(), "");
        let location = Location::parse("s3://bucket/a b%20c.csv").unwrap();
        assert_eq!(location.base.as_ref(), "a b%20c.csv");
        assert_eq!(
            location.url(&location.base, false).unwrap().as_str(),
            "s3://bucket/a%20b%2520c.csv"
        );
    }

    #[test]
    fn local_paths_become_absolute() {
        let here = std::env::current_dir().unwrap();
        let location = Location::parse("./x/../y.csv").unwrap();
        assert_eq!(location.local_path().unwrap(), here.join("y.csv"));
        assert_eq!(location.show(&location.base), "y.csv");
        let location = Location::parse("file:///tmp/a%20b.csv").unwrap();
        assert_eq!(location.base.as_ref(), "tmp/a b.csv");
        let location = Location::parse("~/x.csv").unwrap();
        assert!(!location.base.as_ref().contains('~'));
    }

    #[test]
    fn what_cannot_work_is_said() {
        for (text, part) in [
            ("https://host/*.csv", "cannot list"),
            ("https://host/x.csv?sig=1", "query"),
            ("s3:///x.csv", "no bucket"),
        ] {
            let error = Location::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_name() {
        assert!(looks_like_a_path("x.csv") && looks_like_a_path("a/b") && looks_like_a_path("*"));
        assert!(!looks_like_a_path("orders"));
    }
}
