//! Messages with rows, looked at before they are decoded. The reader of
//! [Arrow's format](https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc)
//! believes what a message says of itself: where its buffers lie, how long its columns are, and how much is packed in
//! it. A client that says something else would have it panic, or allocate what nobody has. Values are the reader's to
//! check.

use arrow::datatypes::{DataType, Schema, UnionMode};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::{
    Buffer, CompressionType, DateUnit, Endianness, Field, FieldNode, IntervalUnit, MessageHeader,
    MetadataVersion, Precision, RecordBatch, Schema as Told, TimeUnit, Type,
    UnionMode as ToldUnion, root_as_message,
};
use arrow_flight::FlightData;

use super::lz4;

/// The most rows of a message.
const MOST_ROWS: i64 = i32::MAX as i64;
/// How deep columns nest.
const DEEPEST: usize = 32;
/// What says how much is packed in a buffer.
const PREFIX: usize = 8;

/// What is known of the messages that came before.
#[derive(Debug, Default)]
pub(super) struct Gate {
    schema: Option<Schema>,
}

impl Gate {
    /// Looks at a message; how much memory unpacking it takes, or why it is refused.
    pub(super) fn check(&mut self, message: &FlightData) -> Result<u64, String> {
        let told = root_as_message(&message.data_header).map_err(|error| error.to_string())?;
        let mut kinds = Vec::new();
        let batch = match told.header_type() {
            MessageHeader::Schema => {
                let schema = told.header_as_schema().ok_or("it has no columns")?;
                self.schema = Some(columns(schema)?);
                return Ok(0);
            }
            MessageHeader::RecordBatch => {
                let schema = self.schema.as_ref().ok_or("rows came before their columns")?;
                kinds.extend(schema.fields().iter().map(|field| field.data_type()));
                told.header_as_record_batch().ok_or("it has no rows")?
            }
            MessageHeader::DictionaryBatch => {
                let schema = self.schema.as_ref().ok_or("values came before their columns")?;
                let batch = told.header_as_dictionary_batch().ok_or("it has no values")?;
                #[allow(deprecated, reason = "the reader finds them so")]
                let fields = schema.fields_with_dict_id(batch.id());
                match fields.first().map(|field| field.data_type()) {
                    Some(DataType::Dictionary(_, values)) => kinds.push(values.as_ref()),
                    _ => return Err("its values are no column's".to_string()),
                }
                batch.data().ok_or("it has no values")?
            }
            _ => return Ok(0),
        };
        Walk::new(batch, told.version(), &message.data_body)?.all(&kinds)
    }
}

/// The columns that a message tells, if the reader has such.
fn columns(told: Told<'_>) -> Result<Schema, String> {
    if told.endianness() != Endianness::Little {
        return Err("numbers are read with their last byte first, and not otherwise".to_string());
    }
    for field in told.fields().ok_or("it has no columns")? {
        is_known(field, DEEPEST)?;
    }
    Ok(fb_to_schema(told))
}

/// Whether a column is of a type that there is.
fn is_known(field: Field<'_>, deep: usize) -> Result<(), String> {
    let deep = deep.checked_sub(1).ok_or("columns nest too deep")?;
    let name = field.name().unwrap_or_default();
    let wrong = || format!("column '{}' has a type that is not known", name.escape_default());
    let is = |known: bool| known.then_some(()).ok_or_else(wrong);
    if let Some(dictionary) = field.dictionary() {
        let index = dictionary.indexType().ok_or_else(wrong)?;
        is([8, 16, 32, 64].contains(&index.bitWidth()))?;
    }
    let children: Vec<Field<'_>> =
        field.children().map(|children| children.iter().collect()).unwrap_or_default();
    let count = children.len();
    for child in &children {
        is_known(*child, deep)?;
    }
    match field.type_type() {
        Type::Null | Type::Bool | Type::Binary | Type::LargeBinary | Type::BinaryView => is(true),
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View | Type::Struct_ => is(true),
        Type::Int => {
            let int = field.type_as_int().ok_or_else(wrong)?;
            is([8, 16, 32, 64].contains(&int.bitWidth()))
        }
        Type::FloatingPoint => {
            let float = field.type_as_floating_point().ok_or_else(wrong)?;
            is([Precision::HALF, Precision::SINGLE, Precision::DOUBLE].contains(&float.precision()))
        }
        Type::Decimal => {
            let decimal = field.type_as_decimal().ok_or_else(wrong)?;
            let most = match decimal.bitWidth() {
                32 => 9,
                64 => 18,
                128 => 38,
                256 => 76,
                _ => return Err(wrong()),
            };
            let precision = decimal.precision();
            is((1..=most).contains(&precision) && (-most..=precision).contains(&decimal.scale()))
        }
        Type::Date => {
            let date = field.type_as_date().ok_or_else(wrong)?;
            is([DateUnit::DAY, DateUnit::MILLISECOND].contains(&date.unit()))
        }
        Type::Time => {
            let time = field.type_as_time().ok_or_else(wrong)?;
            is(match time.bitWidth() {
                32 => [TimeUnit::SECOND, TimeUnit::MILLISECOND].contains(&time.unit()),
                64 => [TimeUnit::MICROSECOND, TimeUnit::NANOSECOND].contains(&time.unit()),
                _ => false,
            })
        }
        Type::Timestamp => is(is_unit(field.type_as_timestamp().ok_or_else(wrong)?.unit())),
        Type::Duration => is(is_unit(field.type_as_duration().ok_or_else(wrong)?.unit())),
        Type::Interval => {
            let unit = field.type_as_interval().ok_or_else(wrong)?.unit();
            let known =
                [IntervalUnit::YEAR_MONTH, IntervalUnit::DAY_TIME, IntervalUnit::MONTH_DAY_NANO];
            is(known.contains(&unit))
        }
        Type::FixedSizeBinary => {
            is(field.type_as_fixed_size_binary().ok_or_else(wrong)?.byteWidth() >= 0)
        }
        Type::FixedSizeList => {
            is(field.type_as_fixed_size_list().ok_or_else(wrong)?.listSize() >= 0 && count == 1)
        }
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView => is(count == 1),
        Type::RunEndEncoded => is(count == 2),
        Type::Map => {
            field.type_as_map().ok_or_else(wrong)?;
            let [entries] = children.as_slice() else { return Err(wrong()) };
            let parts = entries.children().map_or(0, |parts| parts.len());
            is(entries.type_type() == Type::Struct_ && parts == 2 && entries.dictionary().is_none())
        }
        Type::Union => {
            let union = field.type_as_union().ok_or_else(wrong)?;
            is([ToldUnion::Dense, ToldUnion::Sparse].contains(&union.mode()) && count <= 127)?;
            let Some(ids) = union.typeIds() else { return Ok(()) };
            let mut ids: Vec<i32> = ids.iter().collect();
            ids.sort_unstable();
            let all = ids.len();
            ids.dedup();
            is(all == count && ids.len() == all && ids.iter().all(|id| (0..=127).contains(id)))
        }
        _ => Err(wrong()),
    }
}

fn is_unit(unit: TimeUnit) -> bool {
    [TimeUnit::SECOND, TimeUnit::MILLISECOND, TimeUnit::MICROSECOND, TimeUnit::NANOSECOND]
        .contains(&unit)
}

/// The nodes and buffers of a message, in the order in which the reader takes them.
struct Walk<'a> {
    body: &'a [u8],
    version: MetadataVersion,
    compression: Option<CompressionType>,
    rows: i64,
    nodes: Box<dyn Iterator<Item = &'a FieldNode> + 'a>,
    buffers: Box<dyn Iterator<Item = &'a Buffer> + 'a>,
    /// How many buffers each column of views has.
    views: Box<dyn Iterator<Item = i64> + 'a>,
    /// The buffers that there are.
    count: i64,
    /// What is unpacked.
    unpacked: u64,
}

impl<'a> Walk<'a> {
    fn new(
        batch: RecordBatch<'a>,
        version: MetadataVersion,
        body: &'a [u8],
    ) -> Result<Self, String> {
        let rows = batch.length();
        if !(0..=MOST_ROWS).contains(&rows) {
            return Err(format!("it says that it has {rows} rows"));
        }
        let buffers = batch.buffers().ok_or("it tells no buffers")?;
        let views = batch.variadicBufferCounts();
        Ok(Self {
            body,
            version,
            compression: batch.compression().map(|told| told.codec()),
            rows,
            count: i64::try_from(buffers.len()).unwrap_or(i64::MAX),
            nodes: Box::new(batch.nodes().ok_or("it tells no columns")?.iter()),
            buffers: Box::new(buffers.iter()),
            views: Box::new(views.into_iter().flat_map(|views| views.iter())),
            unpacked: 0,
        })
    }

    fn all(mut self, kinds: &[&DataType]) -> Result<u64, String> {
        for kind in kinds {
            let length = self.column(kind)?;
            if length != self.rows {
                let rows = self.rows;
                return Err(format!("it has {rows} rows, and a column of it {length}"));
            }
        }
        match self.views.next() {
            Some(_) => Err("it tells of views that no column has".to_string()),
            None => Ok(self.unpacked),
        }
    }

    /// The length of a column.
    fn column(&mut self, kind: &DataType) -> Result<i64, String> {
        let views = match kind {
            DataType::Utf8View | DataType::BinaryView => {
                let count = self.views.next().ok_or("it tells too few buffers of views")?;
                if !(0..=self.count).contains(&count) {
                    return Err(format!("it says that a column has {count} buffers"));
                }
                count
            }
            _ => 0,
        };
        let node = self.nodes.next().ok_or("it tells too few columns")?;
        let (length, nulls) = (node.length(), node.null_count());
        if !(0..=MOST_ROWS).contains(&length) || !(0..=length).contains(&nulls) {
            return Err(format!("it says that a column has {length} values, {nulls} of them null"));
        }
        let has_nulls = match kind {
            DataType::Null | DataType::RunEndEncoded(..) => false,
            DataType::Union(..) => self.version < MetadataVersion::V5,
            _ => true,
        };
        if has_nulls {
            let bits = self.buffer()?;
            if nulls > 0 && bits < length.unsigned_abs().div_ceil(8) {
                return Err(format!("it does not say which of {length} values are null"));
            }
        }
        match kind {
            DataType::Null => {}
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
                self.buffer()?;
                self.buffer()?;
            }
            DataType::Utf8View | DataType::BinaryView => {
                for _ in 0..=views {
                    self.buffer()?;
                }
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
                self.buffer()?;
                self.column(item.data_type())?;
            }
            DataType::ListView(item) | DataType::LargeListView(item) => {
                self.buffer()?;
                self.buffer()?;
                self.column(item.data_type())?;
            }
            DataType::FixedSizeList(item, size) => {
                let has = self.column(item.data_type())?;
                if length.checked_mul(i64::from(*size)) != Some(has) {
                    return Err(format!("{length} lists of {size} values have {has} values"));
                }
            }
            DataType::Struct(fields) => {
                for field in fields {
                    let has = self.column(field.data_type())?;
                    if has != length {
                        return Err(format!("a part of {length} structs has {has} values"));
                    }
                }
            }
            DataType::RunEndEncoded(ends, values) => {
                let (ends, values) =
                    (self.column(ends.data_type())?, self.column(values.data_type())?);
                if ends != values {
                    return Err(format!("{ends} runs have {values} values"));
                }
            }
            DataType::Union(fields, mode) => {
                let width = |bytes: u64, of: u64| match bytes >= of {
                    true => Ok(()),
                    false => Err(format!("it does not say what {length} values are")),
                };
                width(self.buffer()?, length.unsigned_abs())?;
                if *mode == UnionMode::Dense {
                    width(self.buffer()?, length.unsigned_abs().saturating_mul(4))?;
                }
                for (_, field) in fields.iter() {
                    self.column(field.data_type())?;
                }
            }
            _ => {
                self.buffer()?;
            }
        }
        Ok(length)
    }

    /// How many bytes the next buffer has when it is unpacked.
    fn buffer(&mut self) -> Result<u64, String> {
        let told = self.buffers.next().ok_or("it tells too few buffers")?;
        let place = usize::try_from(told.offset()).ok().zip(usize::try_from(told.length()).ok());
        let bytes = place
            .and_then(|(begins, length)| self.body.get(begins..begins.checked_add(length)?))
            .ok_or_else(|| {
                let (begins, length, all) = (told.offset(), told.length(), self.body.len());
                format!("{length} bytes at {begins} are not in its {all} bytes")
            })?;
        let Some(compression) = self.compression.filter(|_| !bytes.is_empty()) else {
            return Ok(bytes.len() as u64);
        };
        let (prefix, packed) = bytes.split_first_chunk::<PREFIX>().ok_or("a buffer is cut off")?;
        match i64::from_le_bytes(*prefix) {
            -1 => Ok(packed.len() as u64),
            size => {
                let size = u64::try_from(size).map_err(|_| format!("{size} bytes are packed"))?;
                let most = match compression {
                    CompressionType::LZ4_FRAME => size.max(lz4::at_most(packed)),
                    _ => size,
                };
                self.unpacked = self.unpacked.saturating_add(most);
                Ok(size)
            }
        }
    }
}
