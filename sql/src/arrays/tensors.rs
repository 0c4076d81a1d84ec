//! An array as rows of tensors: for whoever takes arrays and not cells.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use futures::stream::BoxStream;
use strata_engine::{Array, Index, tensor_field};

use super::{HeldArrays, asked, bind};
use crate::error::Result;
use crate::parse::{Kind, Statement};

/// What the column is called where the array has no name.
const UNNAMED: &str = "value";

/// An array that is given away as tensors, a row for each place along its first dimension.
#[derive(Debug)]
pub(crate) struct Tensors {
    array: Array,
    name: String,
    schema: SchemaRef,
}

impl Tensors {
    /// The array that a statement is; none where it is none, or a single value.
    pub(crate) async fn of(
        session: &SessionContext,
        statement: &Statement,
    ) -> Result<Option<Self>> {
        let term = match &statement.kind {
            Kind::Array(term) => Some(term),
            Kind::Chain(chain) => HeldArrays::meant(session, chain).await,
            _ => None,
        };
        let Some(term) = term else { return Ok(None) };
        let Ok(labelled) = bind(session, term).await?.array() else { return Ok(None) };
        let array = labelled.array.in_order().map_err(asked)?;
        if array.ndim() == 0 {
            return Ok(None);
        }
        let name = labelled.name.unwrap_or_else(|| UNNAMED.to_string());
        let field = tensor_field(&name, array.dtype(), &array.shape(), array.dims());
        let (field, _) = field.map_err(asked)?;
        Ok(Some(Self { array, name, schema: Arc::new(Schema::new(vec![field])) }))
    }

    /// The columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows, in order: those of a chunk's places at a time.
    pub(crate) fn rows(self, session: SessionContext) -> BoxStream<'static, Result<RecordBatch>> {
        let first = self.array.grid().0.first().cloned();
        let pieces = first.as_ref().map_or(0, |cuts| cuts.pieces());
        let pieces = (0..pieces).filter_map(move |at| first.as_ref().map(|cuts| cuts.piece(at)));
        futures::stream::iter(pieces)
            .then(move |piece| {
                let (array, name, session) =
                    (self.array.clone(), self.name.clone(), session.clone());
                async move {
                    let place = |place: u64| i64::try_from(place).ok();
                    let (start, stop) = (place(piece.start), place(piece.end));
                    let part = [Index::Slice { start, stop, step: None }];
                    let part = array.index(&part).map_err(asked)?;
                    let tensor = part.compute(&session).await?;
                    tensor.to_record_batch(&name, part.dims()).map_err(asked)
                }
            })
            .boxed()
    }
}
