//! What is known of a box before it is read. Where the values of what it is made of were seen before to lie between
//! two numbers, a comparison may be settled, and what only matters where it holds, or where it does not, need not be
//! read.
//!
//! ```text
//! where(t > 300, t, 0), of a chunk whose values lie between 210 and 290     0 everywhere: t is not read
//! ```

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::wants::made_of;
use crate::array::{DType, Extent, Kind, Region};
use crate::kernels::{Binary, Unary};
use crate::lazy::{Array, Op, Scalar, Step};

/// What boxes lie between, by the step that reads them.
pub(super) type Seen = HashMap<(usize, Region), Extent>;

/// The steps that read what is compared: it is worth knowing what their boxes lie between.
pub(super) fn asked_of(root: &Array) -> HashSet<usize> {
    let mut compared = Vec::new();
    root.each_step(|step| {
        let compares = match step.op() {
            Op::Step(Step::Binary(binary)) => is_comparison(*binary),
            Op::Step(Step::Unary(Unary::IsNan)) => true,
            _ => false,
        };
        if compares {
            compared.push(step.clone());
        }
        true
    });
    let mut asked = HashSet::new();
    for step in compared {
        step.each_step(|step| {
            if matches!(step.op(), Op::Read(_)) {
                asked.insert(step.id());
            }
            bounded(step)
        });
    }
    asked
}

fn is_comparison(binary: Binary) -> bool {
    matches!(binary, Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge | Binary::Eq | Binary::Ne)
}

/// Whether it may be known what comes of a step, of what it is made of.
fn bounded(step: &Array) -> bool {
    step.is_elementwise() || matches!(step.op(), Op::Step(Step::View(_) | Step::Rechunk))
}

/// The boxes that a box is made of and that must be read.
pub(super) fn needed(root: &Array, region: &[Range<u64>], seen: &Seen) -> HashSet<(usize, Region)> {
    let mut known = Known { seen, boxes: HashMap::new() };
    let (mut needed, mut met) = (HashSet::new(), HashSet::new());
    let mut left = vec![(root.clone(), region.to_vec())];
    while let Some((array, region)) = left.pop() {
        let empty = region.iter().any(|range| range.start >= range.end);
        if empty || !met.insert((array.id(), region.clone())) {
            continue;
        }
        if matches!(array.op(), Op::Read(_)) {
            needed.insert((array.id(), region));
            continue;
        }
        // Whatever the values are, as long as they lie there, the same truth comes of them.
        if array.kind() == Kind::Bool
            && known.of(&array, &region).is_some_and(|of| of.only().is_some())
        {
            continue;
        }
        if let (Op::Step(Step::Select), [mask, yes, no]) = (array.op(), array.inputs())
            && let Some(holds) = known.of(mask, &region).and_then(Extent::only)
        {
            left.push((if holds != 0.0 { yes } else { no }.clone(), region));
            continue;
        }
        left.extend(made_of(&array, &region));
    }
    needed
}

struct Known<'a> {
    seen: &'a Seen,
    /// What was found out already.
    boxes: HashMap<(usize, Region), Option<Extent>>,
}

impl Known<'_> {
    /// What the values of a box lie between.
    fn of(&mut self, array: &Array, region: &[Range<u64>]) -> Option<Extent> {
        let key = (array.id(), region.to_vec());
        if let Some(known) = self.boxes.get(&key) {
            return *known;
        }
        let found = self.found(array, region);
        self.boxes.insert(key, found);
        found
    }

    fn found(&mut self, array: &Array, region: &[Range<u64>]) -> Option<Extent> {
        let DType::Plain(kind) = array.dtype() else { return None };
        let step = match array.op() {
            Op::Read(_) => return self.seen.get(&(array.id(), region.to_vec())).copied(),
            Op::Step(step) => step,
            _ => return None,
        };
        match (step, array.inputs()) {
            (Step::Full(value), _) => number(*value, kind).map(Extent::one),
            (Step::View(view), [input]) => self.of(input, &view.shown(region)),
            (Step::Rechunk, [input]) => self.of(input, region),
            (Step::Cast(_), [input]) => cast(self.of(input, region)?, input.kind(), kind),
            (Step::Unary(unary), [input]) => of_one(*unary, self.of(input, region)?, input.kind()),
            (Step::Binary(binary), [left, right]) => {
                let (a, b) = (left.kind(), right.kind());
                // A truth that is settled by one side needs no other.
                let (left, right) = (self.of(left, region), self.of(right, region));
                match binary {
                    Binary::And | Binary::BitAnd if kind == Kind::Bool => {
                        truths(left, right, f64::min, 0.0)
                    }
                    Binary::Or | Binary::BitOr if kind == Kind::Bool => {
                        truths(left, right, f64::max, 1.0)
                    }
                    other => {
                        let ([to_a, to_b], _) = other.result(a, b).ok()?;
                        let (left, right) = (cast(left?, a, to_a)?, cast(right?, b, to_b)?);
                        match is_comparison(*other) {
                            true => Some(compared(*other, left, right)),
                            false => combined(*other, left, right, kind),
                        }
                    }
                }
            }
            (Step::Select, [mask, yes, no]) => match self.of(mask, region)?.only() {
                Some(holds) => self.of(if holds != 0.0 { yes } else { no }, region),
                None => Some(self.of(yes, region)?.and(self.of(no, region)?)),
            },
            _ => None,
        }
    }
}

/// A number as values of a type are, if it is a float, too.
fn number(value: Scalar, kind: Kind) -> Option<f64> {
    let float = value.as_f64();
    match kind {
        Kind::F32 | Kind::F64 => Some(rounded(float, kind)),
        Kind::Bool => Some(f64::from(u8::from(float != 0.0))),
        kind => {
            let (low, high) = range(kind)?;
            (low <= float && float <= high && float.fract() == 0.0).then_some(float)
        }
    }
}

/// The whole numbers of a type that are floats, too.
fn range(kind: Kind) -> Option<(f64, f64)> {
    let exact = 2_f64.powi(53);
    let bits = 8 * kind.width() as i32;
    if kind.is_unsigned() {
        return Some((0.0, (2_f64.powi(bits) - 1.0).min(exact)));
    }
    let half = 2_f64.powi(bits - 1);
    kind.is_signed().then(|| ((-half).max(-exact), (half - 1.0).min(exact)))
}

/// What lies between two numbers, unless one is too large to tell.
fn between(least: f64, largest: f64, nan: bool) -> Option<Extent> {
    (least.is_finite() && largest.is_finite()).then_some(Extent { least, largest, nan })
}

/// Rounded to the type that it is computed in, as the values are: that keeps their order.
fn rounded(value: f64, kind: Kind) -> f64 {
    if kind == Kind::F32 { f64::from(value as f32) } else { value }
}

fn cast(of: Extent, from: Kind, to: Kind) -> Option<Extent> {
    match to {
        Kind::F64 => Some(of),
        Kind::F32 if of.has_none() => Some(of),
        Kind::F32 => between(rounded(of.least, to), rounded(of.largest, to), of.nan),
        Kind::Bool => None,
        _ if from.is_float() => None,
        to => {
            let (low, high) = range(to)?;
            (low <= of.least && of.largest <= high).then_some(of)
        }
    }
}

fn of_one(unary: Unary, of: Extent, kind: Kind) -> Option<Extent> {
    match unary {
        Unary::Not if kind == Kind::Bool => {
            Some(Extent { least: 1.0 - of.largest, largest: 1.0 - of.least, nan: false })
        }
        Unary::IsNan => Some(match (of.nan, of.has_none()) {
            (false, _) => Extent::one(0.0),
            (true, true) => Extent::one(1.0),
            (true, false) => Extent { least: 0.0, largest: 1.0, nan: false },
        }),
        Unary::Neg if kind.is_float() => {
            Some(Extent { least: -of.largest, largest: -of.least, nan: of.nan })
        }
        _ => None,
    }
}

/// Truths joined: one side may settle it.
fn truths(
    left: Option<Extent>,
    right: Option<Extent>,
    join: fn(f64, f64) -> f64,
    settles: f64,
) -> Option<Extent> {
    let settled = |side: Option<Extent>| side.and_then(Extent::only) == Some(settles);
    if settled(left) || settled(right) {
        return Some(Extent::one(settles));
    }
    let (left, right) = (left?, right?);
    let (least, largest) = (join(left.least, right.least), join(left.largest, right.largest));
    Some(Extent { least, largest, nan: false })
}

/// What a comparison may come to. What is no number compares as false with everything, and differs from it.
fn compared(binary: Binary, left: Extent, right: Extent) -> Extent {
    let nan = left.nan || right.nan;
    let apart = left.largest < right.least || right.largest < left.least;
    let same = left.only().is_some() && left.only() == right.only();
    let (always, never) = match binary {
        Binary::Lt => (left.largest < right.least, left.least >= right.largest),
        Binary::Le => (left.largest <= right.least, left.least > right.largest),
        Binary::Gt => (left.least > right.largest, left.largest <= right.least),
        Binary::Ge => (left.least >= right.largest, left.largest < right.least),
        Binary::Eq => (same, apart),
        _ => {
            return Extent {
                least: f64::from(u8::from(apart)),
                largest: f64::from(u8::from(nan || !same)),
                nan: false,
            };
        }
    };
    let none = left.has_none() || right.has_none();
    let (always, never) = (always && !nan && !none, never || none);
    Extent { least: f64::from(u8::from(always)), largest: f64::from(u8::from(!never)), nan: false }
}

/// What functions of two numbers come to: floats, which do not wrap.
fn combined(binary: Binary, left: Extent, right: Extent, kind: Kind) -> Option<Extent> {
    if !kind.is_float() {
        return None;
    }
    if left.has_none() || right.has_none() {
        return Some(Extent::one(f64::NAN));
    }
    let corners = |of: fn(f64, f64) -> f64| {
        let (a, b) = (left, right);
        [
            of(a.least, b.least),
            of(a.least, b.largest),
            of(a.largest, b.least),
            of(a.largest, b.largest),
        ]
    };
    let all = match binary {
        Binary::Add => corners(|a, b| a + b),
        Binary::Sub => corners(|a, b| a - b),
        Binary::Mul => corners(|a, b| a * b),
        Binary::Div if right.least > 0.0 || right.largest < 0.0 => corners(|a, b| a / b),
        _ => return None,
    };
    if all.iter().any(|corner| !corner.is_finite()) {
        return None;
    }
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    between(rounded(least, kind), rounded(largest, kind), left.nan || right.nan)
}
