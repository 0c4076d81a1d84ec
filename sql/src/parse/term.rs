//! What the array language says, once it is read: terms, which nobody has looked up yet.

use sqlparser::ast::Expr;
use strata_engine::Binary;

use crate::arrays::{is_maker, is_verb};
use crate::error::Location;
use crate::verbs::find_verb;

/// An expression of the array language.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) what: What,
    pub(crate) at: Location,
}

/// What a term is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Number(String),
    Text(String),
    Truth(bool),
    Name(String),
    /// Several, in parentheses or brackets.
    List(Vec<Term>),
    Call(String, Vec<TermArgument>),
    Verb(Box<Term>, String, Vec<TermArgument>),
    Field(Box<Term>, String),
    Subscript(Box<Term>, Vec<Subscript>),
    Negative(Box<Term>),
    Not(Box<Term>),
    Binary(Binary, Box<Term>, Box<Term>),
}

/// An argument of a function or a verb.
#[derive(Debug, Clone)]
pub(crate) struct TermArgument {
    /// Its name, where it was given with `=>`.
    pub(crate) name: Option<String>,
    pub(crate) value: TermValue,
    pub(crate) at: Location,
}

/// What an argument is: a term, or a condition in SQL.
#[derive(Debug, Clone)]
pub(crate) enum TermValue {
    Term(Term),
    Condition(Box<Expr>),
}

/// One subscript.
#[derive(Debug, Clone)]
pub(crate) enum Subscript {
    One(Term),
    Slice(Option<Term>, Option<Term>, Option<Term>),
    Rest,
    /// A new dimension.
    New,
}

impl Term {
    /// The name that all of it is about, where nothing is done but what arrays and tables have verbs for; and its
    /// part, which is a table where the name is a schema.
    pub(crate) fn name(&self) -> Option<(&str, Option<&str>)> {
        match &self.what {
            What::Name(name) => Some((name, None)),
            What::Verb(on, verb, _) if is_verb(verb) => on.name(),
            What::Field(on, part) => match on.name()? {
                (name, None) => Some((name, Some(part))),
                of_part => Some(of_part),
            },
            _ => None,
        }
    }

    /// Whether no chain on tables is written like this: it calls what makes arrays, subscribes, computes,
    /// or uses a verb that tables do not have.
    pub(super) fn is_of_arrays(&self) -> bool {
        match &self.what {
            What::Call(name, arguments) => {
                is_maker(name)
                    || arguments.iter().any(|argument| match &argument.value {
                        TermValue::Term(term) => term.is_of_arrays(),
                        TermValue::Condition(_) => false,
                    })
            }
            What::Verb(on, verb, _) => {
                on.is_of_arrays() || (is_verb(verb) && find_verb(verb).is_none())
            }
            What::Field(on, _) => on.is_of_arrays(),
            What::Subscript(..) | What::Binary(..) | What::Negative(_) | What::Not(_) => true,
            What::Number(_) | What::Text(_) | What::Truth(_) | What::Name(_) | What::List(_) => {
                false
            }
        }
    }
}
