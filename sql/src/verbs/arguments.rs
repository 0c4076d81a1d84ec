//! The arguments of one call, as the engine's expressions. Whatever is wrong with one is reported
//! at its place and under the verb's name.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::expr::PlannedReplaceSelectItem;
use datafusion::logical_expr::expr::WildcardOptions;
use datafusion::logical_expr::select_expr::SelectExpr;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr};
use datafusion::scalar::ScalarValue;
use sqlparser::ast::{
    Expr as SqlExpr, ExprWithAlias, OrderByExpr, SelectItem, SelectItemQualifiedWildcardKind,
    Value as SqlValue, WildcardAdditionalOptions,
};

use super::subqueries::{self, Tables};
use crate::error::{Error, Result};
use crate::parse::{Argument, Call, Value};

/// The arguments of a call; the chains among them are bound already.
pub(crate) struct Arguments<'a> {
    pub(crate) state: Arc<SessionState>,
    call: &'a Call,
    frames: Vec<DataFrame>,
    /// What the expressions' subqueries read.
    tables: Tables,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(
        session: &SessionContext,
        call: &'a Call,
        frames: Vec<DataFrame>,
        tables: Tables,
    ) -> Self {
        Self { state: Arc::new(session.state()), call, frames, tables }
    }

    /// The chains given as arguments.
    pub(crate) fn frames(&self) -> &[DataFrame] {
        &self.frames
    }

    fn positional(&self) -> impl Iterator<Item = &'a Argument> {
        self.call.arguments.iter().filter(|a| a.name.is_none())
    }

    /// The positional arguments that are expressions.
    fn items(&self) -> impl Iterator<Item = (&'a Argument, &'a SelectItem)> {
        self.positional().filter_map(|argument| match &argument.value {
            Value::Item(item) => Some((argument, item)),
            _ => None,
        })
    }

    /// How many positional expressions there are.
    pub(crate) fn count(&self) -> usize {
        self.items().count()
    }

    /// The positional expressions, wildcards expanded.
    pub(crate) fn expressions(&self, schema: &DFSchema) -> Result<Vec<Expr>> {
        let mut all = Vec::new();
        for (argument, item) in self.items() {
            match item {
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                    let columns = schema.columns().into_iter().map(Expr::Column);
                    all.extend(columns);
                }
                item => all.push(self.item(argument, item, schema)?),
            }
        }
        Ok(all)
    }

    /// The positional expressions as a select list.
    pub(crate) fn select_list(&self, schema: &DFSchema) -> Result<Vec<SelectExpr>> {
        self.items()
            .map(|(argument, item)| match item {
                SelectItem::Wildcard(options) => {
                    Ok(SelectExpr::Wildcard(self.wildcard(argument, options, schema)?))
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    let table = TableReference::from(name.to_string());
                    let options = self.wildcard(argument, options, schema)?;
                    Ok(SelectExpr::QualifiedWildcard(table, options))
                }
                item => Ok(SelectExpr::Expression(self.item(argument, item, schema)?)),
            })
            .collect()
    }

    fn wildcard(
        &self,
        argument: &Argument,
        options: &WildcardAdditionalOptions,
        schema: &DFSchema,
    ) -> Result<WildcardOptions> {
        let replace = match &options.opt_replace {
            None => None,
            Some(replace) => {
                let planned_expressions = replace
                    .items
                    .iter()
                    .map(|item| self.expression(argument, item.expr.clone(), None, schema))
                    .collect::<Result<_>>()?;
                let items = replace.items.iter().map(|item| item.as_ref().clone()).collect();
                Some(PlannedReplaceSelectItem { items, planned_expressions })
            }
        };
        Ok(WildcardOptions {
            ilike: options.opt_ilike.clone(),
            exclude: options.opt_exclude.clone(),
            except: options.opt_except.clone(),
            replace,
            rename: options.opt_rename.clone(),
        })
    }

    fn item(&self, argument: &Argument, item: &SelectItem, schema: &DFSchema) -> Result<Expr> {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expression(argument, expr.clone(), None, schema),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expression(argument, expr.clone(), Some(alias.clone()), schema)
            }
            other => Err(self.wrong(argument, format!("'{other}' is not an expression"))),
        }
    }

    fn expression(
        &self,
        argument: &Argument,
        expr: SqlExpr,
        alias: Option<sqlparser::ast::Ident>,
        schema: &DFSchema,
    ) -> Result<Expr> {
        let item = ExprWithAlias { expr, alias };
        let planned = if self.tables.is_empty() {
            self.state.create_logical_expr_from_sql_expr(item, schema).map_err(Error::from)
        } else {
            subqueries::plan(&self.state, &self.tables, item, schema)
        };
        planned.map_err(|error| error.about(self.call.verb.name).at(argument.at))
    }

    /// The positional sort keys.
    pub(crate) fn sorts(&self, schema: &DFSchema) -> Result<Vec<SortExpr>> {
        let mut keys = Vec::new();
        for argument in self.positional() {
            if let Value::Sorts(sorts) = &argument.value {
                keys.extend(self.sort_keys(argument, sorts, schema)?);
            }
        }
        Ok(keys)
    }

    fn sort_keys(
        &self,
        argument: &Argument,
        sorts: &[OrderByExpr],
        schema: &DFSchema,
    ) -> Result<Vec<SortExpr>> {
        sorts
            .iter()
            .map(|key| {
                let expr = self.expression(argument, key.expr.clone(), None, schema)?;
                let ascending = key.options.asc.unwrap_or(true);
                // As SQL has it: NULLs count as larger than everything.
                let nulls_first = key.options.nulls_first.unwrap_or(!ascending);
                Ok(expr.sort(ascending, nulls_first))
            })
            .collect()
    }

    /// The positional arguments as plain column names.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        self.items().map(|(argument, item)| self.name_of(argument, item)).collect()
    }

    /// The positional arguments from a position on, as plain column names.
    pub(crate) fn names_after(&self, position: usize) -> Result<Vec<String>> {
        self.items().skip(position).map(|(argument, item)| self.name_of(argument, item)).collect()
    }

    /// The positional arguments as `column AS name` pairs; the name is the column's own where
    /// none is given.
    pub(crate) fn renamed(&self) -> Result<Vec<(String, Option<String>)>> {
        self.items()
            .map(|(argument, item)| match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    let old = SelectItem::UnnamedExpr(expr.clone());
                    Ok((self.name_of(argument, &old)?, Some(self.normalized(alias))))
                }
                item => Ok((self.name_of(argument, item)?, None)),
            })
            .collect()
    }

    fn name_of(&self, argument: &Argument, item: &SelectItem) -> Result<String> {
        match item {
            SelectItem::UnnamedExpr(SqlExpr::Identifier(ident)) => Ok(self.normalized(ident)),
            SelectItem::UnnamedExpr(SqlExpr::CompoundIdentifier(parts)) => {
                Ok(parts.iter().map(|part| self.normalized(part)).collect::<Vec<_>>().join("."))
            }
            other => Err(self.wrong(argument, format!("'{other}' is not a column's name"))),
        }
    }

    /// Unquoted names are lower case, as in SQL.
    fn normalized(&self, ident: &sqlparser::ast::Ident) -> String {
        normalized(&self.state, ident)
    }

    /// A whole number at a position.
    pub(crate) fn integer(&self, position: usize) -> Result<Option<usize>> {
        let Some((argument, item)) = self.items().nth(position) else { return Ok(None) };
        let number = self.item(argument, item, &DFSchema::empty())?;
        self.whole(argument, number).map(Some)
    }

    fn whole(&self, argument: &Argument, number: Expr) -> Result<usize> {
        let value = match &number {
            Expr::Literal(ScalarValue::Int64(Some(value)), _) => usize::try_from(*value).ok(),
            Expr::Literal(ScalarValue::UInt64(Some(value)), _) => usize::try_from(*value).ok(),
            _ => None,
        };
        value.ok_or_else(|| self.wrong(argument, format!("'{number}' is not a count of rows")))
    }

    /// A literal at a position.
    pub(crate) fn literal(&self, position: usize) -> Result<Option<ScalarValue>> {
        let Some((argument, item)) = self.items().nth(position) else { return Ok(None) };
        match self.item(argument, item, &DFSchema::empty())? {
            Expr::Literal(value, _) => Ok(Some(value)),
            // Negative numbers and intervals are expressions until they are computed.
            other => match self.computed(other.clone()) {
                Some(value) => Ok(Some(value)),
                None => Err(self.wrong(argument, format!("'{other}' is not a plain value"))),
            },
        }
    }

    /// The value of an expression without columns.
    fn computed(&self, expr: Expr) -> Option<ScalarValue> {
        let plan =
            LogicalPlanBuilder::empty(true).project([expr.alias("value")]).ok()?.build().ok()?;
        match self.state.optimize(&plan).ok()? {
            datafusion::logical_expr::LogicalPlan::Projection(projection) => {
                match projection.expr.first()?.clone().unalias() {
                    Expr::Literal(value, _) => Some(value),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn named(&self, name: &str) -> Option<&'a Argument> {
        self.call
            .arguments
            .iter()
            .find(|a| a.name.as_ref().is_some_and(|n| n.value.eq_ignore_ascii_case(name)))
    }

    /// Every named argument and its expression, for verbs whose names are columns.
    pub(crate) fn named_literals(&self) -> Result<Vec<(String, ScalarValue)>> {
        self.call
            .arguments
            .iter()
            .filter_map(|argument| Some((argument, argument.name.as_ref()?)))
            .map(|(argument, name)| {
                let value = self.literal_of(argument)?;
                Ok((self.normalized(name), value))
            })
            .collect()
    }

    fn literal_of(&self, argument: &Argument) -> Result<ScalarValue> {
        let Value::Item(item) = &argument.value else {
            return Err(self.wrong(argument, "a plain value is wanted here".to_string()));
        };
        let expr = self.item(argument, item, &DFSchema::empty())?;
        self.computed(expr.clone())
            .ok_or_else(|| self.wrong(argument, format!("'{expr}' is not a plain value")))
    }

    /// A named plain value.
    pub(crate) fn named_literal(&self, name: &str) -> Result<Option<ScalarValue>> {
        self.named(name).map(|argument| self.literal_of(argument)).transpose()
    }

    /// A named whole number.
    pub(crate) fn named_integer(&self, name: &str) -> Result<Option<usize>> {
        let Some(argument) = self.named(name) else { return Ok(None) };
        let value = self.literal_of(argument)?;
        self.whole(argument, Expr::Literal(value, None)).map(Some)
    }

    /// A named word: quoted or not.
    pub(crate) fn named_word(&self, name: &str) -> Result<Option<String>> {
        let Some(argument) = self.named(name) else { return Ok(None) };
        match &argument.value {
            Value::Item(SelectItem::UnnamedExpr(SqlExpr::Identifier(word))) => {
                Ok(Some(word.value.clone()))
            }
            Value::Item(SelectItem::UnnamedExpr(SqlExpr::Value(value))) => match &value.value {
                SqlValue::SingleQuotedString(text) => Ok(Some(text.clone())),
                other => Ok(Some(other.to_string())),
            },
            _ => Err(self.wrong(argument, format!("{name} takes a word"))),
        }
    }

    /// Named expressions: one, or several in parentheses.
    pub(crate) fn named_expressions(&self, name: &str, schema: &DFSchema) -> Result<Vec<Expr>> {
        Ok(self.named_sorts(name, schema)?.into_iter().map(|key| key.expr).collect())
    }

    /// Named sort keys: one, or several in parentheses.
    pub(crate) fn named_sorts(&self, name: &str, schema: &DFSchema) -> Result<Vec<SortExpr>> {
        match self.named(name) {
            Some(argument) => match &argument.value {
                Value::Sorts(sorts) => self.sort_keys(argument, sorts, schema),
                _ => Err(self.wrong(argument, format!("{name} takes expressions"))),
            },
            None => Ok(Vec::new()),
        }
    }

    /// Named sort keys as they were written.
    pub(crate) fn named_raw(&self, name: &str) -> Option<&'a [OrderByExpr]> {
        match &self.named(name)?.value {
            Value::Sorts(sorts) => Some(sorts),
            _ => None,
        }
    }

    /// Named values: one, or several in parentheses.
    pub(crate) fn named_values(&self, name: &str) -> Result<Option<Vec<ScalarValue>>> {
        let Some(argument) = self.named(name) else { return Ok(None) };
        self.named_expressions(name, &DFSchema::empty())?
            .into_iter()
            .map(|expr| {
                self.computed(expr.clone())
                    .ok_or_else(|| self.wrong(argument, format!("'{expr}' is not a plain value")))
            })
            .collect::<Result<_>>()
            .map(Some)
    }

    /// The raw SQL of the positional expressions: for verbs that rewrite them first.
    pub(crate) fn raw_items(&self) -> impl Iterator<Item = (&'a Argument, &'a SelectItem)> {
        self.items()
    }

    /// Plans an item that a verb has rewritten.
    pub(crate) fn plan_item(
        &self,
        argument: &Argument,
        item: &SelectItem,
        schema: &DFSchema,
    ) -> Result<Expr> {
        self.item(argument, item, schema)
    }

    /// An error about one argument.
    pub(crate) fn wrong(&self, argument: &Argument, message: String) -> Error {
        Error::text(message)
            .about(self.call.verb.name)
            .at(argument.at)
            .hint(format!("write {}", self.call.verb.signature))
    }

    /// An error about the call as a whole.
    pub(crate) fn missing(&self, message: &str) -> Error {
        Error::text(message)
            .about(self.call.verb.name)
            .at(self.call.at)
            .hint(format!("write {}", self.call.verb.signature))
    }
}

/// An identifier as the session means it: lower case unless quoted.
pub(crate) fn normalized(state: &SessionState, ident: &sqlparser::ast::Ident) -> String {
    let keep = ident.quote_style.is_some()
        || !state.config().options().sql_parser.enable_ident_normalization;
    if keep { ident.value.clone() } else { ident.value.to_lowercase() }
}
