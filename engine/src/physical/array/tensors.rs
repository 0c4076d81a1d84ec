//! Arrays as other tools take them: columns of tensors, of Arrow's canonical type `arrow.fixed_shape_tensor`
//! (<https://arrow.apache.org/docs/format/CanonicalExtensions.html#fixed-shape-tensor>). A row is a place along the
//! first dimension, and its tensor has all others. An array of one dimension is a plain column.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayData, RecordBatch, make_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use serde::Serialize;

use super::coordinate_column;
use crate::array::{ArrayError, DType, Kind, Tensor, cells};
use crate::kernels::Block;

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// What the extension type says of its tensors, in the order of its specification.
#[derive(Serialize)]
struct Shape<'a> {
    shape: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    dim_names: Option<Vec<&'a str>>,
}

/// The column that holds the rows of an array, and how many values each of them has.
pub fn tensor_field(
    name: &str,
    dtype: DType,
    shape: &[u64],
    dims: &[Option<String>],
) -> Result<(Field, i32)> {
    let Some((_, tensor)) = shape.split_first() else {
        return Err(ArrayError::asked(
            "a single value has no rows: give it a dimension, as in reshape(1)",
        ));
    };
    if dtype == DType::Plain(Kind::Bool) {
        return Err(ArrayError::asked(
            "truth values are bits to Arrow and bytes here: cast them, as in cast('u8')",
        ));
    }
    let none = Tensor::from_block(dtype, vec![0], Block::empty(dtype.kind()))?;
    let values = coordinate_column(&none).data_type().clone();
    if tensor.is_empty() {
        return Ok((Field::new(name, values, false), 1));
    }
    let count = cells(tensor).and_then(|count| i32::try_from(count).ok()).ok_or_else(|| {
        ArrayError::asked(format!(
            "rows of shape {tensor:?} are longer than the lists of Arrow, which have {} values at most",
            i32::MAX
        ))
    })?;
    let names: Option<Vec<&str>> = dims.iter().skip(1).map(Option::as_deref).collect();
    let told =
        Shape { shape: tensor, dim_names: names.filter(|names| names.len() == tensor.len()) };
    let told = serde_json::to_string(&told)
        .map_err(|error| ArrayError::asked(format!("the shape {tensor:?} as JSON: {error}")))?;
    let item = Arc::new(Field::new("item", values, true));
    let extension = [
        ("ARROW:extension:name".to_string(), "arrow.fixed_shape_tensor".to_string()),
        ("ARROW:extension:metadata".to_string(), told),
    ];
    let field = Field::new(name, DataType::FixedSizeList(item, count), false);
    Ok((field.with_metadata(HashMap::from(extension)), count))
}

impl Tensor {
    /// The values as a batch of one column, a row for each place along the first dimension. They are not copied.
    pub fn to_record_batch(&self, name: &str, dims: &[Option<String>]) -> Result<RecordBatch> {
        let unfit = |error: datafusion::arrow::error::ArrowError| {
            ArrayError::asked(format!("values as a column: {error}"))
        };
        let (field, _) = tensor_field(name, self.dtype(), self.shape(), dims)?;
        let rows = self.shape().first().copied().unwrap_or(0) as usize;
        let count = self.values().len();
        let values = |of: &DataType| {
            let values = ArrayData::builder(of.clone()).len(count);
            values.add_buffer(self.data().clone()).build()
        };
        let column = match field.data_type() {
            list @ DataType::FixedSizeList(item, _) => {
                let values = values(item.data_type()).map_err(unfit)?;
                ArrayData::builder(list.clone()).len(rows).add_child_data(values).build()
            }
            plain => values(plain),
        };
        let column = make_array(column.map_err(unfit)?);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).map_err(unfit)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, FixedSizeListArray};
    use datafusion::arrow::datatypes::Float64Type;

    use super::*;
    use crate::array::Unit;

    #[test]
    fn values_stay_where_they_are() {
        let values = Block::F64((0..24).map(f64::from).collect());
        let tensor = Tensor::from_block(Kind::F64.into(), vec![4, 2, 3], values).unwrap();
        let names = ["t", "y", "x"].map(|name| Some(name.to_string()));
        let batch = tensor.to_record_batch("v", &names).unwrap();
        let list: &FixedSizeListArray = batch.column(0).as_fixed_size_list();
        let inner = list.values().as_primitive::<Float64Type>();
        assert_eq!(inner.values().inner().as_ptr(), tensor.data().as_ptr());
        assert_eq!((batch.num_rows(), list.value_length()), (4, 6));
        let field = batch.schema().field(0).clone();
        assert_eq!(field.metadata()["ARROW:extension:name"], "arrow.fixed_shape_tensor");
        let told = &field.metadata()["ARROW:extension:metadata"];
        assert_eq!(told, r#"{"shape":[2,3],"dim_names":["y","x"]}"#);
        let field = tensor_field("v", Kind::F32.into(), &[4, 2], &[None, None]).unwrap().0;
        assert_eq!(field.metadata()["ARROW:extension:metadata"], r#"{"shape":[2]}"#);
    }

    #[test]
    fn a_row_of_numbers_is_a_plain_column() {
        let times = Tensor::from_block(
            DType::Time(Unit::Seconds),
            vec![3],
            Block::I64(vec![1, i64::MIN, 3]),
        );
        let batch = times.unwrap().to_record_batch("t", &[None]).unwrap();
        assert_eq!((batch.num_rows(), batch.column(0).null_count()), (3, 0));
        assert!(batch.schema().field(0).metadata().is_empty());
        let none = Tensor::from_block(Kind::U8.into(), vec![0, 3], Block::U8(vec![])).unwrap();
        assert_eq!(none.to_record_batch("n", &[None, None]).unwrap().num_rows(), 0);
        let wide = Tensor::from_block(Kind::U8.into(), vec![3, 0], Block::U8(vec![])).unwrap();
        assert_eq!(wide.to_record_batch("n", &[None, None]).unwrap().num_rows(), 3);
        let refused = |dtype: DType, shape: &[u64]| {
            tensor_field("v", dtype, shape, &vec![None; shape.len()]).unwrap_err().to_string()
        };
        assert!(refused(Kind::F64.into(), &[]).contains("no rows"));
        assert!(refused(Kind::Bool.into(), &[3]).contains("cast('u8')"));
        assert!(refused(Kind::F64.into(), &[3, 1 << 31]).contains("2147483647"));
    }
}
