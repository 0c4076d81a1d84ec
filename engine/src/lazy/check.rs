//! Whether a step can have led to what it is said to look like. Arrays that come from another process are
//! believed nothing.

use super::view::Axis;
use super::{Array, Op, Result, Scalar, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, Kind, cells};

/// Fails unless an array's form is what its step makes of its inputs. How it is cut is its own to say.
pub(super) fn check(op: &Op, inputs: &[Array], form: &Form) -> Result<()> {
    let shape = form.shape();
    let sound = form.dims.len() == shape.len()
        && match op {
            Op::Read(source) => {
                inputs.is_empty()
                    && source.form().shape() == shape
                    && source.form().dtype == form.dtype
            }
            Op::Given(_) => inputs.is_empty(),
            Op::Kernel(kernel) => match inputs {
                [input] => input.shape() == shape && kernel.result(input.dtype()) == Ok(form.dtype),
                _ => false,
            },
            Op::Around(kernel, reach) => match inputs {
                [input] => {
                    reach.fits(&input.shape(), &shape)
                        && !shape.contains(&0)
                        && kernel.result(input.dtype()) == Ok(form.dtype)
                }
                _ => false,
            },
            Op::Step(step) => fits(step, inputs, form, &shape),
        };
    match sound {
        true => Ok(()),
        false => Err(ArrayError::asked(format!(
            "{op:?} does not lead to an array of {} and shape {shape:?}",
            form.dtype
        ))),
    }
}

fn fits(step: &Step, inputs: &[Array], form: &Form, shape: &[u64]) -> bool {
    let kind = form.dtype.kind();
    let same_shape = inputs.iter().all(|input| input.shape() == shape);
    let same_kind = inputs.iter().all(|input| input.kind() == kind);
    match (step, inputs) {
        (Step::Full(_), []) => true,
        (Step::Steps { start, step }, []) => {
            let whole = matches!((start, step), (Scalar::Signed(_), Scalar::Signed(_)));
            shape.len() == 1 && kind == if whole { Kind::I64 } else { Kind::F64 }
        }
        (Step::Random { distribution, .. }, []) => distribution.check(kind).is_ok(),
        (Step::Unary(unary), [input]) => {
            same_shape && unary.result(input.kind()) == Ok((input.kind(), kind))
        }
        (Step::Binary(binary), [left, right]) => {
            same_shape
                && binary.result(left.kind(), right.kind())
                    == Ok(([left.kind(), right.kind()], kind))
        }
        (Step::Select, [truth, yes, no]) => {
            same_shape && truth.kind() == Kind::Bool && yes.kind() == kind && no.kind() == kind
        }
        (Step::Cast(dtype), [_]) => same_shape && *dtype == form.dtype,
        (Step::View(view), [input]) => {
            let lengths = input.shape();
            let within = |(axis, length): (&Axis, &u64)| match *axis {
                Axis::At(at) => at < *length,
                Axis::Along { along, start, step } => {
                    let Some(count) = view.shape.get(along) else { return false };
                    let last = i128::from(count.saturating_sub(1)) * i128::from(step);
                    let ends = [i128::from(start), i128::from(start) + last];
                    let inside = |end: &i128| (0..i128::from(*length)).contains(end);
                    step != 0 && (*count == 0 || ends.iter().all(inside))
                }
            };
            let along = |axis: &Axis| match axis {
                Axis::Along { along, .. } => Some(*along),
                Axis::At(_) => None,
            };
            let named: Vec<usize> = view.axes.iter().filter_map(along).collect();
            let once = |along: &usize| named.iter().filter(|other| *other == along).count() == 1;
            same_kind
                && view.shape == shape
                && view.axes.len() == lengths.len()
                && named.iter().all(once)
                && (shape.contains(&0) || view.axes.iter().zip(&lengths).all(within))
        }
        (Step::Concat(axis), [first, ..]) => {
            let mut whole = first.shape();
            let mut length = 0_u64;
            let alike = inputs.iter().all(|input| {
                let mut own = input.shape();
                let (Some(at), Some(first)) = (own.get_mut(*axis), whole.get(*axis)) else {
                    return false;
                };
                length = length.saturating_add(*at);
                *at = *first;
                own == whole
            });
            if let Some(at) = whole.get_mut(*axis) {
                *at = length;
            }
            alike && same_kind && whole == shape
        }
        (Step::Take { axis, places }, [input]) => {
            let mut whole = input.shape();
            let Some(length) = whole.get_mut(*axis) else { return false };
            let inside = places.iter().all(|place| *place < *length);
            *length = places.len() as u64;
            same_kind && inside && whole == shape
        }
        (Step::Reshape, [input]) => same_kind && cells(&input.shape()) == cells(shape),
        (Step::Reduce { reduce, axes, .. }, [input]) => {
            let kept = input.shape().into_iter().zip(axes).filter(|(_, gone)| !**gone);
            let kept: Vec<u64> = kept.map(|(length, _)| length).collect();
            let made = match form.dtype {
                DType::Plain(_) => reduce.result(input.kind()),
                _ => Kind::I64,
            };
            axes.len() == input.ndim() && kept == shape && made == kind
        }
        (Step::Rechunk | Step::Whole, [_]) => same_shape && same_kind,
        (Step::Totals { scan, axis, cuts, .. }, [input]) => {
            let lengths = along(&input.shape(), *axis, cuts.pieces());
            is_cut(cuts, input, *axis)
                && lengths.as_deref() == Some(shape)
                && scan.carried(input.kind()) == kind
        }
        (Step::Scan { scan, axis, cuts, .. }, [input, carries]) => {
            let lengths = along(shape, *axis, cuts.pieces());
            is_cut(cuts, input, *axis)
                && input.shape() == shape
                && lengths == Some(carries.shape())
                && scan.result(input.kind()) == kind
                && scan.carried(input.kind()) == carries.kind()
        }
        (Step::Lanes { lanes, axis, many }, [input]) => {
            let lengths = input.shape();
            let Some(seen) = axis.checked_add(*many).and_then(|end| lengths.get(*axis..end)) else {
                return false;
            };
            let length = lanes.length(cells(seen).unwrap_or(u64::MAX));
            let (before, after) = (lengths.iter().take(*axis), lengths.iter().skip(axis + many));
            before.chain([&length]).chain(after).eq(shape)
                && form.grid.0.get(*axis).is_some_and(|cuts| cuts.pieces() <= 1)
                && lanes.result(input.kind()) == Ok(kind)
        }
        (Step::Fourier { fourier, axis }, [input]) => {
            let mut lengths = input.shape();
            let parts = fourier.takes_complex().then(|| lengths.pop());
            let Some(own) = lengths.get_mut(*axis) else { return false };
            let there = *own > 0;
            *own = fourier.length(*own);
            let made = *own > 0;
            let in_one = form.grid.0.get(*axis).is_some_and(|cuts| cuts.pieces() <= 1);
            lengths.extend(fourier.gives_complex().then_some(2));
            there
                && made
                && in_one
                && parts.is_none_or(|parts| parts == Some(2))
                && lengths == shape
                && same_kind
                && kind.is_float()
        }
        (Step::Overlap { near, reach }, [input, others @ ..]) => {
            let other = others.first().map(Array::shape);
            others.len() == usize::from(near.takes_another())
                && others.iter().all(|other| other.kind() == kind)
                && reach.fits(&input.shape(), shape)
                && near.fits(&reach.depths, reach.padded, other.as_deref())
                && !shape.contains(&0)
                && near.result(input.kind()) == Ok(kind)
        }
        (Step::Digitize { edges, .. }, [_]) => {
            same_shape && kind == Kind::I64 && crate::kernels::falling(edges).is_ok()
        }
        (Step::Pack { bits }, [input]) => {
            let length = input.shape().last().map(|length| length.div_ceil(bits.in_a_byte()));
            let whole = input.kind().is_integer() || input.kind() == Kind::Bool;
            let last = input.ndim().wrapping_sub(1);
            let made = length.and_then(|length| along(&input.shape(), last, length));
            form.dtype == Kind::U8.into() && whole && made.as_deref() == Some(shape)
        }
        (Step::Unpack { bits }, [input]) => {
            let lengths = input.shape();
            let (Some((bytes, rows)), Some((length, others))) =
                (lengths.split_last(), shape.split_last())
            else {
                return false;
            };
            let all = bytes.checked_mul(bits.in_a_byte());
            form.dtype == Kind::U8.into()
                && input.kind() == Kind::U8
                && rows == others
                && all.is_some_and(|all| *length <= all)
        }
        (Step::Summarize { summary, axes }, [input]) => {
            let kept = input.shape().into_iter().zip(axes).filter(|(_, gone)| !**gone);
            let mut kept: Vec<u64> = kept.map(|(length, _)| length).collect();
            kept.push(summary.length());
            axes.len() == input.ndim()
                && kept == shape
                && form.grid.0.last().is_some_and(|last| last.pieces() <= 1)
                && summary.result(input.kind()) == Ok(kind)
        }
        (Step::Group { group, axes }, [input]) => {
            let lengths = input.shape();
            let kept = lengths.iter().zip(axes).filter(|(_, gone)| !**gone);
            let kept = kept.map(|(length, _)| *length);
            let made: Vec<u64> = [u64::from(group.groups)].into_iter().chain(kept).collect();
            axes.len() == input.ndim()
                && axes.get(group.axis) == Some(&true)
                && lengths.get(group.axis) == Some(&(group.labels.len() as u64))
                && group.groups as usize <= group.labels.len()
                && made == shape
                && form.grid.0.first().is_some_and(|first| first.pieces() <= 1)
                && group.result(input.kind()) == Ok(kind)
        }
        (Step::Contract { batch, over }, [left, right]) => {
            let (a, b) = (left.shape(), right.shape());
            let Some(free) = a.len().checked_sub(batch.saturating_add(over.0.len())) else {
                return false;
            };
            let (Some((shared, rows)), Some((other, rest))) =
                (a.split_at_checked(*batch), b.split_at_checked(*batch))
            else {
                return false;
            };
            let (Some((rows, along)), Some((beside, columns))) =
                (rows.split_at_checked(free), rest.split_at_checked(over.0.len()))
            else {
                return false;
            };
            let pieces = over.is_sound().then(|| over.chunks()).flatten();
            let made = pieces.map(|pieces| [&[pieces], shared, rows, columns].concat());
            shared == other
                && along == beside
                && over.shape() == along
                && made.as_deref() == Some(shape)
                && right.kind() == kind
                // Of floats, the left one is made as it is multiplied.
                && (left.kind() == kind || (kind.is_float() && left.kind().with(kind) == kind))
        }
        (Step::Correlate { lags, over }, [left, right]) => {
            let ([rows, length], [columns, _]) = (&left.shape()[..], &right.shape()[..]) else {
                return false;
            };
            lags < length
                && is_cut(over, left, 1)
                && is_cut(over, right, 1)
                && shape
                    == [over.pieces(), lags.saturating_mul(2).saturating_add(1), *rows, *columns]
                && same_kind
                && kind.is_float()
        }
        (Step::Triangles(cuts), [matrix]) => {
            let [_, columns] = matrix.shape()[..] else { return false };
            let rows = cuts.pieces().checked_mul(columns);
            is_cut(cuts, matrix, 0)
                && columns > 0
                && rows.is_some_and(|rows| shape == [rows, columns])
                && same_kind
                && kind.is_float()
        }
        (Step::Bases(cuts), [matrix, turns]) => {
            let [_, columns] = matrix.shape()[..] else { return false };
            let rows = cuts.pieces().checked_mul(columns);
            is_cut(cuts, matrix, 0)
                && columns > 0
                && rows.is_some_and(|rows| turns.shape() == [rows, columns])
                && matrix.shape() == shape
                && same_kind
                && kind.is_float()
        }
        (Step::Records, [_, ..]) => {
            let width: u64 = inputs.iter().map(|input| input.dtype().width() as u64).sum();
            let whole = form.grid.0.last().is_some_and(|cuts| cuts.pieces() <= 1);
            let alike = shape.split_last().is_some_and(|(last, places)| {
                *last == width && inputs.iter().all(|input| input.shape() == places)
            });
            alike && whole && kind == Kind::U8
        }
        (Step::Dense(dense), [_, ..]) => {
            let size = |input: &Array| match input.shape()[..] {
                [rows, columns] => Some((rows, columns)),
                _ => None,
            };
            let sizes: Option<Vec<_>> = inputs.iter().map(size).collect();
            let length = sizes.and_then(|sizes| dense.length(&sizes));
            length.is_some_and(|length| shape == [length])
                && form.grid.0.first().is_some_and(|cuts| cuts.pieces() <= 1)
                && same_kind
                && kind.is_float()
        }
        _ => false,
    }
}

/// A shape with another length along an axis, if it has that.
fn along(shape: &[u64], axis: usize, length: u64) -> Option<Vec<u64>> {
    let mut lengths = shape.to_vec();
    *lengths.get_mut(axis)? = length;
    Some(lengths)
}

/// Whether these are pieces of a dimension of an array.
fn is_cut(cuts: &Cuts, of: &Array, axis: usize) -> bool {
    Grid(vec![cuts.clone()]).is_sound() && of.shape().get(axis) == Some(&cuts.length())
}
