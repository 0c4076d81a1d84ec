//! `SHOW SCHEMAS` and `SHOW DATABASES`, which is what some call catalogs: those that hold what somebody made.

use sqlparser::ast::Statement;
use sqlparser::parser::Parser;

use crate::error::{Error, Result};
use crate::parse::DIALECT;

const SCHEMAS: &str = "SELECT catalog_name, schema_name FROM information_schema.schemata \
     WHERE schema_name <> 'information_schema' ORDER BY 1, 2";
const CATALOGS: &str = "SELECT DISTINCT catalog_name FROM information_schema.schemata ORDER BY 1";

pub(super) fn rewrite(statement: &mut Statement) -> Result<()> {
    let (query, options) = match statement {
        Statement::ShowSchemas { show_options, .. } => (SCHEMAS, show_options),
        Statement::ShowDatabases { show_options, .. } => (CATALOGS, show_options),
        _ => return Ok(()),
    };
    if options.show_in.is_some() || options.filter_position.is_some() {
        return Err(Error::text("SHOW SCHEMAS and SHOW DATABASES take no filter")
            .hint("SELECT * FROM information_schema.schemata WHERE schema_name = '…'"));
    }
    let parsed = Parser::parse_sql(&DIALECT, query).map_err(|e| Error::text(e.to_string()))?;
    if let Some(query) = parsed.into_iter().next() {
        *statement = query;
    }
    Ok(())
}
