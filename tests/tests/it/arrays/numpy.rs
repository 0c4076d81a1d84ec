//! NumPy as an oracle: what it makes of expressions, and where an answer differs from that.

use std::process::{Command, Stdio};

use serde_json::Value;
use strata_engine::{DType, Kind, Slice, Tensor};
use strata_tests::python::Python;

use super::expressions::Expression;

/// An answer of NumPy's, or what it refused with.
pub(super) type Expected = Result<Tensor, String>;

/// Has NumPy evaluate expressions, all in one process.
pub(super) fn evaluate(python: &Python, asked: &[Expression], data: &[u8]) -> Vec<Expected> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let expressions: Vec<&Value> = asked.iter().map(|expression| &expression.json).collect();
    std::fs::write(file("asked"), serde_json::to_vec(&expressions).unwrap()).unwrap();
    std::fs::write(file("values"), data).unwrap();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("python/arrays.py");
    let output = Command::new(python.program())
        .arg(script)
        .args([file("asked"), file("values"), file("results")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results = std::fs::read(file("results")).unwrap();
    let mut left = &results[..];
    let answers: Vec<Expected> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Some(error) = line.get("error") {
                return Err(error.to_string());
            }
            let dtype = line["dtype"].as_str().unwrap();
            let shape: Vec<u64> = serde_json::from_value(line["shape"].clone()).unwrap();
            let Ok(dtype) = dtype.parse::<DType>() else {
                return Err(format!("an answer of {dtype}, which nobody should have asked for"));
            };
            let bytes = shape.iter().product::<u64>() as usize * dtype.width();
            let (values, rest) = left.split_at(bytes);
            left = rest;
            Ok(Tensor::new(dtype, shape, values.to_vec().into()).unwrap())
        })
        .collect();
    assert_eq!(answers.len(), asked.len());
    answers
}

/// What differs; nothing if the answers are the same. `rounded` says that there were values of 32 bits on
/// the way.
pub(super) fn difference(
    got: &Result<Tensor, String>,
    expected: &Expected,
    rounded: bool,
) -> Option<String> {
    let (got, expected) = match (got, expected) {
        (Err(_), Err(_)) => return None,
        (Ok(got), Ok(expected)) => (got, expected),
        (Ok(got), Err(refused)) => {
            return Some(format!("NumPy refuses ({refused}) what gives {:?}", got.values()));
        }
        (Err(error), Ok(_)) => return Some(format!("refused: {error}")),
    };
    if got.dtype() != expected.dtype() || got.shape() != expected.shape() {
        return Some(format!(
            "{} of shape {:?}, where NumPy has {} of shape {:?}",
            got.dtype(),
            got.shape(),
            expected.dtype(),
            expected.shape()
        ));
    }
    let differs = match (got.values(), expected.values()) {
        (Slice::F64(got), Slice::F64(expected)) => {
            first_far(got, expected, if rounded { 2e-4 } else { 1e-9 })
        }
        (Slice::F32(got), Slice::F32(expected)) => {
            let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            first_far(&wide(got), &wide(expected), 2e-4)
        }
        (got, expected) if got == expected => None,
        (got, expected) => Some(format!("{got:?}, where NumPy has {expected:?}")),
    };
    differs.map(|text| text.chars().take(400).collect())
}

/// The first of two runs of values that are further apart than that, relative to the largest.
fn first_far(got: &[f64], expected: &[f64], relative: f64) -> Option<String> {
    let finite = expected.iter().filter(|value| value.is_finite());
    let largest = finite.fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let far = |(got, expected): &(&f64, &f64)| {
        let same = got == expected || (got.is_nan() && expected.is_nan());
        let near = (*got - *expected).abs() <= relative * (largest + expected.abs()) + 1e-12;
        !same && !near
    };
    let (at, (got, expected)) = got.iter().zip(expected).enumerate().find(|(_, pair)| far(pair))?;
    Some(format!("{got:?} at {at}, where NumPy has {expected:?}"))
}

/// NumPy's name of a kind.
pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::I8 => "int8",
        Kind::I16 => "int16",
        Kind::I32 => "int32",
        Kind::I64 => "int64",
        Kind::U8 => "uint8",
        Kind::U16 => "uint16",
        Kind::U32 => "uint32",
        Kind::U64 => "uint64",
        Kind::F32 => "float32",
        Kind::F64 => "float64",
    }
}
