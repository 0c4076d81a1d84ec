//! S2: a cell of the grid in SQL, at all times and at one: how much is read of the store, beside the chunks that
//! hold it. Beside it, the same written as an array.

use strata_engine::Index;

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;
use super::sql::sum_of_second;

pub(super) const ALL_TIMES: Case = Case {
    name: "S2",
    what: "SQL: one cell of the grid, all times (loop: the array)",
    file: "cell",
    peers: &["loop"],
    at_most: AtMost { read: Some(1.1), ..AtMost::NOTHING },
    store: Some(CUBE),
    holding: Some(|work| {
        let chunks = (0..work.scale.shape()[0]).step_by(work.scale.chunk()[0] as usize);
        chunks.map(|time| bytes(work, time)).sum()
    }),
    ours: |work| all_timed(work, |work| asked(None, work)),
    by_hand: Some(|work| all_timed(work, |work| array(None, work))),
    ..Case::PLAIN
};

pub(super) const ONE_TIME: Case = Case {
    name: "S2t",
    what: "SQL: one cell of the grid at one time (loop: the array)",
    holding: Some(|work| bytes(work, time(work))),
    ours: |work| all_timed(work, |work| asked(Some(time(&work)), work)),
    by_hand: Some(|work| all_timed(work, |work| array(Some(time(&work)), work))),
    ..ALL_TIMES
};

/// Somewhere in the middle.
fn time(work: &Work) -> u64 {
    work.scale.shape()[0] / 2
}

fn place(work: &Work) -> [u64; 2] {
    let [_, lat, lon] = work.scale.shape();
    [lat / 2, lon / 3]
}

/// The bytes of the chunk that holds the cell at a time.
fn bytes(work: &Work, time: u64) -> Result<u64> {
    let [lat, lon] = place(work);
    let mut path = work.store.join("c");
    for (at, by) in [time, lat, lon].into_iter().zip(work.scale.chunk()) {
        path.push((at / by).to_string());
    }
    Ok(std::fs::metadata(path)?.len())
}

async fn asked(time: Option<u64>, work: Work) -> Result<f64> {
    let [lat, lon] = place(&work);
    let time = time.map_or(String::new(), |time| format!(" AND time = {time}"));
    let query = format!(
        "SELECT time, value FROM zarr('{}') WHERE lat = {lat} AND lon = {lon}{time}",
        work.store.display()
    );
    sum_of_second(&work, &query).await
}

async fn array(time: Option<u64>, work: Work) -> Result<f64> {
    let [lat, lon] = place(&work).map(|at| Index::At(at as i64));
    let times = time.map_or(Index::ALL, |time| Index::At(time as i64));
    let cell = work.open().await?.index(&[times, lat, lon])?;
    work.sum(&cell).await
}
