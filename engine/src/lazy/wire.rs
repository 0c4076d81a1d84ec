//! Arrays as bytes: their steps, each once, inputs first.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message;
use serde::{Deserialize, Serialize};

use super::{Array, ChunkKernel, Op, Reach, Result, Step, check};
use crate::array::{ArrayError, ArraySource, DType, Form, Grid};

/// More steps than this are nobody's expression.
const MOST_STEPS: usize = 1 << 20;

/// Finds what only some processes know.
pub(crate) trait Finds {
    /// A source from its name and what it wrote of itself.
    fn source(&self, name: &str, bytes: &[u8]) -> Result<Arc<dyn ArraySource>>;

    /// A kernel from its name.
    fn kernel(&self, name: &str) -> Result<Arc<dyn ChunkKernel>>;
}

#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    /// The steps, as JSON.
    #[prost(bytes = "vec", tag = "1")]
    steps: Vec<u8>,
    /// What sources wrote of themselves.
    #[prost(bytes = "vec", repeated, tag = "2")]
    sources: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Sent {
    op: SentOp,
    inputs: Vec<usize>,
    dtype: DType,
    grid: Grid,
    dims: Vec<Option<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentOp {
    Read { source: String, bytes: usize },
    Given(usize),
    Kernel(String),
    Around(String, Reach),
    Step(Step),
}

impl Array {
    /// The array as bytes.
    pub(crate) fn to_wire(&self) -> Result<Vec<u8>> {
        let mut sent: Vec<Sent> = Vec::new();
        let mut sources = Vec::new();
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut left = vec![(self.clone(), false)];
        while let Some((array, ready)) = left.pop() {
            if places.contains_key(&array.id()) {
                continue;
            }
            if !ready {
                left.push((array.clone(), true));
                left.extend(array.inputs().iter().map(|input| (input.clone(), false)));
                continue;
            }
            let op = match array.op() {
                Op::Read(source) => {
                    sources.push(source.to_wire()?);
                    let source = source.wire_name().to_string();
                    SentOp::Read { source, bytes: sources.len() - 1 }
                }
                Op::Given(number) => SentOp::Given(*number),
                Op::Kernel(kernel) => SentOp::Kernel(kernel.name().to_string()),
                Op::Around(kernel, reach) => {
                    SentOp::Around(kernel.name().to_string(), reach.clone())
                }
                Op::Step(step) => SentOp::Step(step.clone()),
            };
            let inputs = array.inputs().iter().filter_map(|input| places.get(&input.id()).copied());
            let inputs = inputs.collect();
            places.insert(array.id(), sent.len());
            let Form { dtype, grid, dims } = array.form().clone();
            sent.push(Sent { op, inputs, dtype, grid, dims });
        }
        let unsent = |error: serde_json::Error| ArrayError::asked(error.to_string());
        let steps = serde_json::to_vec(&sent).map_err(unsent)?;
        Ok(Bytes { steps, sources }.encode_to_vec())
    }

    /// The array from bytes, which may be anybody's.
    pub(crate) fn from_wire(bytes: &[u8], finds: &dyn Finds) -> Result<Self> {
        let unread = |reason: String| ArrayError::asked(format!("bytes of an array: {reason}"));
        let bytes = Bytes::decode(bytes).map_err(|error| unread(error.to_string()))?;
        let sent: Vec<Sent> =
            serde_json::from_slice(&bytes.steps).map_err(|error| unread(error.to_string()))?;
        if sent.len() > MOST_STEPS {
            return Err(unread(format!("{} steps", sent.len())));
        }
        let mut arrays: Vec<Self> = Vec::with_capacity(sent.len());
        for Sent { op, inputs, dtype, grid, dims } in sent {
            if !grid.is_sound() {
                return Err(unread("chunks that do not follow one another".to_string()));
            }
            let inputs = inputs.into_iter().map(|at| arrays.get(at).cloned());
            let inputs: Option<Vec<Self>> = inputs.collect();
            let inputs = inputs.ok_or_else(|| unread("a step before its inputs".to_string()))?;
            let op = match op {
                SentOp::Read { source, bytes: at } => {
                    let own = bytes.sources.get(at);
                    let own =
                        own.ok_or_else(|| unread("a source without its bytes".to_string()))?;
                    Op::Read(finds.source(&source, own)?)
                }
                SentOp::Given(number) => Op::Given(number),
                SentOp::Kernel(name) => Op::Kernel(finds.kernel(&name)?),
                SentOp::Around(name, reach) => Op::Around(finds.kernel(&name)?, reach),
                SentOp::Step(step) => Op::Step(step),
            };
            let form = Form { dtype, grid, dims };
            check::check(&op, &inputs, &form)?;
            arrays.push(Self::new(op, inputs, form)?);
        }
        arrays.pop().ok_or_else(|| unread("no steps".to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Boundary, Scalar};
    use super::*;
    use crate::array::Kind;
    use crate::kernels::Moving;

    /// Knows nothing.
    struct Nobody;

    impl Finds for Nobody {
        fn source(&self, name: &str, _: &[u8]) -> Result<Arc<dyn ArraySource>> {
            Err(ArrayError::asked(format!("no source '{name}'")))
        }

        fn kernel(&self, name: &str) -> Result<Arc<dyn ChunkKernel>> {
            Err(ArrayError::asked(format!("no kernel '{name}'")))
        }
    }

    /// Steps that look around, and transforms, over what is made by a rule.
    fn arrays() -> Vec<Array> {
        let made = |shape: &[u64]| {
            let grid = Grid::even(shape, &vec![4; shape.len()]);
            Array::filled_with(Scalar::Float(1.0), Kind::F32.into(), grid).unwrap()
        };
        let image = made(&[12, 9]);
        let bell = made(&[3, 5]);
        vec![
            image.gaussian_filter(&[1.0, 0.5], Boundary::Reflect).unwrap(),
            image.median_filter(&[3, 2], Boundary::Constant(Scalar::Signed(3))).unwrap(),
            image.convolve(&bell, Boundary::Nearest).unwrap(),
            image.gradient(1, 2.0).unwrap(),
            image.moving(Moving::Std { ddof: 1 }, 0, 5, Some(2), true).unwrap(),
            image.richardson_lucy(&bell, 3, None, Boundary::Periodic).unwrap(),
            image.cross_correlation(&image, 3).unwrap(),
            image.rfft(0).unwrap().fft(1).unwrap().ifft(1).unwrap().irfft(0, Some(12)).unwrap(),
        ]
    }

    #[test]
    fn steps_come_as_they_were_sent() {
        for array in arrays() {
            let bytes = array.to_wire().unwrap();
            let again = Array::from_wire(&bytes, &Nobody).unwrap();
            assert_eq!((again.form(), again.formula()), (array.form(), array.formula()));
            assert_eq!(again.to_wire().unwrap(), bytes);
        }
    }

    #[test]
    fn bytes_that_mean_no_array_are_refused() {
        let mut refused = 0;
        for array in arrays() {
            let bytes = Bytes::decode(array.to_wire().unwrap().as_slice()).unwrap();
            let digits = |(at, byte): (usize, &u8)| byte.is_ascii_digit().then_some(at);
            let digits: Vec<usize> = bytes.steps.iter().enumerate().filter_map(digits).collect();
            for at in digits {
                for instead in ["0", "7", "18446744073709551615", "-1"] {
                    let mut steps = bytes.steps.clone();
                    steps.splice(at..at + 1, instead.bytes());
                    let sent = Bytes { steps, sources: Vec::new() }.encode_to_vec();
                    refused += usize::from(Array::from_wire(&sent, &Nobody).is_err());
                }
            }
        }
        assert!(refused > 1_000, "{refused} were refused");
    }
}
