//! Stand-in for the output formats.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    Box,
    Table,
    Csv,
    Tsv,
    Json,
    NdJson,
    Parquet,
    Markdown,
    Html,
    Line,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Format] = &[
        Self::Box,
        Self::Table,
        Self::Csv,
        Self::Tsv,
        Self::Json,
        Self::NdJson,
        Self::Parquet,
        Self::Markdown,
        Self::Html,
        Self::Line,
    ];

    /// A writer.
    pub fn writer(self, style: &Style, out: Box<dyn Write + Send>) -> Box<dyn ResultWriter> {
        Box::new(Plain { format: self, style: style.clone(), out, rows: 0, held: vec![] })
    }

    /// Whether it is not text.
    pub fn is_binary(self) -> bool {
        self == Self::Parquet
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.to_string() == text.to_lowercase())
            .ok_or_else(|| format!("'{text}' is not a format"))
    }
}

/// How it looks.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Style {
    pub null: String,
    pub max_rows: usize,
    pub width: usize,
    pub color: bool,
    pub header: bool,
}

/// Takes the rows of one result.
pub trait ResultWriter: Send {
    /// The columns.
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()>;
    /// Some rows.
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()>;
    /// The end; how many rows there were.
    fn finish(&mut self) -> io::Result<u64>;
}

struct Plain {
    format: Format,
    style: Style,
    out: Box<dyn Write + Send>,
    rows: u64,
    held: Vec<RecordBatch>,
}

impl ResultWriter for Plain {
    fn begin(&mut self, schema: &SchemaRef) -> io::Result<()> {
        if self.style.header && !matches!(self.format, Format::Box | Format::Table) {
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
            writeln!(self.out, "{}", names.join(","))?;
        }
        self.held.push(RecordBatch::new_empty(schema.clone()));
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.rows += batch.num_rows() as u64;
        if matches!(self.format, Format::Box | Format::Table) {
            self.held.push(batch.clone());
            return Ok(());
        }
        let options = FormatOptions::new().with_null(&self.style.null);
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(io::Error::other)?;
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            writeln!(self.out, "{}", cells.join(","))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<u64> {
        if matches!(self.format, Format::Box | Format::Table) {
            let text =
                arrow::util::pretty::pretty_format_batches(&self.held).map_err(io::Error::other)?;
            writeln!(self.out, "{text}")?;
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}
