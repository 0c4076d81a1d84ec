//! Values as text, for all types.

use std::fmt::{self, Write};
use std::io;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, ArrayFormatterFactory, FormatOptions};

use super::span::Spans;

/// A batch's values as text.
pub(crate) struct Cells<'a> {
    columns: Vec<Column<'a>>,
    rows: usize,
}

struct Column<'a> {
    formatter: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
}

fn options(data_type: &DataType) -> FormatOptions<'static> {
    FormatOptions::new()
        .with_display_error(true)
        .with_null("NULL")
        // In a list, ["a, b"] and ["a", "b"] must not look the same.
        .with_quoted_strings(data_type.is_nested())
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
        .with_time_format(Some("%H:%M:%S%.f"))
        .with_formatter_factory(Some(&Spans))
}

impl<'a> Column<'a> {
    fn try_new(array: &'a ArrayRef) -> io::Result<Self> {
        let options = options(array.data_type());
        let formatter = match Spans.create_array_formatter(array, &options, None) {
            Ok(Some(formatter)) => Ok(formatter),
            _ => ArrayFormatter::try_new(array, &options),
        };
        Ok(Self {
            formatter: formatter.map_err(io::Error::other)?,
            // A dictionary's values, a union's member, a run's value may be null as well.
            nulls: array.logical_nulls(),
        })
    }
}

impl<'a> Cells<'a> {
    /// The cells of a batch.
    pub(crate) fn of(batch: &'a RecordBatch) -> io::Result<Self> {
        let columns = batch.columns().iter().map(Column::try_new).collect::<io::Result<_>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Puts a value's text into `out`, in place of what it held, and returns whether there is one:
    /// NULL has none. Text beyond `limit` bytes is left away.
    pub(crate) fn read(&self, row: usize, column: usize, limit: usize, out: &mut String) -> bool {
        out.clear();
        let Some(column) = self.columns.get(column) else { return false };
        if column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return false;
        }
        // The only error is the limit's: a value that cannot be formatted says so in its text.
        let _ = write!(Limited { out, limit }, "{}", column.formatter.value(row));
        true
    }
}

/// Stops the formatting of a value of which only the beginning will be seen.
struct Limited<'a> {
    out: &'a mut String,
    limit: usize,
}

impl Write for Limited<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.out.len());
        if text.len() <= room {
            self.out.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.out.push_str(text.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow::array::builder::{Int64Builder, MapBuilder, StringBuilder};
    use arrow::array::types::{Float64Type, Int32Type};
    use arrow::array::*;
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Field, UnionFields, i256};

    use super::*;

    /// A batch with a column of each kind of type; its second row is NULL throughout.
    pub(crate) fn all_types() -> RecordBatch {
        let mut map = MapBuilder::new(None, Int64Builder::new(), StringBuilder::new());
        map.keys().append_value(7);
        map.values().append_value("seven");
        let _ = map.append(true);
        let _ = map.append(false);
        let text = ["a|b", "x"];
        let some = |index: usize| (index == 0).then_some(());
        let nulls = || Some(NullBuffer::from(vec![true, false]));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("i8", Arc::new(Int8Array::from(vec![Some(-8), None]))),
            ("u64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
            ("f16", Arc::new(Float16Array::new_null(2))),
            ("f64", Arc::new(Float64Array::from(vec![Some(1.5), None]))),
            (
                "dec",
                Arc::new(
                    Decimal128Array::from(vec![Some(12345), None])
                        .with_precision_and_scale(10, 2)
                        .unwrap_or_else(|_| Decimal128Array::new_null(2)),
                ),
            ),
            ("dec256", Arc::new(Decimal256Array::from(vec![Some(i256::from(7)), None]))),
            ("utf8", Arc::new(StringArray::from(vec![Some("text"), None]))),
            ("large", Arc::new(LargeStringArray::from(vec![Some("large"), None]))),
            ("view", Arc::new(StringViewArray::from(vec![Some("view"), None]))),
            ("binary", Arc::new(BinaryArray::from_opt_vec(vec![Some(&[0, 255]), None]))),
            ("binview", Arc::new(BinaryViewArray::from(vec![Some(&[1_u8, 2][..]), None]))),
            ("date", Arc::new(Date32Array::from(vec![Some(19_800), None]))),
            ("date64", Arc::new(Date64Array::from(vec![Some(1_710_720_000_000), None]))),
            ("time", Arc::new(Time64MicrosecondArray::from(vec![Some(3_661_500_000), None]))),
            ("ts", Arc::new(TimestampNanosecondArray::from(vec![Some(1_500_000_000), None]))),
            (
                "tstz",
                Arc::new(
                    TimestampSecondArray::from(vec![Some(1_720_000_000), None])
                        .with_timezone("Europe/Berlin"),
                ),
            ),
            ("duration", Arc::new(DurationMillisecondArray::from(vec![Some(1500), None]))),
            ("interval", Arc::new(IntervalYearMonthArray::from(vec![Some(14), None]))),
            (
                "dict",
                Arc::new(
                    vec![Some("one"), None].into_iter().collect::<DictionaryArray<Int32Type>>(),
                ),
            ),
            (
                "list",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
                    Some(vec![Some(1), None]),
                    None,
                ])),
            ),
            (
                "fixed",
                Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
                    vec![Some(vec![Some(1.0), Some(2.0)]), None],
                    2,
                )),
            ),
            (
                "struct",
                Arc::new(StructArray::new(
                    vec![Field::new("s", DataType::Utf8, true)].into(),
                    vec![Arc::new(StringArray::from_iter_values(text))],
                    nulls(),
                )),
            ),
            ("map", Arc::new(map.finish())),
            ("null", Arc::new(NullArray::new(2))),
            (
                "union",
                Arc::new(
                    UnionArray::try_new(
                        UnionFields::from_iter([(
                            0,
                            Arc::new(Field::new("n", DataType::Int32, true)),
                        )]),
                        ScalarBuffer::from(vec![0_i8, 0]),
                        None,
                        vec![Arc::new(Int32Array::from_iter((0..2).map(|i| some(i).map(|()| 5))))],
                    )
                    .map_or_else(|_| Arc::new(NullArray::new(2)) as ArrayRef, |a| Arc::new(a) as _),
                ),
            ),
        ];
        match RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(n, a)| (n, a, true)),
        ) {
            Ok(batch) => batch,
            Err(error) => unreachable!("{error}"),
        }
    }

    #[test]
    fn every_type_has_text_and_null_has_none() -> io::Result<()> {
        let batch = all_types();
        let cells = Cells::of(&batch)?;
        let mut text = String::new();
        let mut found = Vec::new();
        for column in 0..cells.columns() {
            assert!(!cells.read(1, column, usize::MAX, &mut text), "column {column}");
            cells.read(0, column, usize::MAX, &mut text);
            found.push(format!("{}={text}", batch.schema().field(column).name()));
        }
        assert_eq!(
            found.join("; "),
            "bool=true; i8=-8; u64=18446744073709551615; f16=; f64=1.5; dec=123.45; \
             dec256=0.0000000007; utf8=text; large=large; view=view; binary=00ff; binview=0102; \
             date=2024-03-18; date64=2024-03-18 00:00:00; time=01:01:01.500; \
             ts=1970-01-01 00:00:01.500; tstz=2024-07-03 11:46:40+02:00; duration=00:00:01.5; \
             interval=1 year 2 mons; dict=one; list=[1, NULL]; fixed=[1.0, 2.0]; \
             struct={s: \"a|b\"}; map={7: \"seven\"}; null=; union={n=5}"
        );
        Ok(())
    }

    #[test]
    fn long_values_are_cut_at_a_character() -> io::Result<()> {
        let array: ArrayRef = Arc::new(StringArray::from(vec!["äöü".repeat(1000)]));
        let batch = RecordBatch::try_from_iter([("a", array)]).map_err(io::Error::other)?;
        let mut text = String::new();
        assert!(Cells::of(&batch)?.read(0, 0, 5, &mut text));
        assert_eq!(text, "äö");
        Ok(())
    }
}
