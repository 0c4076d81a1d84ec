//! The places that may be used: folders, files and URLs. What is asked for is looked at where it ends: a path
//! whose `..`, percents and globs are gone, and on this machine's disk the file that is really meant, behind all
//! links.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path as OsPath, PathBuf};
use std::sync::Arc;

use object_store::path::Path;
use url::Url;

use super::staged::local_path;
use crate::error::{ConnectorError, Result};
use crate::files::location::{Location, percent_decode, show};

/// How often a name may be encoded before nobody can say what is meant.
const ENCODED: usize = 8;

/// The places of all stores that somebody may use, and whether to write there.
///
/// ```
/// use strata_connectors::Locations;
///
/// let places = Locations::parse(["/srv/data/", "s3://lake/public"])?;
/// assert!(places.allow("/srv/data/2024/*.csv") && places.allow("s3://lake/public/a.parquet"));
/// assert!(!places.allow("/srv/data/../keys") && !places.allow("s3://lake/private"));
/// # Ok::<_, strata_connectors::ConnectorError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Locations {
    /// Everywhere, where there is nothing.
    places: Option<Arc<Vec<Location>>>,
    writes: bool,
    /// Who says so, for messages.
    says: &'static str,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A place that may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{path}' {reason}")]
pub struct NotAllowed {
    /// What was asked for.
    pub path: String,
    /// Why it is refused, and who can change that.
    pub reason: String,
}

impl Locations {
    /// Everywhere.
    pub fn everywhere() -> Self {
        Self { places: None, writes: true, says: "" }
    }

    /// These folders, files and URLs, with all that lies below them; `*` is everywhere.
    pub fn parse<'a>(places: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let says = "is outside of the locations that are allowed to this user: whoever runs the server can add it";
        let places: Vec<&str> = places.into_iter().collect();
        if places.contains(&"*") {
            return Ok(Self { says, ..Self::everywhere() });
        }
        let parse = |place: &str| {
            let location = Location::parse(place)?;
            match location.is_glob() {
                false => Ok(location),
                true => Err(ConnectorError::Url {
                    url: place.to_string(),
                    reason: "a location that is allowed has no globs: name the folder above, or * for all"
                        .to_string(),
                }),
            }
        };
        let places = places.into_iter().map(parse).collect::<Result<_>>()?;
        Ok(Self { places: Some(Arc::new(places)), writes: true, says })
    }

    /// What a process may use by its settings: everything, where nothing is said.
    pub(super) fn of_process(list: &str) -> Result<Option<Self>> {
        let places = list.split(',').map(str::trim).filter(|place| !place.is_empty());
        let places: Vec<Location> = places.map(Location::parse).collect::<Result<_>>()?;
        let says =
            "is outside of what this process may use; its setting files.allow says what that is";
        Ok((!places.is_empty()).then(|| Self {
            places: Some(Arc::new(places)),
            writes: true,
            says,
        }))
    }

    /// The same places, to be read only.
    pub fn read_only(self) -> Self {
        Self { writes: false, ..self }
    }

    /// Whether a path, a glob or a URL may be read. What cannot be understood may not.
    pub fn allow(&self, place: &str) -> bool {
        let read = |location: Location| self.check(&location.root, &location.base, Access::Read);
        Location::parse(place).is_ok_and(|location| read(location).is_ok())
    }

    /// Whether what a URL names may be read.
    pub fn allow_at(&self, url: &Url) -> bool {
        let path = Path::from_url_path(url.path());
        path.is_ok_and(|path| self.check(url, &path, Access::Read).is_ok())
    }

    /// Whether nothing is kept from whoever has these.
    pub(super) fn are_everything(&self) -> bool {
        self.places.is_none() && self.writes
    }

    /// Refuses a path of a store that is not within. It may take a moment: the disk is asked for links.
    pub(crate) fn check(&self, root: &Url, path: &Path, access: Access) -> Result<(), NotAllowed> {
        let refuse =
            |reason: &str| Err(NotAllowed { path: show(root, path), reason: reason.to_string() });
        if access == Access::Write && !self.writes {
            return refuse("may be read only by this user");
        }
        let Some(places) = &self.places else { return Ok(()) };
        if is_web(root) && !path.parts().all(|part| is_plain(part.as_ref())) {
            return refuse("has names that are encoded more than once");
        }
        let mut here = places.iter().filter(|place| is_of(place, root));
        match here.any(|place| holds(place, path)) {
            true => Ok(()),
            false => refuse(self.says),
        }
    }

    /// The folders of a store that may be listed where one is to be: itself, or those within it.
    pub(super) fn within(&self, root: &Url, folder: &Path) -> Vec<Path> {
        let Some(places) = &self.places else { return vec![folder.clone()] };
        if self.check(root, folder, Access::Read).is_ok() {
            return vec![folder.clone()];
        }
        let below = |place: &&Location| is_of(place, root) && place.base.prefix_matches(folder);
        let mut found: Vec<Path> =
            places.iter().filter(below).map(|place| place.base.clone()).collect();
        found.sort();
        found.dedup_by(|next, first| next.prefix_matches(first));
        found
    }
}

impl fmt::Display for Locations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(places) = &self.places else { return f.write_str("*") };
        let places: Vec<&str> = places.iter().map(|place| place.text.as_str()).collect();
        f.write_str(&places.join(", "))
    }
}

fn is_web(root: &Url) -> bool {
    matches!(root.scheme(), "http" | "https")
}

/// Whether a place is in the store with this root.
fn is_of(place: &Location, root: &Url) -> bool {
    (place.root.scheme(), place.root.authority()) == (root.scheme(), root.authority())
}

/// Whether a path is a place, or below it. A link within a folder that leads out of it is outside.
fn holds(place: &Location, path: &Path) -> bool {
    if !place.is_local() {
        return path.prefix_matches(&place.base);
    }
    let Ok(folder) = local_path(&place.base) else { return false };
    let Ok(asked) = local_path(path) else { return false };
    // What lies elsewhere is not even looked for.
    let folder_itself = real(&folder);
    let named = asked.starts_with(&folder)
        || folder_itself.as_ref().is_some_and(|folder| asked.starts_with(folder));
    let (true, Some(folder)) = (named, folder_itself) else { return false };
    real(&asked).is_some_and(|file| file.starts_with(folder))
}

/// The file that is meant, behind all links. What is not there yet would be in the nearest folder that is; none,
/// where that cannot be told.
fn real(path: &OsPath) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut at = path;
    loop {
        match std::fs::canonicalize(at) {
            Ok(found) => {
                return Some(missing.iter().rev().fold(found, |path, name| path.join(name)));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                // A link to what does not exist: who writes there would make it.
                if at.symlink_metadata().is_ok() {
                    return None;
                }
                missing.push(at.file_name()?);
                at = at.parent()?;
            }
            Err(_) => return None,
        }
    }
}

/// Whether a name is one, however often a server decodes it.
fn is_plain(name: &str) -> bool {
    let mut name = name.to_string();
    for _ in 0..ENCODED {
        if matches!(name.as_str(), "." | "..") || name.contains(['/', '\\', '\0']) {
            return false;
        }
        let decoded = percent_decode(&name);
        if decoded == name {
            return true;
        }
        name = decoded;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_writing_a_path_leads_out() {
        let all = tempfile::tempdir().unwrap();
        let path = |name: &str| all.path().join(name).display().to_string();
        for folder in ["in/deep", "in/a b", "out", "inn"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in [
            "in/a.csv",
            "in/deep/b.csv",
            "in/a b/c.csv",
            "in/100%.csv",
            "out/secret.csv",
            "inn/d.csv",
        ] {
            std::fs::write(path(file), "a\n1\n").unwrap();
        }
        let link =
            |target: &str, name: &str| std::os::unix::fs::symlink(target, path(name)).unwrap();
        link(&path("out"), "in/away");
        link(&path("out/secret.csv"), "in/file.csv");
        link("../out", "in/deep/up");
        link(&path("out/new"), "in/later");
        link(&path("in/circle"), "in/circle");
        link(&path("in/deep"), "in/inside");
        link(&path("in"), "around");
        let (inside, up) = (path("in"), all.path().display().to_string());
        let allowed = Locations::parse([inside.as_str()]).unwrap();
        for place in [
            format!("{inside}/a.csv"),
            format!("{inside}/"),
            inside.clone(),
            format!("{inside}/*.csv"),
            format!("{inside}/{{a,b}}.csv"),
            format!("{inside}/deep/../a.csv"),
            format!("{inside}/./deep//b.csv"),
            format!("file://{inside}/a%20b/c.csv"),
            format!("FILE://{inside}/a.csv"),
            format!("file://localhost{inside}/a.csv"),
            format!("{inside}/100%.csv"),
            format!("{inside}/not/there/yet.csv"),
            format!("{inside}/inside/b.csv"),
        ] {
            assert!(allowed.allow(&place), "{place}");
        }
        for place in [
            "/etc/passwd".to_string(),
            "file:///etc/passwd".to_string(),
            "FILE:///etc/passwd".to_string(),
            "File://localhost/etc/passwd".to_string(),
            "file://other/etc/passwd".to_string(),
            "/".to_string(),
            "~".to_string(),
            "~/x".to_string(),
            "x.csv".to_string(),
            "../x".to_string(),
            "/**/*.csv".to_string(),
            "/{etc,tmp}/passwd".to_string(),
            up.clone(),
            format!("{up}/*/secret.csv"),
            format!("{up}/i*/a.csv"),
            format!("{up}/{{in,out}}/secret.csv"),
            format!("{up}/inn/d.csv"),
            format!("{up}/in.csv"),
            format!("{inside}/../out/secret.csv"),
            format!("{inside}/deep/../../out/secret.csv"),
            format!("{inside}/../*/secret.csv"),
            format!("file://{inside}/%2e%2e/out/secret.csv"),
            format!("file://{inside}/%2E%2E%2Fout/secret.csv"),
            format!("file://{inside}/deep/%2e%2e/..%2f/out/secret.csv"),
            format!("{inside}/away/secret.csv"),
            format!("{inside}/away"),
            format!("{inside}/away/*.csv"),
            format!("{inside}/file.csv"),
            format!("{inside}/deep/up/secret.csv"),
            format!("{inside}/later"),
            format!("{inside}/later/x.csv"),
            format!("{inside}/circle"),
            format!("http://{inside}/a.csv"),
            format!("s3://{inside}/a.csv"),
            "s3://bucket/x".to_string(),
            "https://host/x.csv".to_string(),
            "strata-write-00/x.csv".to_string(),
            String::new(),
        ] {
            assert!(!allowed.allow(&place), "{place}");
        }
        // By another name of the folder that is allowed, which is a link itself.
        let around = path("around");
        let by_link = Locations::parse([around.as_str()]).unwrap();
        assert!(by_link.allow(&format!("{around}/a.csv")));
        assert!(by_link.allow(&format!("{inside}/a.csv")));
        assert!(!by_link.allow(&format!("{around}/away/secret.csv")));
        assert!(!by_link.allow(&format!("{up}/out/secret.csv")));
        // One file.
        let one = Locations::parse([format!("{inside}/a.csv").as_str()]).unwrap();
        assert!(one.allow(&format!("{inside}/a.csv")) && !one.allow(&format!("{inside}/100%.csv")));
    }

    #[test]
    fn buckets_and_hosts_are_themselves_only() {
        let allowed =
            Locations::parse(["s3://lake/public/", "https://host/data", "az://box@me/x"]).unwrap();
        for place in [
            "s3://lake/public",
            "S3://lake/public/a/*.parquet",
            "https://host/data/x.csv",
            "HTTPS://HOST/data/x.csv",
            "https://host:443/data/a%20b.csv",
            "az://box@me/x/y",
        ] {
            assert!(allowed.allow(place), "{place}");
        }
        for place in [
            "s3://lake/publicity/a",
            "s3://lake/",
            "s3://lake/public/../private",
            "s3://Lake/public/a",
            "s3a://lake/public/a",
            "s3://lake:9000/public/a",
            "s3://me@lake/public/a",
            "s3://lake/*/a",
            "s3://other/public/a",
            "http://host/data/x.csv",
            "https://host/data/../x.csv",
            "https://host/data/%2e%2e/x.csv",
            "https://host/data/%252e%252e/x.csv",
            "https://host/data/%25252e%25252e%25252fx.csv",
            "https://host/data/..%5Cx.csv",
            "https://host/database/x.csv",
            "https://host.evil/data/x.csv",
            "https://host@evil/data/x.csv",
            "https://host:8443/data/x.csv",
            "https://me@host/data/x.csv",
            "az://box@you/x/y",
            "/public/a",
        ] {
            assert!(!allowed.allow(place), "{place}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_a_star_is_all() {
        let nothing = Locations::parse([]).unwrap();
        assert!(!nothing.allow("/") && !nothing.allow("s3://b/x") && !nothing.allow("x.csv"));
        let all = Locations::parse(["*"]).unwrap();
        assert!(all.allow("/etc/passwd") && all.are_everything());
        assert!(!all.clone().read_only().are_everything());
        let (root, path) = (Url::parse("s3://b/").unwrap(), Path::from("x"));
        assert!(all.check(&root, &path, Access::Write).is_ok());
        let refused = all.read_only().check(&root, &path, Access::Write).unwrap_err();
        assert!(refused.to_string().contains("read only"), "{refused}");
        assert!(Locations::parse(["/data/*.csv"]).is_err());
    }
}
