//! Walking through expressions. They are graphs, and may be deep: each step is looked at once, without
//! recursion.

use std::collections::HashMap;

use super::Result;
use crate::lazy::Array;

/// Makes of each step another, inputs first. `each` is given a step over what became of its inputs, and the
/// step as it was; what it leaves alone stays.
pub(super) fn bottom_up(
    root: &Array,
    mut each: impl FnMut(&Array, &Array) -> Result<Option<Array>>,
) -> Result<Array> {
    let mut known: HashMap<usize, Array> = HashMap::new();
    let mut left = vec![(root.clone(), false)];
    while let Some((array, ready)) = left.pop() {
        if known.contains_key(&array.id()) {
            continue;
        }
        if !ready {
            left.push((array.clone(), true));
            left.extend(array.inputs().iter().map(|input| (input.clone(), false)));
            continue;
        }
        let inputs = array.inputs().iter().filter_map(|input| known.get(&input.id()).cloned());
        let over = array.over(inputs.collect())?;
        let made = each(&over, &array)?.unwrap_or(over);
        known.insert(array.id(), made);
    }
    Ok(known.remove(&root.id()).unwrap_or_else(|| root.clone()))
}

/// How many steps are done to each.
pub(super) fn uses(root: &Array) -> HashMap<usize, usize> {
    let mut uses: HashMap<usize, usize> = HashMap::new();
    let mut left = vec![root.clone()];
    while let Some(array) = left.pop() {
        for input in array.inputs() {
            let seen = uses.entry(input.id()).or_default();
            *seen += 1;
            if *seen == 1 {
                left.push(input.clone());
            }
        }
    }
    uses
}
