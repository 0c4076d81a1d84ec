//! Steps that are written twice: the same done to the same. Later steps are done to the first of them, and
//! what it comes to is there once.

use std::collections::HashMap;

use super::Result;
use super::rewrite::bottom_up;
use crate::array::{ArrayError, Form};
use crate::lazy::{Array, Op};

/// What two steps that are the same have in common.
#[derive(PartialEq, Eq, Hash)]
enum Same {
    /// A step, as it is written, and what it is done to.
    Step(String, Vec<usize>),
    /// What tells a source from all others.
    Source(&'static str, Vec<u8>),
    /// A kernel, how far around it looks, and what it is done to.
    Kernel(String, Option<String>, Vec<usize>),
    /// The source itself.
    Itself(usize),
    Given(usize),
}

impl Same {
    fn of(array: &Array) -> Result<Self> {
        let inputs = || array.inputs().iter().map(Array::id).collect();
        Ok(match array.op() {
            Op::Read(source) => match source.identity() {
                Some(identity) => Self::Source(source.wire_name(), identity),
                None => Self::Itself(std::sync::Arc::as_ptr(source).cast::<()>() as usize),
            },
            Op::Given(number) => Self::Given(*number),
            Op::Kernel(kernel) => Self::Kernel(kernel.name().to_string(), None, inputs()),
            Op::Around(kernel, reach) => {
                let reach = Some(format!("{reach:?}"));
                Self::Kernel(kernel.name().to_string(), reach, inputs())
            }
            Op::Step(step) => {
                let written = serde_json::to_string(step);
                Self::Step(written.map_err(|error| ArrayError::asked(error.to_string()))?, inputs())
            }
        })
    }
}

pub(super) fn rewrite(root: &Array) -> Result<Array> {
    let mut first: HashMap<Same, Vec<Array>> = HashMap::new();
    bottom_up(root, |array, _| {
        let alike = first.entry(Same::of(array)?).or_default();
        // The same values may be cut otherwise, or have other names.
        let form: &Form = array.form();
        match alike.iter().find(|other| other.form() == form) {
            Some(same) => Ok(Some(same.clone())),
            None => {
                alike.push(array.clone());
                Ok(None)
            }
        }
    })
}
