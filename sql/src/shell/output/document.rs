//! Results that are one text, such as a picture: formats for people and tables of text write them as
//! they are, so that `strata -c "EXPLAIN LAYERS (FORMAT svg) …" > plan.svg` makes a picture.

use std::io::{self, Write};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::format::Sink;
use super::text::clean;
use super::{ResultWriter, Style};
use crate::statements::DOCUMENT;

/// A format that writes tables, and documents as they are.
pub(super) struct OrDocument {
    style: Style,
    table: fn(&Style, Sink) -> Box<dyn ResultWriter>,
    state: State,
}

enum State {
    /// Nobody knows yet.
    New(Sink),
    Document(Sink, u64),
    Table(Box<dyn ResultWriter>),
    Over,
}

impl OrDocument {
    pub(super) fn new(
        style: &Style,
        out: Sink,
        table: fn(&Style, Sink) -> Box<dyn ResultWriter>,
    ) -> Self {
        Self { style: style.clone(), table, state: State::New(out) }
    }
}

fn is_document(schema: &Schema) -> bool {
    match &schema.fields()[..] {
        [only] => *only.data_type() == DataType::Utf8 && only.metadata().contains_key(DOCUMENT),
        _ => false,
    }
}

impl ResultWriter for OrDocument {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::New(out) if is_document(schema) => State::Document(out, 0),
            State::New(out) => State::Table((self.table)(&self.style, out)),
            other => other,
        };
        match &mut self.state {
            State::Table(table) => table.begin(schema),
            _ => Ok(()),
        }
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match &mut self.state {
            State::Table(table) => table.batch(batch),
            State::Document(out, rows) => {
                *rows += batch.num_rows() as u64;
                for text in batch.column(0).as_string::<i32>().iter().flatten() {
                    for line in text.lines() {
                        writeln!(out, "{}", clean(line))?;
                    }
                }
                Ok(())
            }
            State::New(_) | State::Over => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<u64> {
        match &mut self.state {
            State::Table(table) => table.finish(),
            State::Document(out, rows) => {
                out.flush()?;
                Ok(*rows)
            }
            State::New(_) | State::Over => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::Field;

    use super::super::Format;
    use super::super::tests::print;
    use super::*;

    #[test]
    fn a_document_is_written_as_it_is() {
        let picture = HashMap::from([(DOCUMENT.to_string(), "svg".to_string())]);
        let field = Field::new("layers", DataType::Utf8, false).with_metadata(picture);
        let text = Arc::new(StringArray::from(vec!["<svg a=\"1\">\n,\t</svg>\n"]));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![text]).unwrap();
        for format in [Format::Box, Format::Table, Format::Csv, Format::Tsv, Format::Line] {
            let written = print(format, &Style::default(), std::slice::from_ref(&batch));
            assert_eq!(written.lines().next(), Some("<svg a=\"1\">"), "{format}");
        }
        let json = print(Format::Json, &Style::default(), &[batch]);
        assert!(json.contains("\"layers\""), "{json}");
    }
}
