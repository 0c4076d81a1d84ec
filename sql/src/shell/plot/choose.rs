//! Which columns are drawn, and how, where the person leaves that open.

use arrow::datatypes::Schema;

use super::column::Role;
use super::spec::{Kind, PlotSpec};
use super::{MAX_SERIES, refuse};
use crate::error::Result;

/// Which columns are drawn, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// A bar for each row and column of `values`; without a column of names, the rows are counted.
    Bars { names: Option<usize>, values: Vec<usize> },
    /// Points of each column of `y`, or of each text in `split`. Without x, the rows are counted.
    /// Lines or single points, as `kind` says or as the order of x suggests.
    Points { kind: Option<Kind>, x: Option<usize>, y: Vec<usize>, split: Option<usize> },
    /// A cell for each pair.
    Heat { x: usize, y: usize, value: usize },
}

/// Chooses. `repeats` tells whether the values of a column repeat, as far as is known.
pub(super) fn choose(
    spec: &PlotSpec,
    schema: &Schema,
    repeats: impl Fn(usize) -> bool,
) -> Result<Plan> {
    let roles: Vec<(usize, Role)> = schema
        .fields()
        .iter()
        .enumerate()
        .filter_map(|(index, field)| Some((index, Role::of(field.data_type())?)))
        .collect();
    let role = |index: usize| roles.iter().find(|(at, _)| *at == index).map(|(_, role)| *role);
    let first = |wanted: &dyn Fn(usize, Role) -> bool| {
        roles.iter().find(|(index, role)| wanted(*index, *role)).map(|(index, _)| *index)
    };
    let x = spec.x.as_deref().map(|name| find(schema, name)).transpose()?;
    let y: Vec<usize> = spec.y.iter().map(|name| find(schema, name)).collect::<Result<Vec<_>>>()?;
    for index in x.iter().chain(&y) {
        if role(*index).is_none() {
            return Err(undrawable(schema, *index));
        }
    }

    let kind = spec.kind.or_else(|| match (x, y.is_empty(), roles.as_slice()) {
        (None, true, [(a, first), (b, second), (_, third)])
            if first.is_category() && second.is_category() && third.is_number() =>
        {
            // A whole number makes a grid with what repeats; else it is a series, such as a count.
            let grid = match (first, second) {
                (Role::Text, Role::Text) => true,
                (_, Role::Text) => repeats(*b),
                _ => repeats(*a),
            };
            match grid {
                true => Some(Kind::Heat),
                false => [first, second].contains(&&Role::Text).then_some(Kind::Bar),
            }
        }
        (Some(x), _, _) => (role(x) == Some(Role::Text)).then_some(Kind::Bar),
        (None, _, roles) => {
            let has_time = roles.iter().any(|(_, role)| role.is_time());
            let has_text = roles.iter().any(|(_, role)| *role == Role::Text);
            (has_text && !has_time).then_some(Kind::Bar)
        }
    });

    let numbers = |not: Option<usize>| -> Result<Vec<usize>> {
        let found: Vec<usize> = match y.is_empty() {
            false => y.clone(),
            true => roles
                .iter()
                .filter(|(index, role)| role.is_number() && Some(*index) != not)
                .map(|(index, _)| *index)
                .collect(),
        };
        match found.iter().find(|index| !role(**index).is_some_and(Role::is_number)) {
            Some(index) => Err(undrawable(schema, *index)),
            None if found.is_empty() => Err(refuse(
                "there is nothing to plot: no column holds numbers to draw",
                "select a number beside the names or times, such as count(*)",
            )),
            None => Ok(found),
        }
    };

    match kind {
        Some(Kind::Heat) => {
            let free = |index: usize| Some(index) != x && !y.contains(&index);
            let value = match y.get(1) {
                Some(value) => Some(*value),
                None => roles
                    .iter()
                    .rev()
                    .find(|(index, role)| role.is_number() && free(*index))
                    .map(|(index, _)| *index),
            };
            let x = x.or_else(|| first(&|index, _| free(index) && Some(index) != value));
            let y = y.first().copied().or_else(|| {
                first(&|index, _| free(index) && Some(index) != value && Some(index) != x)
            });
            match (x, y, value) {
                (Some(x), Some(y), Some(value)) if role(value).is_some_and(Role::is_number) => {
                    Ok(Plan::Heat { x, y, value })
                }
                _ => Err(refuse(
                    "a heat plot takes two columns for its axes and a number",
                    "select three columns, such as weekday, hour, count(*)",
                )),
            }
        }
        Some(Kind::Bar) => {
            let names = x.or_else(|| {
                let unused = |index: usize| !y.contains(&index);
                first(&|index, role| unused(index) && role == Role::Text)
                    .or_else(|| first(&|index, role| unused(index) && role.is_time()))
                    .or_else(|| match numbers(None).map_or(0, |found| found.len()) {
                        0 | 1 if y.is_empty() => None,
                        _ => first(&|index, _| unused(index)),
                    })
            });
            Ok(Plan::Bars { names, values: numbers(names)? })
        }
        kind => {
            let x = x.or_else(|| {
                let unused = |index: usize| !y.contains(&index);
                first(&|index, role| unused(index) && role.is_time()).or_else(|| {
                    let count = roles.iter().filter(|(_, role)| role.is_number()).count();
                    match count > 1 {
                        true => first(&|index, role| unused(index) && role.is_number()),
                        false => None,
                    }
                })
            });
            if let Some(x) = x
                && role(x) == Some(Role::Text)
            {
                let name = schema.field(x).name();
                return Err(refuse(
                    format!("x='{name}' is text, which has no place along a line"),
                    "draw it with \\plot bar, or choose a number or a time for x",
                ));
            }
            let y = numbers(x)?;
            // One number for each name and time: a line for each name.
            let split = match y.len() {
                1 => first(&|index, role| {
                    role == Role::Text && Some(index) != x && !y.contains(&index)
                }),
                _ => None,
            };
            Ok(Plan::Points { kind, x, y, split })
        }
    }
}

impl Plan {
    /// Leaves away series for which there is no color, and tells how many.
    pub(super) fn limit(&mut self) -> usize {
        let series = match self {
            Self::Bars { values, .. } => values,
            Self::Points { y, .. } => y,
            Self::Heat { .. } => return 0,
        };
        let more = series.len().saturating_sub(MAX_SERIES);
        series.truncate(MAX_SERIES);
        more
    }
}

/// The column with this name, in any case if there is no exact one.
fn find(schema: &Schema, name: &str) -> Result<usize> {
    let fields = schema.fields();
    let exact = fields.iter().position(|field| field.name() == name);
    let found =
        exact.or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)));
    found.ok_or_else(|| {
        let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
        let nearest = names
            .iter()
            .map(|other| {
                (strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase()), other)
            })
            .min()
            .filter(|(distance, _)| *distance <= 2);
        let hint = match nearest {
            Some((_, nearest)) => format!("did you mean '{nearest}'?"),
            None => format!("the columns are {}", names.join(", ")),
        };
        refuse(format!("the result has no column '{name}'"), hint)
    })
}

fn undrawable(schema: &Schema, index: usize) -> crate::error::Error {
    let field = schema.field(index);
    refuse(
        format!(
            "column '{}' is of type {}, which is no number to draw",
            field.name(),
            crate::shell::output::type_name(field.data_type())
        ),
        "choose another column, or cast it to DOUBLE in the query",
    )
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, TimeUnit};

    use super::*;

    fn plan(words: &str, columns: &str, repeats: bool) -> Result<Plan> {
        let fields: Vec<Field> = columns
            .split(' ')
            .map(|name| {
                let data_type = match name.chars().next() {
                    Some('t') => DataType::Utf8,
                    Some('i') => DataType::Int64,
                    Some('d') => DataType::Timestamp(TimeUnit::Second, None),
                    Some('b') => DataType::Binary,
                    _ => DataType::Float64,
                };
                Field::new(name, data_type, true)
            })
            .collect();
        choose(&PlotSpec::parse(words)?, &Schema::new(fields), |_| repeats)
    }

    fn points(kind: Option<Kind>, x: Option<usize>, y: &[usize], split: Option<usize>) -> Plan {
        Plan::Points { kind, x, y: y.to_vec(), split }
    }

    #[test]
    fn types_choose_the_plot() -> Result<()> {
        let bars = |names, values: &[usize]| Plan::Bars { names, values: values.to_vec() };
        assert_eq!(plan("", "t n", false)?, bars(Some(0), &[1]));
        assert_eq!(plan("", "n t m", false)?, bars(Some(1), &[0, 2]));
        assert_eq!(plan("", "d n m", false)?, points(None, Some(0), &[1, 2], None));
        assert_eq!(plan("", "n m", false)?, points(None, Some(0), &[1], None));
        assert_eq!(plan("", "n", false)?, points(None, None, &[0], None));
        assert_eq!(plan("", "t d n", false)?, points(None, Some(1), &[2], Some(0)));
        let heat = Plan::Heat { x: 0, y: 1, value: 2 };
        assert_eq!(plan("", "t t2 n", false)?, heat);
        assert_eq!(plan("", "i i2 n", true)?, heat);
        assert_eq!(plan("", "t i n", true)?, heat);
        assert_eq!(plan("", "t i n", false)?, bars(Some(0), &[1, 2]));
        assert_eq!(plan("", "i i2 n", false)?, points(None, Some(0), &[1, 2], None));
        Ok(())
    }

    #[test]
    fn what_is_said_is_done() -> Result<()> {
        let scatter = points(Some(Kind::Scatter), Some(1), &[0], None);
        assert_eq!(plan("scatter x=M y=n", "n m k", false)?, scatter);
        let bars = Plan::Bars { names: Some(0), values: vec![1] };
        assert_eq!(plan("bar", "i n", false)?, bars);
        assert_eq!(plan("heat x=t y=d,n", "n t d", false)?, Plan::Heat { x: 1, y: 2, value: 0 });
        Ok(())
    }

    #[test]
    fn what_cannot_be_drawn_is_explained() {
        for (words, columns, message) in [
            ("", "t", "no column holds numbers"),
            ("x=nn", "n m", "no column 'nn'"),
            ("line x=t", "t n", "is text"),
            ("y=b", "t b", "is of type bytea"),
            ("heat", "t n", "a heat plot takes"),
        ] {
            let error = plan(words, columns, false).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(message)), "{error:?}");
        }
    }
}
