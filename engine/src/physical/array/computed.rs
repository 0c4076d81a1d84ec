//! Results of other plans that are too large to be given whole to every task. To a chunk program they are
//! something that is read; what it wants of them always comes over an exchange.

use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::array::{ArrayError, ArraySource, DType, Form, Grid, Tensor};

/// What another plan computes.
#[derive(Debug)]
pub(crate) struct Computed {
    /// Which of the plans.
    number: usize,
    form: Form,
}

#[derive(Serialize, Deserialize)]
struct OnTheWire {
    number: usize,
    dtype: DType,
    grid: Grid,
    dims: Vec<Option<String>>,
}

impl Computed {
    /// The name of these on the wire.
    pub(crate) const WIRE: &'static str = "computed";

    pub(super) fn new(number: usize, form: Form) -> Self {
        Self { number, form }
    }

    /// From what [`to_wire`](ArraySource::to_wire) gave.
    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Self, ArrayError> {
        let unread = || ArrayError::asked("a computed array came in bytes that are not ours");
        let OnTheWire { number, dtype, grid, dims } =
            serde_json::from_slice(bytes).map_err(|_| unread())?;
        match grid.is_sound() && dims.len() == grid.0.len() {
            true => Ok(Self { number, form: Form { dtype, grid, dims } }),
            false => Err(unread()),
        }
    }
}

#[async_trait]
impl ArraySource for Computed {
    fn form(&self) -> &Form {
        &self.form
    }

    fn title(&self) -> String {
        format!("computed[{}]", self.number)
    }

    async fn read(&self, _: &[Range<u64>]) -> Result<Tensor, ArrayError> {
        let reason = "it is computed, and comes over an exchange".to_string();
        Err(ArrayError::Source { array: self.title(), reason })
    }

    fn wire_name(&self) -> &'static str {
        Self::WIRE
    }

    fn to_wire(&self) -> Result<Vec<u8>, ArrayError> {
        let Form { dtype, grid, dims } = self.form.clone();
        let told = OnTheWire { number: self.number, dtype, grid, dims };
        serde_json::to_vec(&told).map_err(|error| ArrayError::asked(error.to_string()))
    }
}
