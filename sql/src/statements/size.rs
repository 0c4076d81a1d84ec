//! How large a plan may become. Names and views are put in where they are used, so a few lines that
//! each use the one before twice are a plan of millions of steps, and a thousand that each use it
//! once are one that is walked by recursion.

use datafusion::logical_expr::LogicalPlan;

use crate::error::{Error, Result};

/// Several times what a chain of the longest length comes to.
const DEEPEST: usize = 3_000;
/// Planning so many takes seconds already.
const MOST: usize = 50_000;

/// Refuses a plan that cannot be planned in any reasonable time, or at all.
pub(super) fn refuse_endless(plan: &LogicalPlan) -> Result<()> {
    let mut waiting = vec![(plan, 1)];
    let mut steps = 0;
    while let Some((plan, depth)) = waiting.pop() {
        steps += 1;
        let what = match (depth > DEEPEST, steps > MOST) {
            (true, _) => format!("the query is more than {DEEPEST} steps deep"),
            (_, true) => format!("the query has more than {MOST} steps"),
            _ => {
                waiting.extend(plan.inputs().into_iter().map(|input| (input, depth + 1)));
                continue;
            }
        };
        return Err(Error::text(what).hint(
            "names and views are put in wherever they are used: keep the rows of one of them, \
             CREATE TABLE part AS …",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::LogicalPlanBuilder;

    use super::*;

    fn nested(depth: usize) -> LogicalPlan {
        let mut plan = LogicalPlanBuilder::empty(true).build().unwrap();
        for _ in 0..depth {
            plan = LogicalPlanBuilder::from(plan).distinct().unwrap().build().unwrap();
        }
        plan
    }

    #[test]
    fn deep_and_wide_plans_are_refused() {
        assert!(refuse_endless(&nested(500)).is_ok());
        let error = refuse_endless(&nested(DEEPEST)).unwrap_err();
        assert!(error.to_string().contains("steps deep"), "{error}");
        let mut plan = nested(0);
        for _ in 0..20 {
            plan = LogicalPlanBuilder::from(plan.clone()).union(plan).unwrap().build().unwrap();
        }
        let error = refuse_endless(&plan).unwrap_err();
        assert!(error.to_string().contains("more than 50000 steps"), "{error}");
    }
}
