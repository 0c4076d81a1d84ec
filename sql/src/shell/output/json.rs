//! JSON: one array, or one object a line. What JSON has no word for becomes text, but for NaN and the
//! infinities, which become null.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonFormat, NullableEncoder, Writer, WriterBuilder,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::format::Sink;
use super::names::unique_names;
use super::{ResultWriter, Style};

/// An object a line, with a comma after each but the last where they stand in an array. The brackets
/// are ours to write, since only we know whether there were any rows.
#[derive(Debug, Default)]
struct Rows<const ARRAY: bool>;

impl<const ARRAY: bool> JsonFormat for Rows<ARRAY> {
    fn start_row<W: Write>(&self, out: &mut W, first: bool) -> Result<(), ArrowError> {
        if ARRAY {
            out.write_all(if first { b"[\n" } else { b",\n" })?;
        }
        Ok(())
    }

    fn end_row<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        if !ARRAY {
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

pub(super) struct Json<const ARRAY: bool> {
    writer: Writer<Sink, Rows<ARRAY>>,
    schema: Option<SchemaRef>,
    rows: u64,
}

pub(super) fn array(_style: &Style, out: Sink) -> Json<true> {
    Json::new(out)
}

pub(super) fn lines(_style: &Style, out: Sink) -> Json<false> {
    Json::new(out)
}

impl<const ARRAY: bool> Json<ARRAY> {
    fn new(out: Sink) -> Self {
        let builder =
            WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(AsText));
        Self { writer: builder.build(out), schema: None, rows: 0 }
    }
}

impl<const ARRAY: bool> ResultWriter for Json<ARRAY> {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        self.schema = Some(unique_names(schema));
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let renamed = match &self.schema {
            Some(schema) => batch.clone().with_schema(Arc::clone(schema)).ok(),
            None => None,
        };
        self.writer.write(renamed.as_ref().unwrap_or(batch)).map_err(io_error)?;
        self.rows += batch.num_rows() as u64;
        self.writer.get_mut().flush()
    }

    fn finish(&mut self) -> io::Result<u64> {
        let out = self.writer.get_mut();
        if ARRAY {
            out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        out.flush()?;
        Ok(self.rows)
    }
}

fn io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}

/// Writes as text what JSON cannot say: unions, and maps whose keys are not text.
#[derive(Debug)]
struct AsText;

impl EncoderFactory for AsText {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let unsayable = match array.data_type() {
            DataType::Union(_, _) => true,
            DataType::Map(_, _) => !matches!(
                array.as_map().keys().data_type(),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            ),
            _ => false,
        };
        if !unsayable {
            return Ok(None);
        }
        static OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("null");
        let encoder = TextEncoder(ArrayFormatter::try_new(array, &OPTIONS)?);
        Ok(Some(NullableEncoder::new(Box::new(encoder), array.logical_nulls())))
    }
}

struct TextEncoder<'a>(ArrayFormatter<'a>);

impl Encoder for TextEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        for c in self.0.value(row).to_string().chars() {
            match c {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                c if c < ' ' => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{numbers, people, print};
    use super::super::{Format, cell};
    use super::*;

    #[test]
    fn an_array_has_one_object_a_line() {
        let text = print(Format::Json, &Style::default(), &[people(), people().slice(0, 1)]);
        assert_eq!(
            text,
            "[\n{\"name\":\"Ada\",\"total\":1.5},\n{\"name\":\"a\\nb|<c>\",\"total\":null},\n\
             {\"name\":\"東京\",\"total\":null},\n{\"name\":\"Ada\",\"total\":1.5}\n]\n"
        );
        assert_eq!(print(Format::Json, &Style::default(), &[numbers(0..0)]), "[]\n");
        assert_eq!(print(Format::Json, &Style::default(), &[]), "[]\n");
    }

    #[test]
    fn lines_stand_alone() {
        let text = print(Format::NdJson, &Style::default(), &[numbers(0..2), numbers(2..3)]);
        assert_eq!(text, "{\"number\":0}\n{\"number\":1}\n{\"number\":2}\n");
        assert_eq!(print(Format::NdJson, &Style::default(), &[numbers(0..0)]), "");
    }

    #[test]
    fn every_type_can_be_said() {
        let text = print(Format::NdJson, &Style::default(), &[cell::tests::all_types()]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        for part in [
            "\"dec\":123.45",
            "\"binary\":\"00ff\"",
            "\"map\":\"{7: seven}\"",
            "\"union\":\"{n=5}\"",
            "\"struct\":{\"s\":\"a|b\"}",
            "\"list\":[1,null]",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(lines.last().is_some_and(|line| line.contains("\"dict\":null")), "{text}");
    }
}
