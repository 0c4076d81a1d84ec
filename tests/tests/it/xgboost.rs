//! The page on XGBoost does what it says: its statements are run here, and its Python by Python.

use std::process::Command;

use strata::RunText;
use strata_tests::oracle::Grain;
use strata_tests::python::python_with;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_trains_models() {
    let Some(python) = python_with("xgboost") else { return };
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/how-to/xgboost.md");
    let page = std::fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    for block in blocks(&page, "```sql\n") {
        for statement in block.split(';').filter(|statement| !statement.trim().is_empty()) {
            // Files of the page lie in a folder of the test's.
            let here = format!("'{}/", folder.path().display());
            let mut own = statement.to_string();
            for file in ["train.arrow", "test.parquet", "features.arrow"] {
                own = own.replace(&format!("'{file}"), &format!("{here}{file}"));
            }
            let run = session.run(&own).await.unwrap_or_else(|e| panic!("{own}: {e}"));
            run.collect().await.unwrap_or_else(|e| panic!("{own}: {e}"));
        }
    }
    let script: String = blocks(&page, "```python\n").collect();
    let output = Command::new(python.program())
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.starts_with("36000 rides, off by 0."), "{told}");
}

/// The blocks of a page that begin like this.
fn blocks<'a>(page: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default())
}
