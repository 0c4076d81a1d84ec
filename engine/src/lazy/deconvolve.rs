//! Images as they were before they were blurred.

use super::filters::around;
use super::{Array, Boundary, Result};
use crate::array::ArrayError;
use crate::kernels::Near;

/// More steps are nobody's.
const MOST_STEPS: u32 = 1 << 20;

impl Array {
    /// Richardson–Lucy deconvolution: what was blurred by `psf`, whose middle is at half its lengths, after so many
    /// steps from a flat image on. Each chunk is computed with what lies so far around it, half of `psf` if nothing is
    /// said; along dimensions that are one chunk and periodic nothing does.
    pub fn richardson_lucy(
        &self,
        psf: &Self,
        steps: u32,
        depths: Option<&[u64]>,
        boundary: Boundary,
    ) -> Result<Self> {
        if !(1..=MOST_STEPS).contains(&steps) {
            return Err(ArrayError::asked(format!(
                "{steps} iterations: there are from 1 to {MOST_STEPS}"
            )));
        }
        let of = self.fractions("richardson_lucy")?;
        let psf = around(psf, &of, "what an image was blurred by")?;
        let (size, shape) = (psf.shape(), of.shape());
        if size.iter().zip(&shape).any(|(size, length)| size > length) && !shape.contains(&0) {
            return Err(ArrayError::asked(format!(
                "an image of shape {shape:?} was not blurred by something larger, of shape {size:?}: cut \
                 away the edges of it"
            )));
        }
        let halves: Vec<u64> = size.iter().map(|length| length / 2).collect();
        let asked = depths.unwrap_or(&halves);
        if asked.len() != shape.len() {
            return Err(ArrayError::asked(format!(
                "{} depths for {} dimensions",
                asked.len(),
                shape.len()
            )));
        }
        let depth = |(depth, cuts): (&u64, &crate::array::Cuts)| {
            let round = boundary == Boundary::Periodic && cuts.pieces() <= 1;
            if round { (0, 0) } else { (*depth, *depth) }
        };
        let depths: Vec<(u64, u64)> = asked.iter().zip(&of.grid().0).map(depth).collect();
        of.near(Near::Deconvolve { steps }, &depths, boundary, Some(psf))
    }
}
