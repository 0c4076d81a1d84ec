//! Reductions as a user sees them: against plain loops, in runs and pieces of all sizes.

use super::{Accumulator, Reduce};
use crate::array::Kind;
use crate::kernels::{Block, Slice};

const OPS: [Reduce; 12] = [
    Reduce::Sum,
    Reduce::Prod,
    Reduce::Mean,
    Reduce::Var { ddof: 0 },
    Reduce::Std { ddof: 1 },
    Reduce::Min,
    Reduce::Max,
    Reduce::ArgMin,
    Reduce::ArgMax,
    Reduce::Any,
    Reduce::All,
    Reduce::Count,
];

/// The reduction of a row of values.
fn reduced(op: Reduce, skip_nan: bool, values: Slice<'_>) -> Result<Block, String> {
    let length = values.len();
    let mut state = Accumulator::new(op, skip_nan, values.kind(), &[length], &[true], &[0], &[1]);
    state.update(values, 0);
    let out = state.finish()?;
    assert_eq!((out.kind(), out.len()), (op.result(values.kind()), 1));
    Ok(out)
}

fn float(op: Reduce, skip_nan: bool, values: &[f64]) -> f64 {
    match reduced(op, skip_nan, Slice::F64(values)).unwrap() {
        Block::F64(out) => out[0],
        out => panic!("{out:?}"),
    }
}

/// What one cell is to hold, of values and their positions.
fn plain(op: Reduce, values: &[(f64, i64)]) -> f64 {
    let numbers = || values.iter().map(|(value, _)| *value);
    let count = values.len() as f64;
    let mean = numbers().sum::<f64>() / count;
    let squares = numbers().map(|value| (value - mean).powi(2)).sum::<f64>();
    let least = numbers().fold(f64::INFINITY, f64::min);
    let most = numbers().fold(f64::NEG_INFINITY, f64::max);
    let first = |like: f64| {
        values.iter().filter(|(value, _)| *value == like).map(|(_, at)| *at).min().unwrap() as f64
    };
    match op {
        Reduce::Sum => numbers().sum(),
        Reduce::Prod => numbers().product(),
        Reduce::Mean => mean,
        Reduce::Var { ddof } => squares / (count - f64::from(ddof)),
        Reduce::Std { ddof } => (squares / (count - f64::from(ddof))).sqrt(),
        Reduce::Min => least,
        Reduce::Max => most,
        Reduce::ArgMin => first(least),
        Reduce::ArgMax => first(most),
        Reduce::Any => f64::from(u8::from(numbers().any(|value| value != 0.0))),
        Reduce::All => f64::from(u8::from(numbers().all(|value| value != 0.0))),
        Reduce::Count => count,
    }
}

/// Small integers with ties, of a kind.
fn values(kind: Kind, length: usize) -> Block {
    let numbers: Vec<f64> =
        (0..length).map(|index| ((index * index + 3 * index) % 11) as f64).collect();
    let mut block = Block::empty(kind);
    crate::kernels::cast(Slice::F64(&numbers), &mut block);
    block
}

fn as_floats(block: &Block) -> Vec<f64> {
    let mut out = Block::empty(Kind::F64);
    crate::kernels::cast(block.as_slice(), &mut out);
    match out {
        Block::F64(values) => values,
        out => panic!("{out:?}"),
    }
}

#[test]
fn every_box_is_reduced_as_by_plain_loops() {
    // The first dimension is cut in pieces that are reduced elsewhere.
    let (rows, shape) = ([2, 1, 3], [6, 5, 1, 3]);
    for (kind, op) in Kind::ALL.into_iter().flat_map(|kind| OPS.map(|op| (kind, op))) {
        let all = values(kind, 90);
        let numbers = as_floats(&all);
        for mask in 0..16 {
            let reduced: Vec<bool> = (0..4).map(|dim| mask >> dim & 1 == 1).collect();
            let mut strides = [0; 4];
            let mut stride = 1;
            for dim in (0..4).rev().filter(|dim| reduced[*dim]) {
                strides[dim] = stride;
                stride *= shape[dim] as i64;
            }
            let mut cells: Vec<Vec<(f64, i64)>> = Vec::new();
            for (flat, &number) in numbers.iter().enumerate() {
                let index = [flat / 15, flat / 3 % 5, 0, flat % 3];
                let (mut cell, mut position) = (0, 0);
                for dim in 0..4 {
                    if reduced[dim] {
                        position += index[dim] as i64 * strides[dim];
                    } else {
                        cell = cell * shape[dim] + index[dim];
                    }
                }
                cells.resize(cells.len().max(cell + 1), Vec::new());
                cells[cell].push((number, position));
            }
            for (run, cut) in [(90, false), (7, false), (4, reduced[0]), (1, reduced[0])] {
                let pieces = if cut { rows.to_vec() } else { vec![6] };
                let (mut parts, mut row) = (Vec::new(), 0);
                for piece in pieces {
                    let shape = [piece, 5, 1, 3];
                    let origin = [row as i64, 0, 0, 0];
                    let values = all.as_slice().range(row * 15, (row + piece) * 15);
                    let mut part =
                        Accumulator::new(op, run == 7, kind, &shape, &reduced, &origin, &strides);
                    let starts: Vec<usize> = (0..piece * 15).step_by(run).collect();
                    for start in starts.into_iter().rev() {
                        part.update(values.range(start, (start + run).min(piece * 15)), start);
                    }
                    parts.push(part);
                    row += piece;
                }
                let mut whole = parts.pop().unwrap();
                for part in parts {
                    let sent =
                        Accumulator::from_state(op, run == 7, kind, part.to_state()).unwrap();
                    whole.merge(&sent).unwrap();
                }
                let out = whole.finish().unwrap();
                assert_eq!(out.kind(), op.result(kind));
                let out = as_floats(&out);
                assert_eq!(out.len(), cells.len());
                for (&found, cell) in out.iter().zip(&cells) {
                    let expected = plain(op, cell);
                    let fits = found == expected
                        || (found - expected).abs() <= 1e-6 * expected.abs()
                        || (found.is_nan() && expected.is_nan())
                        // Products of all: integers wrap.
                        || (matches!(op, Reduce::Prod) && expected.abs() > 1e15);
                    assert!(fits, "{op:?} {kind} {reduced:?} by {run}: {found}, not {expected}");
                }
            }
        }
    }
}

#[test]
fn integers_wrap_at_64_bits() {
    assert_eq!(reduced(Reduce::Sum, false, Slice::I8(&[127; 3])), Ok(Block::I64(vec![381])));
    assert_eq!(
        reduced(Reduce::Sum, false, Slice::I64(&[i64::MAX, 1])),
        Ok(Block::I64(vec![i64::MIN]))
    );
    assert_eq!(
        reduced(Reduce::Prod, false, Slice::U64(&[u64::MAX, 3])),
        Ok(Block::U64(vec![u64::MAX - 2]))
    );
    assert_eq!(reduced(Reduce::Sum, false, Slice::Bool(&[1, 0, 1])), Ok(Block::I64(vec![2])));
    assert_eq!(reduced(Reduce::Sum, false, Slice::U8(&[200, 200])), Ok(Block::U64(vec![400])));
}

#[test]
fn what_is_not_a_number_spreads_or_is_left_out() {
    let values = [2.0, f64::NAN, -1.0, 5.0];
    for op in
        [Reduce::Sum, Reduce::Prod, Reduce::Mean, Reduce::Var { ddof: 0 }, Reduce::Min, Reduce::Max]
    {
        assert!(float(op, false, &values).is_nan(), "{op:?}");
    }
    assert_eq!(float(Reduce::Sum, true, &values), 6.0);
    assert_eq!(float(Reduce::Prod, true, &values), -10.0);
    assert_eq!(float(Reduce::Mean, true, &values), 2.0);
    assert_eq!(float(Reduce::Var { ddof: 0 }, true, &values), 6.0);
    assert_eq!(float(Reduce::Min, true, &values), -1.0);
    let place = |op, skip_nan| reduced(op, skip_nan, Slice::F64(&values));
    assert_eq!(place(Reduce::ArgMax, false), Ok(Block::I64(vec![1])));
    assert_eq!(place(Reduce::ArgMin, false), Ok(Block::I64(vec![1])));
    assert_eq!(place(Reduce::ArgMax, true), Ok(Block::I64(vec![3])));
    assert_eq!(place(Reduce::Count, false), Ok(Block::I64(vec![3])));
    assert_eq!(place(Reduce::Any, false), Ok(Block::Bool(vec![1])));
}

#[test]
fn nothing_but_nan_is_nan_or_an_error() {
    let values = [f64::NAN; 3];
    assert_eq!(float(Reduce::Sum, true, &values), 0.0);
    for op in [Reduce::Mean, Reduce::Var { ddof: 0 }, Reduce::Min, Reduce::Max] {
        assert!(float(op, true, &values).is_nan(), "{op:?}");
    }
    let error = reduced(Reduce::ArgMin, true, Slice::F64(&values)).unwrap_err();
    assert!(error.contains("All-NaN"), "{error}");
}

#[test]
fn nothing_at_all_is_what_numpy_makes_of_it() {
    assert_eq!(float(Reduce::Sum, false, &[]), 0.0);
    assert_eq!(float(Reduce::Prod, false, &[]), 1.0);
    assert!(float(Reduce::Mean, false, &[]).is_nan());
    assert!(float(Reduce::Std { ddof: 0 }, true, &[]).is_nan());
    assert_eq!(reduced(Reduce::All, false, Slice::I8(&[])), Ok(Block::Bool(vec![1])));
    assert_eq!(reduced(Reduce::Any, false, Slice::I8(&[])), Ok(Block::Bool(vec![0])));
    assert_eq!(reduced(Reduce::Count, false, Slice::I8(&[])), Ok(Block::I64(vec![0])));
    for (op, says) in
        [(Reduce::Min, "minimum"), (Reduce::Max, "maximum"), (Reduce::ArgMax, "argmax")]
    {
        let error = reduced(op, false, Slice::I8(&[])).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    // Nothing is asked of no cells.
    let none = Accumulator::new(Reduce::Min, false, Kind::I8, &[0, 3], &[false, true], &[], &[]);
    assert_eq!(none.finish(), Ok(Block::I8(vec![])));
}

#[test]
fn long_sums_lose_nothing() {
    let values = vec![0.1; 8192];
    for (columns, reduced) in [(1, [true, true]), (4, [true, false]), (1024, [true, false])] {
        let shape = [122 * 8192 / columns, columns];
        let mut sums = Accumulator::new(Reduce::Sum, false, Kind::F64, &shape, &reduced, &[], &[]);
        for run in 0..122 {
            sums.update(Slice::F64(&values), run * 8192);
        }
        let Ok(Block::F64(sums)) = sums.finish() else { panic!() };
        let exact = shape[0] as f64 * 0.1;
        assert!(sums.iter().all(|sum| (sum / exact - 1.0).abs() < 1e-14), "{:?}", sums[0]);
    }
    assert_eq!(float(Reduce::Sum, false, &[1.0, f64::INFINITY, 2.0]), f64::INFINITY);
}

#[test]
fn spread_is_seen_far_from_zero() {
    // A variance of 2 around a billion; runs of one and of all, along and across.
    let values: Vec<f64> = (0..9000).map(|index| 1e9 + f64::from(index % 5)).collect();
    for (shape, reduced) in
        [([1, 9000], [true, true]), ([1800, 5], [false, true]), ([9000, 1], [true, false])]
    {
        for run in [1, 777, 9000] {
            let op = Reduce::Var { ddof: 0 };
            let mut state = Accumulator::new(op, false, Kind::F64, &shape, &reduced, &[], &[]);
            for start in (0..9000).step_by(run) {
                state.update(Slice::F64(&values).range(start, (start + run).min(9000)), start);
            }
            let Ok(Block::F64(found)) = state.finish() else { panic!() };
            assert!(found.iter().all(|found| (found / 2.0 - 1.0).abs() < 1e-12), "{:?}", found[0]);
        }
    }
}

#[test]
fn states_that_do_not_fit_are_refused() {
    let sums =
        |cells| Accumulator::new(Reduce::Sum, false, Kind::F64, &[cells], &[false], &[], &[]);
    assert!(sums(3).merge(&sums(4)).is_err());
    let state = sums(3).to_state();
    assert!(Accumulator::from_state(Reduce::Min, false, Kind::F64, state.clone()).is_err());
    assert!(Accumulator::from_state(Reduce::Sum, false, Kind::F64, Vec::new()).is_err());
    assert!(Accumulator::from_state(Reduce::Sum, false, Kind::F64, state).is_ok());
}

#[test]
fn memory_is_that_of_the_columns() {
    for (kind, op) in Kind::ALL.into_iter().flat_map(|kind| OPS.map(|op| (kind, op))) {
        for skip in [false, true] {
            let state = Accumulator::new(op, skip, kind, &[100], &[false], &[], &[]).to_state();
            let held: usize = state.iter().map(|column| column.len() * column.kind().width()).sum();
            assert_eq!(Accumulator::bytes(op, skip, kind, 100) + 8, held, "{op:?} {kind} {skip}");
        }
    }
}
