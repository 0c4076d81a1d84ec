//! What else is said of an array: its units, a longer name, who measured it. It goes along with the values, as Xarray
//! has it: a step says of its result what its first input says, and a function of two values what both agree on.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::op::{Op, Step};
use super::{Array, Labelled};

/// What is said of an array, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Option<Arc<Map<String, Value>>>);

impl From<Map<String, Value>> for Attributes {
    fn from(said: Map<String, Value>) -> Self {
        Self((!said.is_empty()).then(|| Arc::new(said)))
    }
}

impl Attributes {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What is said under a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// The text under a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// All names, and what is said under them.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|said| said.iter())
    }

    /// The same, and this: it is what counts where both say something.
    pub fn with(&self, more: &Map<String, Value>) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let mut said = self.to_map();
        said.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        said.into()
    }

    /// The same without what is said under these names.
    pub fn without(&self, names: &[&str]) -> Self {
        if !names.iter().any(|name| self.get(name).is_some()) {
            return self.clone();
        }
        let mut said = self.to_map();
        said.retain(|name, _| !names.contains(&name.as_str()));
        said.into()
    }

    /// As JSON has it.
    pub fn to_map(&self) -> Map<String, Value> {
        self.0.as_deref().cloned().unwrap_or_default()
    }

    /// What it is, in a few words: `Air temperature (K)`.
    pub fn about(&self) -> Option<String> {
        let name = self.text("long_name").or_else(|| self.text("standard_name"));
        match (name, self.text("units")) {
            (Some(name), Some(units)) => Some(format!("{name} ({units})")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_string()),
            (None, None) => None,
        }
    }

    /// What is said of either, but for what the two say otherwise.
    fn agreed(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (_, None) => self.clone(),
            (None, _) => other.clone(),
            (Some(one), Some(two)) if one == two => self.clone(),
            (Some(one), Some(two)) => {
                let mut said = Map::new();
                for (name, value) in one.iter().chain(two.iter()) {
                    let differs =
                        |map: &Map<String, Value>| map.get(name).is_some_and(|v| v != value);
                    if !differs(one) && !differs(two) {
                        said.insert(name.clone(), value.clone());
                    }
                }
                said.into()
            }
        }
    }

    /// What is said of what a step makes of its inputs.
    pub(super) fn of_step(op: &Op, inputs: &[Array]) -> Self {
        let first = |inputs: &[Array]| {
            inputs.iter().map(Array::attributes).find(|said| !said.is_empty()).cloned()
        };
        match (op, inputs) {
            (Op::Step(Step::Binary(_)), [one, two]) => one.attributes().agreed(two.attributes()),
            // Where something holds says nothing of what is there.
            (Op::Step(Step::Select), [_, chosen @ ..]) => first(chosen).unwrap_or_default(),
            (Op::Step(step), _) if makes_another_thing(step) => Self::default(),
            _ => first(inputs).unwrap_or_default(),
        }
    }
}

/// Whether what comes of it is measured in something else, whatever was measured.
fn makes_another_thing(step: &Step) -> bool {
    matches!(
        step,
        Step::Digitize { .. }
            | Step::Contract { .. }
            | Step::Correlate { .. }
            | Step::Triangles(_)
            | Step::Bases(_)
            | Step::Dense(_)
            | Step::Records
            | Step::Fourier { .. }
    )
}

impl Array {
    /// What else is said of it.
    pub fn attributes(&self) -> &Attributes {
        &self.1
    }

    /// The same values, of which this is said.
    pub fn with_attributes(&self, attributes: impl Into<Attributes>) -> Self {
        Self(Arc::clone(&self.0), attributes.into())
    }
}

impl Labelled {
    /// The same, of which this is said.
    pub fn with_attributes(&self, attributes: impl Into<Attributes>) -> Self {
        Self { array: self.array.with_attributes(attributes), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::array::Kind;
    use crate::kernels::{Binary, Reduce, Unary};
    use crate::lazy::{Index, Scalar};

    fn said(what: Value) -> Attributes {
        what.as_object().cloned().unwrap().into()
    }

    fn of(what: Value) -> Array {
        let zeros = Array::full(&[3, 4], Scalar::Float(0.0), Kind::F64.into()).unwrap();
        zeros.with_attributes(said(what))
    }

    #[test]
    fn what_is_said_goes_along() {
        let kelvin = json!({"units": "K", "long_name": "temperature"});
        let t = of(kelvin.clone());
        let same = [
            t.unary(Unary::Sqrt).unwrap(),
            t.binary_with(Binary::Mul, Scalar::Float(2.0), true).unwrap(),
            t.reduce(Reduce::Mean, false, &[0]).unwrap(),
            t.index(&[Index::At(0)]).unwrap(),
            t.named(vec![Some("x".to_string()), None]).unwrap(),
            t.binary(Binary::Sub, &t.reduce(Reduce::Mean, false, &[0]).unwrap()).unwrap(),
            t.unary(Unary::IsNan).unwrap().select(&t, &of(json!({"units": "m"}))).unwrap(),
        ];
        for array in same {
            assert_eq!(*array.attributes(), said(kelvin.clone()), "{}", array.formula());
        }
    }

    #[test]
    fn what_two_say_otherwise_is_left_out() {
        let (one, two) =
            (of(json!({"units": "K", "a": 1})), of(json!({"units": "m", "a": 1, "c": 2})));
        let both = one.binary(Binary::Add, &two).unwrap();
        assert_eq!(*both.attributes(), said(json!({"a": 1, "c": 2})));
        assert!(one.same_as(&one.with_attributes(Attributes::default())));
    }

    #[test]
    fn what_counts_is_what_was_said_last() {
        let of = said(json!({"units": "K", "a": 1}));
        let more = json!({"units": "°C"});
        assert_eq!(of.with(more.as_object().unwrap()), said(json!({"units": "°C", "a": 1})));
        assert_eq!(of.without(&["a", "units", "b"]), Attributes::default());
        assert_eq!(said(json!({"units": "K", "standard_name": "t"})).about().unwrap(), "t (K)");
    }
}
