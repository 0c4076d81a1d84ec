//! `t TABLESAMPLE BERNOULLI (10)`, `t SAMPLE 10 PERCENT`, `t SAMPLE 100 ROWS`, with
//! `REPEATABLE (seed)` if the same rows are wanted again. A bare number is a percentage.

use datafusion::common::Result;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use sqlparser::ast::{
    Expr, TableFactor, TableSample, TableSampleKind, TableSampleMethod, TableSampleUnit, Value,
};
use strata_engine::SampleSize;

use super::mistake;

#[derive(Debug)]
pub(super) struct SamplePlanner;

impl RelationPlanner for SamplePlanner {
    fn plan_relation(
        &self,
        mut relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (sample, alias) = match &mut relation {
            TableFactor::Table { sample, alias, .. }
            | TableFactor::Derived { sample, alias, .. }
                if sample.is_some() =>
            {
                (sample.take(), alias.take())
            }
            _ => return Ok(RelationPlanning::Original(Box::new(relation))),
        };
        let Some(
            TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample),
        ) = sample
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let (size, seed) = read(&sample)?;
        let plan = strata_engine::sample(context.plan(relation)?, size, seed)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

fn read(sample: &TableSample) -> Result<(SampleSize, Option<u64>)> {
    if sample.bucket.is_some() || sample.offset.is_some() {
        return Err(mistake("a sample by buckets or with an offset is not supported"));
    }
    if matches!(&sample.name, Some(TableSampleMethod::Block)) {
        return Err(mistake("BLOCK sampling is not supported; BERNOULLI takes single rows"));
    }
    let Some(quantity) = &sample.quantity else {
        return Err(mistake("a sample needs a size, as in TABLESAMPLE (10 PERCENT)"));
    };
    let Some(number) = number(&quantity.value) else {
        return Err(mistake(format!("'{}' is not the size of a sample", quantity.value)));
    };
    let size = match quantity.unit {
        Some(TableSampleUnit::Rows) if number >= 0.0 && number.fract() == 0.0 => {
            SampleSize::Rows(number as usize)
        }
        Some(TableSampleUnit::Rows) => {
            return Err(mistake(format!("{number} is not a number of rows")));
        }
        Some(TableSampleUnit::Percent) | None => SampleSize::Fraction(number / 100.0),
    };
    let seed = match &sample.seed {
        None => None,
        Some(seed) => match seed.value.value.to_string().parse() {
            Ok(seed) => Some(seed),
            Err(_) => return Err(mistake(format!("'{}' is not a seed", seed.value))),
        },
    };
    Ok((size, seed))
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.to_string().parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
