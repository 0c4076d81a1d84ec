//! Genotypes in stores: people by variants, 0, 1 or 2 of a byte each. Every other person is of a second population, in
//! which variants are not as frequent.

use futures::FutureExt;
use strata_engine::{Array, Binary, Distribution, Grid, Kind, Scalar};

use super::Result;
use super::case::Scale;
use super::store::{Store, write};

/// 1.2 GB, about a fifth of it packed.
pub(super) const COHORT: Store = Store {
    name: "cohort",
    make: |session, path, scale| {
        async move { write(session, path, genotypes(scale, 60_000)?).await }.boxed()
    },
};

/// 25 GB.
pub(super) const FULL_COHORT: Store = Store {
    name: "cohort-whole",
    make: |session, path, scale| {
        async move { write(session, path, genotypes(scale, 1_250_000)?).await }.boxed()
    },
};

fn genotypes(scale: Scale, people: u64) -> Result<Array> {
    let shape = [scale.of(people, 6_000, 400), scale.of(20_000, 2_000, 100)];
    let grid = Grid::even(&shape, &[scale.of(1_000, 500, 100), shape[1]]);
    let frequencies = Distribution::Uniform { low: 0.05, high: 0.5 };
    let frequent =
        |seed: u64| Array::random(frequencies, seed, Kind::F32, Grid::whole(&[1, shape[1]]));
    let (first, second) = (frequent(1)?, frequent(2)?);
    let from_a_parent = |seed: u64, often: &Array| {
        let chance = Distribution::Uniform { low: 0.0, high: 1.0 };
        let chance = Array::random(chance, seed, Kind::F32, grid.clone())?;
        chance.binary(Binary::Lt, often)?.cast(Kind::U8.into())
    };
    let made = Array::from_function(grid.clone(), |places| {
        let odd = places[0].binary_with(Binary::Rem, Scalar::Signed(2), false)?;
        let often = odd.select(&second, &first)?;
        from_a_parent(3, &often)?.binary(Binary::Add, &from_a_parent(4, &often)?)
    })?;
    Ok(made)
}
