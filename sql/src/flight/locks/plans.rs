//! What a plan reads and writes, held against what its caller may. It is looked at however a plan comes about: before
//! a query runs, and again by a rule of the session, which what is run on the way meets, too.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::TableReference;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{TableProvider, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_table::generate_series::GenerateSeriesTable;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::optimizer::AnalyzerRule;
use strata_connectors::{ConnectorError, NotAllowed, read_by};
use strata_engine::{Array, ArrayNode, is_in_memory};
use url::Url;

use crate::flight::caller::{Caller, Role};
use crate::temporary;

/// Rows that were made for a statement have this name, which no table has.
const UNNAMED: &str = datafusion::logical_expr::UNNAMED_TABLE;

/// Where names without a schema are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    catalog: String,
    schema: String,
}

impl Names {
    pub(super) fn of(options: &ConfigOptions) -> Self {
        let own = &options.catalog;
        Self { catalog: own.default_catalog.clone(), schema: own.default_schema.clone() }
    }
}

/// Refuses a plan that reads or writes what is not the caller's. Without names, tables are not judged of which only
/// the session knows in which schema they are.
pub(crate) fn check(
    caller: &Caller,
    plan: &LogicalPlan,
    names: Option<&Names>,
) -> Result<(), NotAllowed> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    let mut refused = None;
    let walked = plan.apply_with_subqueries(|node| {
        Ok(match of_node(caller, node, names) {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(why) => {
                refused = Some(why);
                TreeNodeRecursion::Stop
            }
        })
    });
    match (refused, walked) {
        (Some(why), _) => Err(why),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => {
            Err(caller.refuse(format!("a plan that cannot be read ({error})"), Role::Admin))
        }
    }
}

fn of_node(caller: &Caller, node: &LogicalPlan, names: Option<&Names>) -> Result<(), NotAllowed> {
    let needs = |role: Role, what: &str| match role > caller.role {
        true => Err(caller.refuse(what, role)),
        false => Ok(()),
    };
    match node {
        LogicalPlan::TableScan(scan) => of_scan(caller, scan, names),
        LogicalPlan::Extension(extension) => {
            match extension.node.as_any().downcast_ref::<ArrayNode>() {
                Some(arrays) => of_array(caller, arrays.array()),
                None => Ok(()),
            }
        }
        LogicalPlan::Copy(copy) => {
            needs(Role::Writer, "COPY")?;
            located(caller, &copy.output_url)
        }
        LogicalPlan::Dml(dml) => {
            needs(Role::Writer, "a change of a table")?;
            if temporary::is_source(&dml.target) {
                return Ok(());
            }
            named(caller, &dml.table_name, names)
        }
        // Which of them is told by the statement.
        LogicalPlan::Ddl(_) => needs(Role::Writer, "a change of tables"),
        _ => Ok(()),
    }
}

/// Refuses an array that is read from elsewhere.
pub(crate) fn of_array(caller: &Caller, array: &Array) -> Result<(), NotAllowed> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    array.locations().iter().try_for_each(|place| match Url::parse(place) {
        Ok(url) => at(caller, &url),
        Err(_) => Err(outside(place)),
    })
}

fn of_scan(caller: &Caller, scan: &TableScan, names: Option<&Names>) -> Result<(), NotAllowed> {
    let Ok(provider) = source_as_provider(&scan.source) else {
        return Err(
            caller.refuse(format!("'{}', a table of another kind,", scan.table_name), Role::Admin)
        );
    };
    let table: &dyn TableProvider = provider.as_ref();
    if let Some(read) = read_by(table) {
        read.iter().try_for_each(|url| at(caller, url))?;
        // A path is of no schema, but where it is looked for; what lies there is the caller's.
        let is_path =
            scan.table_name.schema().is_none() && !is_seen(caller, &scan.table_name, names);
        return if is_path { Ok(()) } else { named(caller, &scan.table_name, names) };
    }
    if is_in_memory(table) {
        // Those of others are in no catalog of this session's.
        return match scan.table_name.table() == UNNAMED || temporary::is_table(table) {
            true => Ok(()),
            false => named(caller, &scan.table_name, names),
        };
    }
    if let Some(within) = table.get_logical_plan() {
        return check(caller, &within, names);
    }
    let made_here = table.downcast_ref::<CteWorkTable>().is_some()
        || table.downcast_ref::<EmptyTable>().is_some()
        || table.downcast_ref::<GenerateSeriesTable>().is_some()
        // What information_schema tells.
        || table.downcast_ref::<StreamingTable>().is_some();
    match made_here {
        true => Ok(()),
        false => {
            Err(caller
                .refuse(format!("'{}', a table of another kind,", scan.table_name), Role::Admin))
        }
    }
}

fn is_seen(caller: &Caller, table: &TableReference, names: Option<&Names>) -> bool {
    let catalog = table.catalog().or(names.map(|names| names.catalog.as_str()));
    let schema = table.schema().or(names.map(|names| names.schema.as_str()));
    match (catalog, schema) {
        (Some(catalog), Some(schema)) => caller.may_see(catalog, schema),
        _ => true,
    }
}

fn named(caller: &Caller, table: &TableReference, names: Option<&Names>) -> Result<(), NotAllowed> {
    match is_seen(caller, table, names) {
        true => Ok(()),
        false => Err(NotAllowed {
            path: table.to_string(),
            reason: format!("is in a schema that is not allowed to {}", caller.name),
        }),
    }
}

fn at(caller: &Caller, url: &Url) -> Result<(), NotAllowed> {
    match caller.allowed.locations.allow_at(url) {
        true => Ok(()),
        false => Err(outside(url.as_str())),
    }
}

fn located(caller: &Caller, place: &str) -> Result<(), NotAllowed> {
    match caller.allowed.locations.allow(place) {
        true => Ok(()),
        false => Err(outside(place)),
    }
}

fn outside(place: &str) -> NotAllowed {
    NotAllowed {
        path: place.to_string(),
        reason: "is outside of the locations that are allowed to this user: whoever runs the server can add it"
            .to_string(),
    }
}

/// The rule of a session that is somebody's: whatever is planned there, and for whatever reason, is looked at.
pub(super) struct Watched(pub(super) Arc<Caller>);

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({})", self.0.name)
    }
}

impl AnalyzerRule for Watched {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        check(&self.0, &plan, Some(&Names::of(config)))
            .map_err(|why| DataFusionError::from(ConnectorError::from(why)))?;
        Ok(plan)
    }

    fn name(&self) -> &str {
        "allowed"
    }
}

/// The refusal that an error is, or carries in a way that `source` does not tell.
pub(crate) fn not_allowed<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a NotAllowed> {
    if let Some(why) = error.downcast_ref::<NotAllowed>() {
        return Some(why);
    }
    if let Some(ConnectorError::NotAllowed(why)) = error.downcast_ref::<ConnectorError>() {
        return Some(why);
    }
    None
}
