//! `SHOW TABLES [LIKE 'pattern']`: the tables and views that somebody made. DataFusion would list
//! its `information_schema`, too, and knows no pattern.

use sqlparser::ast::{
    ShowStatementFilter as Filter, ShowStatementFilterPosition as Position, Statement, Value,
};
use sqlparser::parser::Parser;

use crate::error::{Error, Result};
use crate::parse::DIALECT;

pub(super) fn rewrite(statement: &mut Statement) -> Result<()> {
    let Statement::ShowTables { show_options, .. } = statement else { return Ok(()) };
    if show_options.show_in.is_some() {
        return Err(Error::text("SHOW TABLES takes no FROM")
            .hint("SELECT * FROM information_schema.tables WHERE table_schema = '…'"));
    }
    let filter = match &show_options.filter_position {
        Some(Position::Infix(filter) | Position::Suffix(filter)) => Some(filter),
        None => None,
    };
    let text = |pattern: &str| Value::SingleQuotedString(pattern.to_string());
    let matching = match filter {
        None => String::new(),
        Some(Filter::Like(pattern) | Filter::NoKeyword(pattern)) => {
            format!("AND table_name LIKE {}", text(pattern))
        }
        Some(Filter::ILike(pattern)) => format!("AND table_name ILIKE {}", text(pattern)),
        Some(Filter::Where(condition)) => format!("AND ({condition})"),
    };
    let query = format!(
        "SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables \
         WHERE table_schema <> 'information_schema' {matching} ORDER BY 1, 2, 3"
    );
    let parsed = Parser::parse_sql(&DIALECT, &query).map_err(|e| Error::text(e.to_string()))?;
    if let Some(query) = parsed.into_iter().next() {
        *statement = query;
    }
    Ok(())
}
