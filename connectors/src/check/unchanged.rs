//! Whether the files a plan has read are still those it was planned for.

use std::sync::Arc;
use std::time::SystemTime;

use datafusion::catalog::Session;
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use url::Url;

use super::scans::{files, scans};
use crate::error::{ConnectorError, Result};
use crate::files::location::show;

/// How many files are asked about at a time.
const AT_ONCE: usize = 32;

/// Fails for the first file that was replaced after the plan was made.
///
/// One that is gone was read: what cannot be opened fails by itself. One that cannot be asked about
/// now is not held against an answer that is there.
pub(crate) async fn unchanged(session: &dyn Session, plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    for scan in scans(plan) {
        let Ok(store) = session.runtime_env().object_store(&scan.object_store_url) else {
            continue;
        };
        all_as_planned(&store, scan.object_store_url.as_ref(), files(scan)).await?;
    }
    Ok(())
}

/// Fails for the first of these files that is not what its listing told.
pub(super) async fn all_as_planned(
    store: &Arc<dyn ObjectStore>,
    root: &Url,
    files: Vec<ObjectMeta>,
) -> Result<()> {
    futures::stream::iter(files)
        .map(|planned| async move {
            match store.head(&planned.location).await {
                Ok(now) if replaced(root, &planned, &now) => {
                    Err(ConnectorError::Changed { path: show(root, &planned.location) })
                }
                _ => Ok(()),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

fn replaced(root: &Url, planned: &ObjectMeta, now: &ObjectMeta) -> bool {
    // Listings and answers differ in quotes.
    let tag = |meta: &ObjectMeta| meta.e_tag.as_ref().map(|tag| tag.trim_matches('"').to_string());
    let differs = match (tag(planned), tag(now)) {
        (Some(planned), Some(now)) => planned != now,
        _ => planned.size != now.size,
    };
    differs && !grown(root, planned, now)
}

/// A local file that has grown in its place, as a log does, begins with what was read. It is older
/// than its planned writing: inodes do not tell, they are used again.
fn grown(root: &Url, planned: &ObjectMeta, now: &ObjectMeta) -> bool {
    let born = || std::fs::metadata(show(root, &planned.location)).ok()?.created().ok();
    root.scheme() == "file"
        && now.size > planned.size
        && born().is_some_and(|born| born <= SystemTime::from(planned.last_modified))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use object_store::local::LocalFileSystem;

    use super::*;

    #[tokio::test]
    async fn a_log_may_grow_and_nothing_else_may_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a log.csv");
        let location = object_store::path::Path::from_absolute_path(&path).unwrap();
        let store = LocalFileSystem::new();
        let root = Url::parse("file:///").unwrap();
        std::fs::write(&path, "a\n1\n").unwrap();
        let planned = store.head(&location).await.unwrap();
        assert!(!replaced(&root, &planned, &store.head(&location).await.unwrap()));

        let mut log = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        log.write_all(b"2\n").unwrap();
        let now = store.head(&location).await.unwrap();
        let births = std::fs::metadata(&path).unwrap().created().is_ok();
        assert_eq!(replaced(&root, &planned, &now), !births);

        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a\n1\n2\n3\n").unwrap();
        assert!(replaced(&root, &now, &store.head(&location).await.unwrap()));
        log.set_len(0).unwrap();
    }

    #[test]
    fn a_store_tells_by_its_tags_or_by_the_size() {
        let root = Url::parse("s3://bucket/").unwrap();
        let meta = |size: u64, tag: Option<&str>| ObjectMeta {
            location: "x.csv".into(),
            last_modified: Default::default(),
            size,
            e_tag: tag.map(str::to_string),
            version: None,
        };
        for (planned, now, changed) in [
            (meta(10, Some("a")), meta(10, Some("\"a\"")), false),
            (meta(10, Some("a")), meta(10, Some("b")), true),
            (meta(10, Some("a")), meta(20, Some("b")), true),
            (meta(10, None), meta(10, None), false),
            (meta(10, None), meta(11, None), true),
        ] {
            assert_eq!(replaced(&root, &planned, &now), changed, "{planned:?} {now:?}");
        }
    }
}
