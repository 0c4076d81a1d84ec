//! Numbers that are told with a step, such as the edges of bins.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Some numbers, as bits on the wire: JSON has neither NaN nor infinity.
#[derive(Debug, Clone, PartialEq)]
pub struct Floats(pub(crate) Arc<[f64]>);

impl From<&[f64]> for Floats {
    fn from(values: &[f64]) -> Self {
        Self(values.into())
    }
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|value| value.to_bits()))
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bits = Vec::<u64>::deserialize(from)?;
        Ok(Self(bits.into_iter().map(f64::from_bits).collect()))
    }
}
