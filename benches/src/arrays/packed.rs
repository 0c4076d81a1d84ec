//! W4: genotypes that stay in memory packed, and are unpacked as a product takes them. Dask has a byte for each, or
//! chunks packed by numcodecs' Blosc.

use std::sync::Arc;

use futures::FutureExt;
use strata_connectors::{Codec, persist};
use strata_engine::{Array, Bits};

use super::Result;
use super::case::{AtMost, Case, Timed, Work, timed, total};
use super::cohort::COHORT;
use super::matrices::evenly;

pub(super) const TWO_BITS: Case = Case {
    name: "W4",
    what: "x.T @ (x @ y) of 60,000 × 20,000 genotypes in memory, four to a byte (dask: a byte each)",
    file: "packed",
    peers: &["dask", "numcodecs"],
    at_most: AtMost { held: Some(0.255), ..AtMost::NOTHING },
    store: Some(COHORT),
    repeats: 3,
    ours: |work| {
        async move {
            let genotypes = work.open().await?;
            let length = genotypes.shape().last().copied();
            let packed = kept(&work, &genotypes.pack(Bits::Two)?, Codec::None).await?;
            product(work, packed.unpack(Bits::Two, length)?)
        }
        .boxed()
    },
    ..Case::PLAIN
};

pub(super) const CODEC: Case = Case {
    name: "W4b",
    what: "the same, packed by lz4 whose bits are shuffled",
    ours: |work| {
        async move {
            let genotypes = kept(&work, &work.open().await?, Codec::Lz4).await?;
            product(work, genotypes)
        }
        .boxed()
    },
    ..TWO_BITS
};

/// An array that stays in memory; what it takes there is told.
async fn kept(work: &Work, array: &Array, codec: Codec) -> Result<Array> {
    let pool = Arc::clone(&work.session.runtime_env().memory_pool);
    let before = pool.reserved();
    let kept = persist(&work.session, array, codec).await?;
    let held = pool.reserved().saturating_sub(before) as u64;
    work.held.set(held).map_err(|_| "it was told twice what is kept in memory")?;
    Ok(kept)
}

/// What singular values are made of: twenty directions, as the matrix turns them.
fn product(work: Work, x: Array) -> Result<Timed> {
    let columns = x.shape().last().copied().unwrap_or(0);
    let along = evenly([columns, 20], 0.0)?;
    Ok(timed((work, x, along), |(work, x, along)| async move {
        let turned = x.transposed()?.matmul(&x.matmul(&along)?)?;
        Ok(total(&turned.compute(&work.session).await?))
    }))
}
