//! Several arrays as one: what they have at a place, byte after byte.

use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, Kind};

impl Array {
    /// The values of several arrays of one shape beside each other: a last dimension, which is not cut, has the bytes
    /// of all values at a place.
    pub(crate) fn records(parts: Vec<Self>) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(ArrayError::asked("records of nothing"));
        };
        if let Some(other) = parts.iter().find(|part| part.shape() != first.shape()) {
            return Err(ArrayError::asked(format!(
                "records of values of shape {:?} and {:?}",
                first.shape(),
                other.shape()
            )));
        }
        let width: usize = parts.iter().map(|part| part.dtype().width()).sum();
        let (mut grid, mut dims) = (first.grid().clone(), first.dims().to_vec());
        grid.0.push(Cuts::even(width as u64, width as u64));
        dims.push(None);
        let form = Form { dtype: DType::Plain(Kind::U8), grid: Grid(grid.0), dims };
        Self::step(Step::Records, parts, form)
    }
}
