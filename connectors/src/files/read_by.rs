//! Which files a table reads.

use datafusion::catalog::TableProvider;
use datafusion::datasource::listing::ListingTable;
use url::Url;

use super::PickedTable;

/// The files and folders that a table reads, or the folders of its globs; none where it is no table of files.
pub fn read_by(table: &dyn TableProvider) -> Option<Vec<Url>> {
    if let Some(listing) = table.downcast_ref::<ListingTable>() {
        return Some(listing.table_paths().iter().map(|path| path.get_url().clone()).collect());
    }
    let picked = table.downcast_ref::<PickedTable>()?;
    let urls =
        picked.locations.iter().map(|location| location.url(&location.base, location.folder));
    urls.collect::<Result<_, _>>().ok()
}
