//! Results in types that every client reads: texts and lists for views of them, values for dictionaries. Drivers of
//! other languages read plain ones only; a client that knows better asks for views (`SET flight.views = true`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

/// The schema that a client is told.
pub(super) fn schema(schema: &Schema, views: bool) -> SchemaRef {
    let fields: Vec<FieldRef> =
        schema.fields().iter().map(|field| self::field(field, views)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn field(field: &FieldRef, views: bool) -> FieldRef {
    let plain = kind(field.data_type(), views);
    match &plain == field.data_type() {
        true => Arc::clone(field),
        false => Arc::new(Field::clone(field).with_data_type(plain)),
    }
}

fn kind(kind: &DataType, views: bool) -> DataType {
    let inner = |field: &FieldRef| self::field(field, views);
    match kind {
        DataType::Utf8View if !views => DataType::Utf8,
        DataType::BinaryView if !views => DataType::Binary,
        DataType::ListView(item) if !views => DataType::List(inner(item)),
        DataType::LargeListView(item) if !views => DataType::LargeList(inner(item)),
        DataType::ListView(item) => DataType::ListView(inner(item)),
        DataType::LargeListView(item) => DataType::LargeListView(inner(item)),
        DataType::Dictionary(_, value) => self::kind(value, views),
        DataType::RunEndEncoded(_, values) => self::kind(values.data_type(), views),
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(inner(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    }
}

/// A batch in the types of the schema that the client was told.
pub(super) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.num_columns() != schema.fields().len() {
        let (is, told) = (batch.num_columns(), schema.fields().len());
        let reason = format!("the rows have {is} columns, and {told} were told");
        return Err(ArrowError::SchemaError(reason));
    }
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| self::column(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
}

fn column(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == kind {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, kind, &strict)
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringArray, StringViewArray, StructArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn views_and_dictionaries_become_plain_at_any_depth() {
        let view: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        let words: ArrayRef =
            Arc::new(vec!["x", "y"].into_iter().collect::<DictionaryArray<Int32Type>>());
        let inner = Arc::new(Field::new("inner", DataType::Utf8View, true));
        let nested: ArrayRef = Arc::new(StructArray::from(vec![(inner, Arc::clone(&view))]));
        let rows = RecordBatch::try_from_iter([("v", view), ("d", words), ("s", nested)]).unwrap();
        let told = schema(&rows.schema(), false);
        let plain = batch(&rows, &told).unwrap();
        assert_eq!(plain.column(0).data_type(), &DataType::Utf8);
        let expected: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
        assert_eq!(plain.column(1), &expected);
        assert!(format!("{:?}", plain.column(2).data_type()).contains("Utf8"));
        assert!(!format!("{:?}", plain.schema()).contains("View"));
        let viewed = schema(&rows.schema(), true);
        assert_eq!(viewed.field(0).data_type(), &DataType::Utf8View);
        assert_eq!(viewed.field(1).data_type(), &DataType::Utf8);
    }
}
