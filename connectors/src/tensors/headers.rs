//! The parts of an Arrow file that are no values.
//!
//! ```text
//! ARROW1 │ schema │ header, values │ header, values │ … │ end │ footer │ its length │ ARROW1
//! ```

use arrow::datatypes::Schema;
use arrow::ipc::convert::IpcSchemaEncoder;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions};
use arrow::ipc::{
    Block, Buffer, FieldNode, FooterBuilder, MessageBuilder, MessageHeader, MetadataVersion,
    RecordBatchBuilder,
};
use flatbuffers::FlatBufferBuilder;
use strata_engine::ArrayError;

/// Where values begin is a multiple of this: whoever maps them finds them in their place.
const ALIGNED: u64 = 64;
const MAGIC: &[u8] = b"ARROW1";
/// Says that a length follows.
const CONTINUES: [u8; 4] = [0xff; 4];

/// Some rows of the column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    pub(super) rows: u64,
    /// The values of a row, where they are those of a list.
    pub(super) list: Option<u64>,
    pub(super) bytes: u64,
}

/// A whole file without its values: what goes where, and where the values of each batch begin.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) parts: Vec<(u64, Vec<u8>)>,
    pub(super) begins: Vec<u64>,
    pub(super) length: u64,
}

impl Headers {
    pub(super) fn new(
        schema: &Schema,
        batches: impl Iterator<Item = Batch>,
    ) -> Result<Self, ArrayError> {
        let mut begin = MAGIC.to_vec();
        begin.resize(ALIGNED as usize, 0);
        begin.extend(framed(&schema_message(schema)?));
        let mut at = begin.len() as u64;
        let mut headers = Self { parts: vec![(0, begin)], begins: Vec::new(), length: 0 };
        let mut blocks = Vec::new();
        for batch in batches {
            let header = framed(&batch_message(batch));
            let body = batch.bytes.next_multiple_of(ALIGNED);
            blocks.push(Block::new(at as i64, header.len() as i32, body as i64));
            let values = at + header.len() as u64;
            headers.parts.push((at, header));
            headers.begins.push(values);
            at = values + body;
        }
        let end = [&CONTINUES[..], &[0; 4], &footer(schema, &blocks)].concat();
        headers.length = at + end.len() as u64;
        headers.parts.push((at, end));
        Ok(headers)
    }
}

/// A message with its length before it, so long that values may follow.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = (8 + message.len() as u64).next_multiple_of(ALIGNED);
    let mut framed = CONTINUES.to_vec();
    framed.extend((length as u32 - 8).to_le_bytes());
    framed.extend(message);
    framed.resize(length as usize, 0);
    framed
}

fn schema_message(schema: &Schema) -> Result<Vec<u8>, ArrayError> {
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(false);
    let made = IpcDataGenerator::default();
    let made = made.schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options);
    Ok(made.ipc_message)
}

/// Rows without NULLs: the validity of each level is left out.
fn batch_message(Batch { rows, list, bytes }: Batch) -> Vec<u8> {
    let mut all = FlatBufferBuilder::new();
    let mut nodes = vec![FieldNode::new(rows as i64, 0)];
    let mut buffers = vec![Buffer::new(0, 0)];
    if let Some(each) = list {
        nodes.push(FieldNode::new((rows * each) as i64, 0));
        buffers.push(Buffer::new(0, 0));
    }
    buffers.push(Buffer::new(0, bytes as i64));
    let (nodes, buffers) = (all.create_vector(&nodes), all.create_vector(&buffers));
    let mut batch = RecordBatchBuilder::new(&mut all);
    batch.add_length(rows as i64);
    batch.add_nodes(nodes);
    batch.add_buffers(buffers);
    let batch = batch.finish();
    let mut message = MessageBuilder::new(&mut all);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::RecordBatch);
    message.add_bodyLength(bytes.next_multiple_of(ALIGNED) as i64);
    message.add_header(batch.as_union_value());
    let message = message.finish();
    all.finish(message, None);
    all.finished_data().to_vec()
}

fn footer(schema: &Schema, blocks: &[Block]) -> Vec<u8> {
    let mut all = FlatBufferBuilder::new();
    let dictionaries = all.create_vector::<Block>(&[]);
    let batches = all.create_vector(blocks);
    let schema = IpcSchemaEncoder::new().schema_to_fb_offset(&mut all, schema);
    let mut footer = FooterBuilder::new(&mut all);
    footer.add_version(MetadataVersion::V5);
    footer.add_schema(schema);
    footer.add_dictionaries(dictionaries);
    footer.add_recordBatches(batches);
    let footer = footer.finish();
    all.finish(footer, None);
    let footer = all.finished_data();
    [footer, &(footer.len() as i32).to_le_bytes(), MAGIC].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    use arrow::ipc::reader::FileReader;
    use strata_engine::{Kind, tensor_field};

    use super::*;

    #[test]
    fn arrow_reads_what_is_put_between() {
        for (shape, list) in [(vec![5, 2, 3], Some(6)), (vec![5], None)] {
            let dims = vec![None; shape.len()];
            let (field, each) = tensor_field("v", Kind::F64.into(), &shape, &dims).unwrap();
            let schema = Schema::new(vec![field]);
            let batches = [2, 2, 1].map(|rows| Batch { rows, list, bytes: rows * each as u64 * 8 });
            let headers = Headers::new(&schema, batches.into_iter()).unwrap();
            let mut file = vec![0; headers.length as usize];
            for (at, part) in &headers.parts {
                file[*at as usize..*at as usize + part.len()].copy_from_slice(part);
            }
            let mut next = 0.0_f64;
            for (begin, batch) in headers.begins.iter().zip(batches) {
                assert!(begin.is_multiple_of(64));
                for at in 0..batch.bytes as usize / 8 {
                    let at = *begin as usize + 8 * at;
                    file[at..at + 8].copy_from_slice(&next.to_le_bytes());
                    next += 1.0;
                }
            }
            let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
            let read: Vec<_> = reader.map(Result::unwrap).collect();
            let rows: Vec<usize> = read.iter().map(|batch| batch.num_rows()).collect();
            assert_eq!(rows, [2, 2, 1]);
            let values = read.iter().flat_map(|batch| {
                let column = batch.column(0);
                let column = column.as_fixed_size_list_opt().map_or(column, |list| list.values());
                column.as_primitive::<Float64Type>().values().to_vec()
            });
            assert!(values.eq((0..5 * each).map(f64::from)));
        }
    }
}
