//! The filters `fixedscaleoffset` and `quantize` of numcodecs. The first keeps `(x - offset) * scale`
//! as a smaller type; the second keeps fewer digits, and so changes nothing when it is read.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::packing::{Packing, Size, wrong_size};
use super::plain::Plain;

#[derive(Debug)]
struct ScaleOffset {
    from: Plain,
    to: Plain,
    scale: f64,
    offset: f64,
}

pub(super) fn make_scale_offset(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let number = |name: &str| {
        let value = settings.get(name).and_then(Value::as_f64);
        value.ok_or_else(|| format!("it does not say its '{name}'"))
    };
    let from = Plain::of(settings.get("dtype"))?;
    let to = match settings.get("astype") {
        None | Some(Value::Null) => from,
        other => Plain::of(other)?,
    };
    Ok(Arc::new(ScaleOffset { from, to, scale: number("scale")?, offset: number("offset")? }))
}

impl Packing for ScaleOffset {
    fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut packed = Vec::new();
        // NumPy rounds halves to the even one.
        self.from.read(bytes, |value| {
            self.to.write(((value - self.offset) * self.scale).round_ties_even(), &mut packed);
        });
        Ok(packed)
    }

    fn unpack(&self, packed: &[u8], size: Size) -> Result<Vec<u8>, String> {
        let length = packed.len() / self.to.kind.width() * self.from.kind.width();
        match size {
            Size::Exactly(size) | Size::AtMost(size) if length > size => {
                return Err(wrong_size(length, size));
            }
            _ => {}
        }
        let mut bytes = Vec::with_capacity(length);
        self.to.read(packed, |value| self.from.write(value / self.scale + self.offset, &mut bytes));
        Ok(bytes)
    }

    fn longest(&self, size: u64) -> u64 {
        size / self.from.kind.width() as u64 * self.to.kind.width() as u64
    }

    fn is_exact(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Quantize;

pub(super) fn make_quantize(settings: &Map<String, Value>) -> Result<Arc<dyn Packing>, String> {
    let from = Plain::of(settings.get("dtype"))?;
    match settings.get("astype") {
        None | Some(Value::Null) => {}
        other if Plain::of(other)? == from => {}
        _ => return Err("digits kept in another type cannot be read".to_string()),
    }
    Ok(Arc::new(Quantize))
}

impl Packing for Quantize {
    fn pack(&self, _bytes: &[u8]) -> Result<Vec<u8>, String> {
        Err("it can be read, not written".to_string())
    }

    fn unpack(&self, packed: &[u8], _size: Size) -> Result<Vec<u8>, String> {
        Ok(packed.to_vec())
    }

    fn longest(&self, size: u64) -> u64 {
        size
    }

    fn is_exact(&self) -> bool {
        true
    }
}
