//! Functions of whole chunks, which extensions bring.

use std::fmt::Debug;
use std::sync::Arc;

use super::{Array, Op, Result};
use crate::array::{DType, Form, Tensor};

/// A function of the values of a chunk: it gives as many, in the same shape. An extension registers it with
/// [`Wire::register_kernel`](crate::Wire::register_kernel); it is called by its name, and its name is what
/// goes to workers.
pub trait ChunkKernel: Debug + Send + Sync {
    /// Its name. It never changes.
    fn name(&self) -> &str;

    /// What it makes of values of a type, or why it makes nothing of them.
    fn result(&self, dtype: DType) -> Result<DType>;

    /// What it makes of a chunk. No values are ever changed in place: others may hold them, too.
    fn apply(&self, values: &Tensor) -> Result<Tensor>;
}

impl Array {
    /// What a kernel makes of each chunk, as this array is cut.
    pub fn map_blocks(&self, kernel: Arc<dyn ChunkKernel>) -> Result<Self> {
        let dtype = kernel.result(self.dtype())?;
        let form = Form { dtype, ..self.form().clone() };
        Self::new(Op::Kernel(kernel), vec![self.clone()], form)
    }
}
