//! A unit's rows in the form they have in a file: the part of the work that any number of threads
//! can do at once.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::Format;
use super::table::Table;

/// Rows of a Parquet row group or a piece of CSV. Groups of a million rows were a few percent
/// quicker to scan, but gave a scale of 1 only six pieces of `lineitem` to share among threads.
pub(super) const UNIT_ROWS: u64 = 128 * 1024;
/// Rows of a file, unless the caller says how many files there are.
pub(super) const FILE_ROWS: u64 = 16 * 1024 * 1024;

/// An encoded unit.
pub(super) enum Chunk {
    /// A row group's columns.
    Parquet(Vec<ArrowColumnChunk>),
    /// Lines.
    Csv(Vec<u8>),
}

/// Encodes the units of a table.
pub(super) enum Encoder {
    /// Into row groups.
    Parquet(ParquetEncoder),
    /// Into lines.
    Csv,
}

/// What all row groups of a table share.
pub(super) struct ParquetEncoder {
    /// The columns as the rows come.
    schema: SchemaRef,
    /// The columns as the file has them.
    pub(super) root: TypePtr,
    /// Compression, encodings.
    pub(super) properties: Arc<WriterProperties>,
    writers: ArrowRowGroupWriterFactory,
}

impl Encoder {
    /// The encoder for `table`.
    pub(super) fn new(table: &dyn Table, format: Format) -> Result<Self, ParquetError> {
        match format {
            Format::Parquet => Ok(Self::Parquet(ParquetEncoder::new(table)?)),
            Format::Csv => Ok(Self::Csv),
        }
    }

    /// Begins a unit; `header` where it is the first of its file.
    pub(super) fn begin(&self, header: bool) -> Result<ChunkWriter<'_>, ParquetError> {
        Ok(match self {
            Self::Parquet(encoder) => ChunkWriter::Parquet {
                schema: &encoder.schema,
                columns: encoder.writers.create_column_writers(0)?,
            },
            Self::Csv => ChunkWriter::Csv { text: Vec::new(), header },
        })
    }
}

impl ParquetEncoder {
    fn new(table: &dyn Table) -> Result<Self, ParquetError> {
        // Beside zstd's quickest level, the files are a third larger and all of TPC-H takes an
        // eighth to a fifth less time: these tables are made to be queried.
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(None);
        for column in table.distinct_columns() {
            properties = properties
                .set_column_dictionary_enabled(ColumnPath::from(column.to_string()), false);
        }
        let properties = Arc::new(properties.build());
        let schema = table.schema();
        let root = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
        // Column writers are had from a file's writer. Files come later and elsewhere; this one is
        // never written.
        let nowhere =
            SerializedFileWriter::new(io::sink(), Arc::clone(&root), Arc::clone(&properties))?;
        let writers = ArrowRowGroupWriterFactory::new(&nowhere, Arc::clone(&schema));
        Ok(Self { schema, root, properties, writers })
    }
}

/// A unit that is being encoded.
pub(super) enum ChunkWriter<'a> {
    Parquet { schema: &'a SchemaRef, columns: Vec<ArrowColumnWriter> },
    Csv { text: Vec<u8>, header: bool },
}

impl ChunkWriter<'_> {
    /// Adds rows.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        match self {
            Self::Parquet { schema, columns } => {
                let leaves = schema.fields().iter().zip(rows.columns());
                for ((field, array), column) in leaves.zip(columns) {
                    // These tables are flat: one leaf a column.
                    for leaf in compute_leaves(field, array)? {
                        column.write(&leaf)?;
                    }
                }
                Ok(())
            }
            Self::Csv { text, header } => {
                let header = std::mem::take(header);
                let mut writer = WriterBuilder::new().with_header(header).build(text);
                Ok(writer.write(rows)?)
            }
        }
    }

    /// Ends the unit.
    pub(super) fn finish(self) -> Result<Chunk, ParquetError> {
        match self {
            Self::Parquet { columns, .. } => {
                let columns = columns.into_iter().map(ArrowColumnWriter::close);
                Ok(Chunk::Parquet(columns.collect::<Result<_, _>>()?))
            }
            Self::Csv { text, .. } => Ok(Chunk::Csv(text)),
        }
    }
}
