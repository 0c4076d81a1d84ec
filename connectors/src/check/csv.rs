//! CSV, record by record: every one needs as many fields as the first, in UTF-8, its quotes closed,
//! and, where the columns' types are known, values of those types.

use std::time::Instant;

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use datafusion::common::config::CsvOptions;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;

use super::{Fault, File, Outcome, past};
use crate::error::{ConnectorError, Result, innermost};

/// Examines a CSV file.
pub(super) async fn examine(
    file: &File<'_>,
    options: &CsvOptions,
    schema: Option<&Schema>,
    until: Option<Instant>,
) -> Result<Outcome> {
    let packed = file
        .store
        .get(&file.meta.location)
        .await
        .map_err(|error| ConnectorError::from_store(file.shown, &error))?
        .into_stream()
        .map_err(DataFusionError::from)
        .boxed();
    let packing = file.kind.compression;
    let mut unpacked = FileCompressionType::from(packing).convert_stream(packed)?;
    let mut scanner = Scanner::new(options, schema);
    while let Some(part) = unpacked.next().await {
        let fault = match part {
            Ok(part) => scanner.feed(&part),
            Err(DataFusionError::ObjectStore(error)) => {
                return Err(ConnectorError::from_store(file.shown, &error));
            }
            Err(error) => Some(Fault {
                place: Some(format!("after line {}", scanner.line)),
                ..Fault::packing(packing, &innermost(&error))
            }),
        };
        if let Some(fault) = fault {
            return Ok(Outcome::Broken(fault));
        }
        if past(until) {
            return Ok(Outcome::Sound { rows: None });
        }
    }
    match scanner.finish() {
        Some(fault) => Ok(Outcome::Broken(fault)),
        None => Ok(Outcome::Sound { rows: Some(scanner.rows()) }),
    }
}

/// The first fault in a text.
pub(crate) fn first_fault(options: &CsvOptions, bytes: &[u8]) -> Option<Fault> {
    let mut scanner = Scanner::new(options, None);
    scanner.feed(bytes).or_else(|| scanner.finish())
}

/// A quote that a whole text leaves open.
pub(crate) fn open_quote(options: &CsvOptions, bytes: &[u8]) -> Option<Fault> {
    let mut scanner = Scanner::new(options, None);
    // What comes before has a fault of its own, and the reader finds it.
    if scanner.feed(bytes).is_some() { None } else { scanner.open_quote() }
}

/// `bytes` without a record that their end cuts short.
pub(crate) fn whole_records<'a>(options: &CsvOptions, bytes: &'a [u8], complete: bool) -> &'a [u8] {
    if complete {
        return bytes;
    }
    let mut scanner = Scanner::new(options, None);
    // A fault ends the scan early; the caller meets it again and says so.
    scanner.feed(bytes);
    match bytes.get(..scanner.record_end) {
        Some(whole) if !whole.is_empty() => whole,
        _ => bytes,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// A quote within a quoted field: its end, or the first half of a doubled one.
    MaybeEnd,
    Escaped,
    Comment,
}

struct Scanner<'a> {
    options: &'a CsvOptions,
    schema: Option<&'a Schema>,
    state: State,
    line: u64,
    record_line: u64,
    quote_line: u64,
    position: usize,
    /// Where the last whole record ended.
    record_end: usize,
    after_return: bool,
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    any: bool,
    names: Option<Vec<String>>,
    records: u64,
}

impl<'a> Scanner<'a> {
    fn new(options: &'a CsvOptions, schema: Option<&'a Schema>) -> Self {
        Self {
            options,
            schema,
            state: State::Start,
            line: 1,
            record_line: 1,
            quote_line: 1,
            position: 0,
            record_end: 0,
            after_return: false,
            fields: Vec::new(),
            field: Vec::new(),
            any: false,
            names: None,
            records: 0,
        }
    }

    fn header(&self) -> bool {
        self.options.has_header.unwrap_or(true)
    }

    fn rows(&self) -> u64 {
        self.records.saturating_sub(u64::from(self.header()))
    }

    fn is_end(&self, byte: u8) -> bool {
        match self.options.terminator {
            Some(terminator) => byte == terminator,
            None => byte == b'\n' || byte == b'\r',
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Option<Fault> {
        for byte in bytes {
            self.position += 1;
            if let Some(fault) = self.step(*byte) {
                return Some(fault);
            }
        }
        None
    }

    fn step(&mut self, byte: u8) -> Option<Fault> {
        // `\r\n` is one end, not two.
        if std::mem::take(&mut self.after_return) && byte == b'\n' {
            self.record_end = self.position;
            return None;
        }
        let quoted = matches!(self.state, State::Quoted | State::Escaped);
        if byte == b'\n' && quoted {
            self.line += 1;
        }
        match self.state {
            State::Comment => {
                if byte == b'\n' {
                    self.line += 1;
                    self.record_line = self.line;
                    self.state = State::Start;
                }
                return None;
            }
            State::Escaped => {
                self.field.push(byte);
                self.state = State::Quoted;
                return None;
            }
            State::Quoted => {
                if self.options.escape == Some(byte) {
                    self.state = State::Escaped;
                } else if byte == self.options.quote {
                    self.state = State::MaybeEnd;
                } else {
                    self.field.push(byte);
                }
                return None;
            }
            State::MaybeEnd if byte == self.options.quote => {
                self.field.push(byte);
                self.state = State::Quoted;
                return None;
            }
            State::Start if byte == self.options.quote => {
                self.any = true;
                self.quote_line = self.line;
                self.state = State::Quoted;
                return None;
            }
            State::Start if !self.any && self.options.comment == Some(byte) => {
                self.state = State::Comment;
                return None;
            }
            _ => {}
        }
        if byte == self.options.delimiter {
            self.any = true;
            self.end_field();
            return None;
        }
        if self.is_end(byte) {
            self.after_return = byte == b'\r' && self.options.terminator.is_none();
            let fault = self.end_record();
            self.line += 1;
            self.record_line = self.line;
            self.record_end = self.position;
            return fault;
        }
        self.any = true;
        self.state = State::Plain;
        self.field.push(byte);
        None
    }

    fn end_field(&mut self) {
        self.fields.push(std::mem::take(&mut self.field));
        self.state = State::Start;
    }

    fn end_record(&mut self) -> Option<Fault> {
        if !std::mem::take(&mut self.any) {
            return None;
        }
        self.end_field();
        let fields = std::mem::take(&mut self.fields);
        let fault = self.judge(&fields);
        self.records += 1;
        // The buffers serve the next record.
        self.fields = fields;
        self.fields.clear();
        fault
    }

    fn judge(&mut self, fields: &[Vec<u8>]) -> Option<Fault> {
        let place = Some(format!("line {}", self.record_line));
        let Some(names) = &self.names else {
            let text = |field: &Vec<u8>| {
                String::from_utf8_lossy(field).trim_start_matches('\u{feff}').trim().to_string()
            };
            self.names = Some(fields.iter().map(text).collect());
            let skip = self.header();
            return if skip { None } else { self.judge_values(fields) };
        };
        let (found, expected) = (fields.len(), names.len());
        if found < expected && self.options.truncated_rows == Some(true) {
            return self.judge_values(fields);
        }
        if found != expected {
            let what = if self.header() { "the header" } else { "the first line" };
            let some = if found == 1 { "1 field".to_string() } else { format!("{found} fields") };
            let remedy = if found < expected {
                "fix the line, or read with OPTIONS ('truncated_rows' 'true')"
            } else {
                "fix the line: a value that contains the delimiter must be quoted"
            };
            return Some(Fault::new(place, format!("{some} where {what} has {expected}"), remedy));
        }
        self.judge_values(fields)
    }

    fn judge_values(&self, fields: &[Vec<u8>]) -> Option<Fault> {
        for (index, field) in fields.iter().enumerate() {
            let name = || {
                let header = self.names.as_ref().filter(|_| self.header());
                match header.and_then(|names| names.get(index)) {
                    Some(name) => format!("column '{name}'"),
                    None => format!("column {}", index + 1),
                }
            };
            let place = || Some(format!("line {}, {}", self.record_line, name()));
            let Ok(text) = std::str::from_utf8(field) else {
                return Some(Fault::new(
                    place(),
                    "the text is not UTF-8",
                    "convert the file, for example with `iconv -f LATIN1 -t UTF-8`",
                ));
            };
            let Some(column) = self.schema.and_then(|schema| schema.fields().get(index)) else {
                continue;
            };
            if !text.is_empty() && !fits(text, column.data_type()) {
                return Some(Fault::new(
                    place(),
                    format!("'{text}' is no {}", column.data_type()),
                    "fix the value, let more of the file be looked at with SET files.sniff = \
                     '64MiB', or give the column's type in CREATE EXTERNAL TABLE",
                ));
            }
        }
        None
    }

    fn open_quote(&self) -> Option<Fault> {
        matches!(self.state, State::Quoted | State::Escaped).then(|| {
            Fault::new(
                Some(format!("line {}", self.quote_line)),
                "a quote is opened there and never closed",
                "close it, or read with another OPTIONS ('quote' '…')",
            )
        })
    }

    fn finish(&mut self) -> Option<Fault> {
        self.open_quote().or_else(|| self.end_record())
    }
}

/// Whether arrow's CSV reader takes a text for a value of this type.
fn fits(text: &str, data_type: &DataType) -> bool {
    let text = text.trim();
    match data_type {
        DataType::Int64 | DataType::Int32 | DataType::Int16 | DataType::Int8 => {
            Int64Type::parse(text).is_some()
        }
        DataType::UInt64 | DataType::UInt32 | DataType::UInt16 | DataType::UInt8 => {
            UInt64Type::parse(text).is_some()
        }
        DataType::Float64 | DataType::Float32 => Float64Type::parse(text).is_some(),
        DataType::Boolean => ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        DataType::Date32 => Date32Type::parse(text).is_some(),
        DataType::Timestamp(TimeUnit::Second, None) => TimestampSecondType::parse(text).is_some(),
        DataType::Timestamp(TimeUnit::Millisecond, None) => {
            TimestampMillisecondType::parse(text).is_some()
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            TimestampMicrosecondType::parse(text).is_some()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            TimestampNanosecondType::parse(text).is_some()
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<String> {
        first_fault(&CsvOptions::default(), text.as_bytes()).map(|fault| fault.about("x.csv"))
    }

    #[test]
    fn ragged_rows_are_placed() {
        assert_eq!(fault("a,b\n1,2\r\n\n\"x\ny\",3\n"), None);
        let said = fault("a,b,c\n1,2,3\n\"x\ny\",2,3\n4,5\n").unwrap();
        assert_eq!(
            said,
            "'x.csv', line 5: 2 fields where the header has 3; \
             fix the line, or read with OPTIONS ('truncated_rows' 'true')"
        );
        assert!(fault("a,b\n1,2,3").unwrap().contains("line 2: 3 fields"));
    }

    #[test]
    fn quotes_must_close() {
        assert!(fault("a,b\n1,\"x\n2,3\n").unwrap().contains("line 2: a quote is opened"));
    }

    #[test]
    fn text_must_be_utf8() {
        let fault = first_fault(&CsvOptions::default(), b"a,b\n1,\xe9\n").unwrap();
        assert_eq!(fault.place.as_deref(), Some("line 2, column 'b'"));
    }

    #[test]
    fn a_cut_record_is_left_out() {
        let options = CsvOptions::default();
        assert_eq!(whole_records(&options, b"a,b\n1,2\n3", false), b"a,b\n1,2\n");
        assert_eq!(whole_records(&options, b"a,b\n1,\"x\n3", false), b"a,b\n");
        assert_eq!(whole_records(&options, b"a,b\n1,2\n3", true), b"a,b\n1,2\n3");
    }
}
