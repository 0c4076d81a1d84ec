//! Verbs of several arrays: what is done to a group is done to each of its arrays that has the dimensions it is about.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::execution::context::SessionContext;
use strata_connectors::zarr::Variables;
use strata_engine::{ArrayError, Labelled};

use super::{Value, bind, labels};
use crate::error::{Error, Result};
use crate::parse::{Term, TermArgument, TermValue, What};

/// The verb that groups alone have.
const WITHOUT: &str = "without";

/// Verbs whose results are no arrays yet.
const OF_ONE: &[&str] = &["coarsen", "groupby", "resample", "rolling", "weighted"];

/// The verbs, each with how it is written.
pub(super) const VERBS: &[(&str, &str)] = &[(WITHOUT, "without(height, rain)")];

type Arrays = BTreeMap<String, std::result::Result<Labelled, ArrayError>>;

/// What a verb makes of a group.
pub(super) async fn call(
    session: &SessionContext,
    group: Variables,
    verb: &str,
    arguments: &[TermArgument],
) -> Result<Value> {
    if verb.eq_ignore_ascii_case(WITHOUT) {
        return without(group, arguments).map(Value::Group);
    }
    if OF_ONE.iter().any(|one| verb.eq_ignore_ascii_case(one)) {
        let name = group.arrays.keys().next_back().map_or("temp", String::as_str);
        return Err(no_array_of_each(name, verb).about(verb));
    }
    let dims: BTreeSet<String> = group
        .arrays
        .values()
        .flatten()
        .flat_map(|array| array.array.dims().iter().flatten().cloned())
        .collect();
    let mut made = Arrays::new();
    let mut coordinates = Arrays::new();
    for (name, array) in &group.arrays {
        let Ok(array) = array else {
            made.insert(name.clone(), array.clone());
            continue;
        };
        if is_coordinate(name, array) {
            continue;
        }
        let own: Vec<&String> = array.array.dims().iter().flatten().collect();
        let about = arguments.iter().map(|argument| restricted(argument, &dims, &own));
        let about: Vec<Option<TermArgument>> = about.collect();
        let touched = about.iter().all(Option::is_some)
            || about.iter().flatten().any(|argument| !named(argument, &dims).is_empty());
        let result = match touched {
            true => {
                let about: Vec<TermArgument> = about.into_iter().flatten().collect();
                bind::of_array(session, array.clone(), verb, &about).await
            }
            false => Ok(Value::Array(array.clone())),
        };
        let result = match result {
            Ok(Value::Array(result)) => Labelled { name: Some(name.clone()), ..result },
            Ok(_) => return Err(no_array_of_each(name, verb)),
            Err(error) => return Err(error.about(name)),
        };
        for (dim, coord) in &result.coords {
            let mut coord = Labelled::from(coord.clone());
            coord.name = Some(dim.clone());
            coord.coords.insert(dim.clone(), coord.array.clone());
            coordinates.entry(dim.clone()).or_insert(Ok(coord));
        }
        made.insert(name.clone(), Ok(result));
    }
    for (dim, coord) in coordinates {
        made.entry(dim).or_insert(coord);
    }
    Ok(Value::Group(Variables { arrays: made, ..group }))
}

fn no_array_of_each(name: &str, verb: &str) -> Error {
    Error::text("it makes something else than an array of each")
        .hint(format!("name one of the arrays first, as in .{name}.{verb}(…)"))
}

/// Whether an array says what the places along its only dimension are.
fn is_coordinate(name: &str, array: &Labelled) -> bool {
    matches!(array.array.dims(), [Some(dim)] if dim == name)
}

/// A group without some of its arrays.
fn without(mut group: Variables, arguments: &[TermArgument]) -> Result<Variables> {
    for argument in arguments {
        let name = match &argument.value {
            TermValue::Term(Term { what: What::Name(name) | What::Text(name), .. }) => name,
            _ => {
                return Err(Error::text("it takes names of arrays")
                    .at(argument.at)
                    .hint("write without(height, rain)"));
            }
        };
        if group.arrays.remove(name).is_none() {
            let error = group.get(name).err().map(super::asked);
            return Err(error.unwrap_or_else(|| Error::text(name.clone())).at(argument.at));
        }
    }
    match group.arrays.is_empty() {
        true => Err(Error::text("no array is left")),
        false => Ok(group),
    }
}

/// The dimensions that an argument is about.
fn named(argument: &TermArgument, dims: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.extend(argument.name.clone());
    match &argument.value {
        TermValue::Condition(condition) => all.extend(labels::names_of(condition)),
        TermValue::Term(term) => of_term(term, &mut all),
    }
    all.retain(|name| dims.contains(name));
    all
}

fn of_term(term: &Term, all: &mut BTreeSet<String>) {
    match &term.what {
        What::Name(name) => drop(all.insert(name.clone())),
        What::List(terms) => terms.iter().for_each(|term| of_term(term, all)),
        _ => {}
    }
}

/// An argument as far as it is about dimensions that an array has; none where it is about others.
fn restricted(
    argument: &TermArgument,
    dims: &BTreeSet<String>,
    own: &[&String],
) -> Option<TermArgument> {
    let has = |name: &String| own.contains(&name);
    if named(argument, dims).iter().all(has) {
        return Some(argument.clone());
    }
    let TermValue::Term(Term { what: What::List(terms), at }) = &argument.value else {
        return None;
    };
    let kept = terms.iter().filter(|term| match &term.what {
        What::Name(name) => has(name) || !dims.contains(name),
        _ => true,
    });
    let kept: Vec<Term> = kept.cloned().collect();
    let value = TermValue::Term(Term { what: What::List(kept.clone()), at: *at });
    (!kept.is_empty()).then(|| TermArgument { value, ..argument.clone() })
}
