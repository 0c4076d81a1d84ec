//! A8: an image in memory as it was before it was blurred: Richardson–Lucy by Fourier transforms, chunk by chunk with
//! what lies around each.

use futures::FutureExt;
use futures::future::BoxFuture;
use strata_engine::{Array, Block, Boundary, Grid, Kind, Tensor};

use super::Result;
use super::case::{AtMost, Case, Timed, Work, timed, total};

pub(super) const CASE: Case = Case {
    name: "A8",
    what: "10 Richardson-Lucy iterations on 128 × 512 × 512 f32, PSF 9 × 17 × 17",
    file: "deconvolution",
    peers: &["dask"],
    at_most: AtMost { time: Some(0.4), ..AtMost::NOTHING },
    repeats: 3,
    ours: deconvolution,
    ..Case::PLAIN
};

fn floats(shape: &[u64], values: Vec<f32>) -> Result<Array> {
    Ok(Array::of(Tensor::from_block(Kind::F32.into(), shape.to_vec(), Block::F32(values))?)?)
}

/// Numbers that have no order to speak of, the same as the peers'.
fn image(shape: &[u64]) -> Result<Array> {
    let values = (0..shape.iter().product::<u64>()).map(|at| {
        let scattered = (at.wrapping_mul(2_654_435_761) >> 7) % 1009;
        (scattered as f64 / 1009.0 + 0.1) as f32
    });
    floats(shape, values.collect())
}

/// A bell of so many values, so wide along each dimension, whose middle is at half its lengths.
pub(super) fn blur(lengths: [u64; 3], widths: [f64; 3]) -> Result<Array> {
    let along = |axis: usize| {
        let (length, width) = (lengths[axis] as i64, widths[axis]);
        (0..length).map(move |at| ((at - length / 2) as f64 / width).powi(2))
    };
    let place = along(0).flat_map(|z| along(1).map(move |y| z + y));
    let place = place.flat_map(|zy| along(2).map(move |x| zy + x));
    let bell: Vec<f64> = place.map(|square| (-0.5 * square).exp()).collect();
    let all: f64 = bell.iter().sum();
    floats(&lengths, bell.iter().map(|value| (value / all) as f32).collect())
}

fn deconvolution(work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let shape = work.scale.of([128, 512, 512], [32, 256, 256], [16, 64, 64]);
        let chunk = [shape[0], shape[1] / 4, shape[2] / 4];
        let image = image(&shape)?.rechunk(Grid::even(&shape, &chunk))?;
        let psf = blur([9, 17, 17], [2.0, 3.0, 3.0])?;
        Ok(timed((work, image, psf), |(work, image, psf)| async move {
            let made = image.richardson_lucy(&psf, 10, None, Boundary::Periodic)?;
            Ok(total(&made.compute(&work.session).await?))
        }))
    }
    .boxed()
}
