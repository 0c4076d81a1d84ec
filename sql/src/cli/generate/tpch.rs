//! The TPC-H tables, by the `tpchgen` crates, whose rows are those of the benchmark's own dbgen.
//!
//! Their comments are cut from a text of 300 MiB that the first generator makes: about half a
//! second and that much memory go there at any scale.

use arrow::datatypes::SchemaRef;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow,
    SupplierArrow,
};

use super::TpchArgs;
use super::error::GenerateError;
use super::table::{Rows, Table};

/// One supplier: with none, there would be nobody for a part to come from.
const LEAST_SCALE: f64 = 0.0001;
/// The largest scale that the benchmark knows.
const MOST_SCALE: f64 = 100_000.0;

/// Makes the tables that `args` describe; the largest first, so that the last thread to finish is
/// not one that has just begun `lineitem`.
pub(super) fn tables(args: &TpchArgs) -> Result<Vec<Box<dyn Table>>, GenerateError> {
    let scale = args.common.scale;
    if !(LEAST_SCALE..=MOST_SCALE).contains(&scale) {
        return Err(GenerateError::Scale { given: scale, least: LEAST_SCALE, most: MOST_SCALE });
    }
    Ok(Name::ALL.into_iter().map(|name| Box::new(TpchTable { name, scale }) as _).collect())
}

#[derive(Debug, Clone, Copy)]
enum Name {
    LineItem,
    Orders,
    PartSupp,
    Part,
    Customer,
    Supplier,
    Nation,
    Region,
}

impl Name {
    const ALL: [Self; 8] = [
        Self::LineItem,
        Self::Orders,
        Self::PartSupp,
        Self::Part,
        Self::Customer,
        Self::Supplier,
        Self::Nation,
        Self::Region,
    ];
}

struct TpchTable {
    name: Name,
    scale: f64,
}

impl TpchTable {
    /// What the generator counts and cuts by: orders for their lines, parts for their suppliers.
    /// `None` for the tables that are the same at every scale.
    fn entities(&self) -> Option<u64> {
        let count = match self.name {
            Name::LineItem | Name::Orders => OrderGenerator::calculate_row_count(self.scale, 1, 1),
            Name::PartSupp | Name::Part => PartGenerator::calculate_row_count(self.scale, 1, 1),
            Name::Customer => CustomerGenerator::calculate_row_count(self.scale, 1, 1),
            Name::Supplier => SupplierGenerator::calculate_row_count(self.scale, 1, 1),
            Name::Nation | Name::Region => return None,
        };
        Some(count.unsigned_abs())
    }
}

impl Table for TpchTable {
    fn name(&self) -> &str {
        match self.name {
            Name::LineItem => "lineitem",
            Name::Orders => "orders",
            Name::PartSupp => "partsupp",
            Name::Part => "part",
            Name::Customer => "customer",
            Name::Supplier => "supplier",
            Name::Nation => "nation",
            Name::Region => "region",
        }
    }

    fn schema(&self) -> SchemaRef {
        self.unit(0, 1).schema()
    }

    fn rows(&self) -> u64 {
        match (self.name, self.entities()) {
            // An order has one to seven lines.
            (Name::LineItem | Name::PartSupp, Some(entities)) => entities * 4,
            (_, Some(entities)) => entities,
            (Name::Region, None) => 5,
            (_, None) => 25,
        }
    }

    fn most_units(&self) -> u64 {
        // The generator counts units in an i32.
        self.entities().unwrap_or(1).min(i32::MAX as u64)
    }

    fn unit(&self, unit: u64, units: u64) -> Rows {
        let (scale, part, parts) = (self.scale, unit as i32 + 1, units as i32);
        match self.name {
            Name::LineItem => {
                Box::new(LineItemArrow::new(LineItemGenerator::new(scale, part, parts)))
            }
            Name::Orders => Box::new(OrderArrow::new(OrderGenerator::new(scale, part, parts))),
            Name::PartSupp => {
                Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, part, parts)))
            }
            Name::Part => Box::new(PartArrow::new(PartGenerator::new(scale, part, parts))),
            Name::Customer => {
                Box::new(CustomerArrow::new(CustomerGenerator::new(scale, part, parts)))
            }
            Name::Supplier => {
                Box::new(SupplierArrow::new(SupplierGenerator::new(scale, part, parts)))
            }
            Name::Nation => Box::new(NationArrow::new(NationGenerator::new(scale, part, parts))),
            Name::Region => Box::new(RegionArrow::new(RegionGenerator::new(scale, part, parts))),
        }
    }

    fn distinct_columns(&self) -> &'static [&'static str] {
        match self.name {
            Name::LineItem => &["l_extendedprice", "l_comment"],
            Name::Orders => &["o_orderkey", "o_totalprice", "o_comment"],
            Name::PartSupp => &["ps_comment"],
            Name::Part => &["p_partkey", "p_name", "p_comment"],
            Name::Customer => {
                &["c_custkey", "c_name", "c_address", "c_phone", "c_acctbal", "c_comment"]
            }
            Name::Supplier => {
                &["s_suppkey", "s_name", "s_address", "s_phone", "s_acctbal", "s_comment"]
            }
            Name::Nation | Name::Region => &[],
        }
    }
}
