//! The cube that most cases read: temperatures over time, latitude and longitude, of hundredths of a degree, as a Zarr
//! v3 array packed by Zstandard.

use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use futures::{FutureExt, TryStreamExt};
use strata_connectors::zarr::{ArraySpec, Compression, Existing, StoreWriter};
use strata_engine::{Array, Binary, Distribution, Grid, Index, Kind, Scalar, Unary};

use super::Result;
use super::case::Scale;
use super::store::Store;

pub(super) const CUBE: Store =
    Store { name: "cube", make: |session, path, scale| make(session, path, scale).boxed() };

impl Scale {
    pub(super) fn shape(self) -> [u64; 3] {
        self.of([1460, 361, 720], [146, 91, 180], [4, 20, 20])
    }

    pub(super) fn chunk(self) -> [u64; 3] {
        self.of([73, 361, 720], [10, 91, 180], [2, 20, 20])
    }
}

async fn make(session: SessionContext, path: PathBuf, scale: Scale) -> Result<()> {
    let (shape, chunk) = (scale.shape(), scale.chunk());
    let number = Scalar::Float;
    let noise = Distribution::Normal { mean: 0.0, std: 1.0 };
    let noise = Array::random(noise, 1, Kind::F32, Grid::even(&shape, &chunk))?;
    let lat = Array::linspace(-1.5, 1.5, shape[1])?.unary(Unary::Cos)?;
    let warmth = lat.binary_with(Binary::Mul, number(30.0), false)?.cast(Kind::F32.into())?;
    let warmth = warmth.index(&[Index::New, Index::ALL, Index::New])?;
    let kelvin =
        noise.binary(Binary::Add, &warmth)?.binary_with(Binary::Add, number(270.0), false)?;
    let hundredths = kelvin.binary_with(Binary::Mul, number(100.0), false)?.unary(Unary::Round)?;
    let values = hundredths.binary_with(Binary::Div, number(100.0), false)?;

    let url = url(&path)?;
    let store = session.runtime_env().object_store_registry.get_store(&url)?;
    let mut writer = StoreWriter::create(&url, store, Existing::Refuse, Default::default()).await?;
    let mut spec = ArraySpec::new(values.dtype(), shape.to_vec(), chunk.to_vec());
    spec.dims = ["time", "lat", "lon"].map(|name| Some(name.to_string())).to_vec();
    spec.compression = Compression::Zstd(3);
    let array = writer.array("", &spec).await?;
    let mut chunks = values.chunks(&session).await?;
    while let Some((region, values)) = chunks.try_next().await? {
        let place: Vec<u64> = region.iter().zip(chunk).map(|(at, by)| at.start / by).collect();
        array.write_chunk(&place, &values).await?;
    }
    writer.finish().await?;
    Ok(())
}

fn url(path: &Path) -> Result<url::Url> {
    let path = std::path::absolute(path)?;
    Ok(url::Url::from_directory_path(&path)
        .map_err(|()| format!("{} is no path", path.display()))?)
}
