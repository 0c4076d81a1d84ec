//! Z: reading alone: every chunk of the cube is decoded and let go of. Beside it, a loop by hand on as many
//! threads, which reads files and decodes them into buffers that are used again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures::TryStreamExt;
use strata_engine::Slice;

use super::Result;
use super::case::{AtMost, Case, Work, all_timed};
use super::cube::CUBE;

pub(super) const CASE: Case = Case {
    name: "Z",
    what: "the Zarr cube read, chunk by chunk",
    file: "reading",
    peers: &["loop", "dask"],
    at_most: AtMost { time: Some(1.2), ..AtMost::NOTHING },
    store: Some(CUBE),
    ours: |work| all_timed(work, once),
    by_hand: Some(|work| all_timed(work, loop_once)),
    ..Case::PLAIN
};

async fn once(work: Work) -> Result<f64> {
    let mut chunks = work.open().await?.chunks(&work.session).await?;
    let mut sum = 0.0;
    while let Some((_, values)) = chunks.try_next().await? {
        if let Slice::F32([first, ..]) = values.values() {
            sum += f64::from(*first);
        }
    }
    Ok(sum)
}

async fn loop_once(work: Work) -> Result<f64> {
    let files = files(&work.store.join("c"))?;
    let cells = work.scale.chunk().iter().product::<u64>() as usize;
    tokio::task::spawn_blocking(move || by_hand(files, cells * 4, work.threads)).await?
}

/// The files of all chunks.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

fn by_hand(files: Vec<PathBuf>, bytes: usize, threads: usize) -> Result<f64> {
    let left = Mutex::new(files);
    let one = || {
        let mut decoder = zstd::bulk::Decompressor::new()?;
        let (mut packed, mut values) = (Vec::new(), vec![0; bytes]);
        let mut sum = 0.0;
        loop {
            let next = left.lock().map_err(|_| "a thread ended before its time")?.pop();
            let Some(file) = next else { return Ok::<f64, super::Problem>(sum) };
            packed.clear();
            File::open(file)?.read_to_end(&mut packed)?;
            decoder.decompress_to_buffer(&packed, &mut values[..])?;
            if let Some(first) = values.first_chunk() {
                sum += f64::from(f32::from_le_bytes(*first));
            }
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let sums = all.into_iter().map(|one| one.join().map_err(|_| "a thread panicked")?);
        sums.sum()
    })
}
