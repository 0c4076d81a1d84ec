//! Arrow Flight SQL: every other tool connects.

#![allow(dead_code, unused_imports, reason = "the server that uses it comes with `strata serve`")]

mod caller;
pub(crate) mod locks;

pub(crate) use caller::{Caller, Role};
