//! The filter `delta` of numcodecs: the first value, and then by how much each differs from the one
//! before. Whole numbers wrap around, as they do in NumPy.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::packing::{Packing, Size, wrong_size};
use super::plain::{Plain, each_plain};
use strata_engine::buffers;

#[derive(Debug)]
struct Delta(Plain);

pub(super) fn make(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let plain = Plain::of(settings.get("dtype"))?;
    match settings.get("astype") {
        None | Some(Value::Null) => {}
        other if Plain::of(other)? == plain => {}
        _ => return Err("differences of another type than the values cannot be read".to_string()),
    }
    Ok(Arc::new(Delta(plain)))
}

impl Packing for Delta {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut differences = bytes.to_vec();
        macro_rules! subtract {
            ($type:ty, $sub:expr, $add:expr) => {{
                let mut last: $type = Default::default();
                self.0.walk(&mut differences, |value: $type| {
                    let difference = $sub(value, last);
                    last = value;
                    difference
                });
            }};
        }
        each_plain!(self.0, subtract);
        Ok(differences)
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        match size {
            Size::Exactly(size) | Size::AtMost(size) if packed.len() > size => {
                return Err(wrong_size(packed.len(), size));
            }
            _ => {}
        }
        let mut values = buffers::take(packed.len());
        values.copy_from_slice(packed);
        macro_rules! add {
            ($type:ty, $sub:expr, $add:expr) => {{
                let mut sum: $type = Default::default();
                self.0.walk(&mut values, |difference: $type| {
                    sum = $add(sum, difference);
                    sum
                });
            }};
        }
        each_plain!(self.0, add);
        Ok(values)
    }

    fn longest(&self, size: u64) -> u64 {
        size
    }

    fn is_exact(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_summed() {
        let settings = serde_json::json!({"dtype": ">i2"});
        let delta = make(settings.as_object().unwrap()).unwrap();
        let values: Vec<u8> =
            [7_i16, 3, -300, i16::MAX].iter().flat_map(|v| v.to_be_bytes()).collect();
        let packed = delta.pack(&values).unwrap();
        assert_eq!(packed[2..4], (-4_i16).to_be_bytes());
        assert_eq!(delta.unpack(&packed, Size::Exactly(8)).unwrap(), values);
        assert!(delta.unpack(&packed, Size::Exactly(6)).is_err());
    }
}
