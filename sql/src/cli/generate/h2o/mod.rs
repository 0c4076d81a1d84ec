//! The tables of the h2o.ai database benchmark: `h2o_x` to group, and `j_x` to join with `j_small`,
//! `j_medium` and `j_big`, as its queries name them.
//!
//! `h2o_x` has N = 10 million × scale rows. Its ids come in two kinds: K = 100 different ones
//! (`id1`, `id2`, `id4`, `id5`), and N/K different ones (`id3`, `id6`).
//!
//! `j_x` and `j_big` have N rows, `j_medium` N/1000, `j_small` N/1,000,000, the last two at least
//! ten. There are three sets of keys, one of each size. Either side of a join knows a tenth of them
//! that the other does not, so that nine rows in ten find a partner.
//!
//! | column | in | holds |
//! |---|---|---|
//! | `id1`, `id2`, `id3` | `j_*` | keys of the small, medium, large set |
//! | `id4`, `id5`, `id6` | `j_*` | the same keys as text |
//! | `v1` (`j_x`), `v2` | `j_*` | 0 to 100 with six digits |

mod column;
mod keys;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use column::{Column, Shape, Values};
use keys::{Keys, Side};

use super::H2oArgs;
use super::error::GenerateError;
use super::random::Stream;
use super::table::{Rows, Table};

/// Rows of `h2o_x` at scale 1.
const BASE_ROWS: f64 = 1e7;
/// How many different values the ids with few of them have (the benchmark's K).
const FEW: u64 = 100;
/// The smallest key set, so that a tenth of it is something.
const LEAST_KEYS: u64 = 10;
/// [`FEW`] rows, so that there is one value of the ids with many.
const LEAST_SCALE: f64 = 0.00001;
/// 10^11 rows, twice what the benchmark was ever run with, and still ten digits for an id.
const MOST_SCALE: f64 = 10_000.0;
/// Rows made at once.
const BATCH_ROWS: u64 = 8192;

/// Makes the tables that `args` describe.
pub(super) fn tables(args: &H2oArgs) -> Result<Vec<Box<dyn Table>>, GenerateError> {
    let scale = args.common.scale;
    if !(LEAST_SCALE..=MOST_SCALE).contains(&scale) {
        return Err(GenerateError::Scale { given: scale, least: LEAST_SCALE, most: MOST_SCALE });
    }
    let rows = (BASE_ROWS * scale).round() as u64;
    let [small, medium] = [1_000_000, 1_000].map(|share| (rows / share).max(LEAST_KEYS));
    let maker = Maker { seed: args.seed, nulls: args.nulls, small, medium, large: rows };
    Ok(vec![
        Box::new(maker.group(rows)),
        Box::new(maker.join("j_x", rows, Side::Left, &KEYS, "v1")),
        Box::new(maker.join("j_big", rows, Side::Right, &KEYS, "v2")),
        Box::new(maker.join("j_medium", medium, Side::Right, &MEDIUM_KEYS, "v2")),
        Box::new(maker.join("j_small", small, Side::Right, &SMALL_KEYS, "v2")),
    ])
}

/// A set of keys with the columns that hold them, as number and as text.
type KeyColumns = (Set, &'static str, &'static str);

const KEYS: [KeyColumns; 3] =
    [(Set::Small, "id1", "id4"), (Set::Medium, "id2", "id5"), (Set::Large, "id3", "id6")];
const MEDIUM_KEYS: [KeyColumns; 2] = [(Set::Small, "id1", "id4"), (Set::Medium, "id2", "id5")];
const SMALL_KEYS: [KeyColumns; 1] = [(Set::Small, "id1", "id4")];

/// The three sets of keys.
#[derive(Debug, Clone, Copy)]
enum Set {
    Small,
    Medium,
    Large,
}

/// What the tables' columns have in common.
struct Maker {
    seed: u64,
    nulls: u8,
    small: u64,
    medium: u64,
    large: u64,
}

impl Maker {
    fn group(&self, rows: u64) -> H2oTable {
        let many = (rows / FEW).max(1);
        let id = |name, count, shape| self.id(name, self.any("h2o_x", name, count), shape, "h2o_x");
        let columns = vec![
            id("id1", FEW, Shape::Text { digits: 3 }),
            id("id2", FEW, Shape::Text { digits: 3 }),
            id("id3", many, Shape::Text { digits: 10 }),
            id("id4", FEW, Shape::Number),
            id("id5", FEW, Shape::Number),
            id("id6", many, Shape::Number),
            self.measure("v1", self.any("h2o_x", "v1", 5), Shape::Number, "h2o_x"),
            self.measure("v2", self.any("h2o_x", "v2", 15), Shape::Number, "h2o_x"),
            self.price("h2o_x", "v3"),
        ];
        H2oTable::new("h2o_x", rows, columns, &["v3"])
    }

    fn join(
        &self,
        table: &'static str,
        rows: u64,
        side: Side,
        keys: &[KeyColumns],
        measure: &'static str,
    ) -> H2oTable {
        let values = |(set, name, _): &KeyColumns| {
            let (set_name, size) = match set {
                Set::Small => ("small", self.small),
                Set::Medium => ("medium", self.medium),
                Set::Large => ("large", self.large),
            };
            let stream = |purpose| self.stream(&[table, *name, purpose]);
            let keys = Keys::new(self.stream(&["keys", set_name]), size);
            Values::keys(keys, side, rows, stream("order"), stream("again"))
        };
        let numbers = keys.iter().map(|key| self.id(key.1, values(key), Shape::Number, key.1));
        let texts =
            keys.iter().map(|key| self.id(key.2, values(key), Shape::Text { digits: 1 }, key.1));
        let measure_column = self.price(table, measure);
        let columns = numbers.chain(texts).chain([measure_column]).collect();
        // Only the set as large as the table hardly repeats.
        let distinct: &[&str] = match (table, measure) {
            (_, "v1") => &["id3", "id6", "v1"],
            ("j_big", _) => &["id3", "id6", "v2"],
            ("j_medium", _) => &["id2", "id5", "v2"],
            _ => &["id1", "id4", "v2"],
        };
        H2oTable::new(table, rows, columns, distinct)
    }

    fn stream(&self, path: &[&str]) -> Stream {
        Stream::new(self.seed, &path.join("/"))
    }

    fn any(&self, table: &str, name: &str, count: u64) -> Values {
        Values::Any { stream: self.stream(&[table, name]), count }
    }

    /// An id: the share of NULLs is one of its different values, all rows of which are NULL. The
    /// values are told by `nulls_of`, so that a key and its text are NULL together.
    fn id(&self, name: &'static str, values: Values, shape: Shape, nulls_of: &str) -> Column {
        let nulls =
            self.stream(&["null values", nulls_of, if nulls_of == "h2o_x" { name } else { "" }]);
        Column { name, values, shape, nulls, percent: self.nulls, null_by_value: true }
    }

    /// A measure: the share of NULLs is one of its rows.
    fn measure(&self, name: &'static str, values: Values, shape: Shape, table: &str) -> Column {
        let nulls = self.stream(&["null rows", table, name]);
        Column { name, values, shape, nulls, percent: self.nulls, null_by_value: false }
    }

    fn price(&self, table: &str, name: &'static str) -> Column {
        self.measure(name, self.any(table, name, Shape::PRICES), Shape::Price, table)
    }
}

struct H2oTable {
    name: &'static str,
    rows: u64,
    columns: Arc<[Column]>,
    schema: SchemaRef,
    distinct: &'static [&'static str],
}

impl H2oTable {
    fn new(
        name: &'static str,
        rows: u64,
        columns: Vec<Column>,
        distinct: &'static [&'static str],
    ) -> Self {
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        let schema = Arc::new(Schema::new(fields));
        Self { name, rows, columns: columns.into(), schema, distinct }
    }
}

impl Table for H2oTable {
    fn name(&self) -> &str {
        self.name
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn most_units(&self) -> u64 {
        self.rows
    }

    fn unit(&self, unit: u64, units: u64) -> Rows {
        let bound = |unit| (u128::from(self.rows) * u128::from(unit) / u128::from(units)) as u64;
        let (start, end) = (bound(unit), bound(unit + 1));
        let (columns, schema) = (Arc::clone(&self.columns), self.schema());
        let batches = (start..end).step_by(BATCH_ROWS as usize).map(move |first| {
            let rows = first..end.min(first + BATCH_ROWS);
            let options =
                RecordBatchOptions::new().with_row_count(Some((rows.end - rows.start) as usize));
            let columns = columns.iter().map(|column| column.array(rows.clone())).collect();
            RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)
        });
        Box::new(RecordBatchIterator::new(batches, self.schema()))
    }

    fn distinct_columns(&self) -> &'static [&'static str] {
        self.distinct
    }
}
