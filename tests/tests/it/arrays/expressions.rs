//! Expressions made by chance, as Strata has them and as NumPy is told them.

use serde_json::{Value, json};
use strata_engine::{
    Array, ArrayError, Binary, Block, Cuts, Grid, InMemory, Index, Kind, Reduce, Scalar, Tensor,
    Unary,
};
use strata_tests::random::Random;

use super::numpy::name;
use super::statistics;

type Made = Result<Array, String>;

/// An expression, both ways.
pub(super) struct Expression {
    pub(super) array: Made,
    pub(super) json: Value,
}

/// What an expression was made of, step by step, the smallest first.
pub(super) type Parts = Vec<Expression>;

/// The deepest expressions.
const DEEPEST: u64 = 6;
/// No array of these tests has more values.
const LARGEST: u64 = 20_000;

pub(super) fn said(result: Result<Array, ArrayError>) -> Made {
    result.map_err(|error| error.to_string())
}

impl Expression {
    /// How much there is to it.
    pub(super) fn size(&self) -> usize {
        self.json.to_string().len()
    }

    /// Any expression, and what it was made of; the values it begins with are added to `data`.
    pub(super) fn random(random: &mut Random, data: &mut Vec<u8>) -> (Self, Parts) {
        let depth = random.below(DEEPEST + 1);
        let mut parts = Vec::new();
        let made = Self::of_depth(random, data, depth, &mut parts);
        parts.push(made.again());
        // Last, where what is rounded otherwise leads nowhere else.
        let whole = match &made.array {
            Ok(array) if random.percent(35) => {
                let array = array.clone();
                let made = statistics::of(random, &array, made.json);
                match &made.array {
                    Ok(array) if random.percent(40) => {
                        let array = array.clone();
                        index(random, &array, made.json)
                    }
                    _ => made,
                }
            }
            _ => made,
        };
        (whole, parts)
    }

    fn again(&self) -> Self {
        Self { array: self.array.clone(), json: self.json.clone() }
    }

    fn of_depth(random: &mut Random, data: &mut Vec<u8>, depth: u64, parts: &mut Parts) -> Self {
        if depth == 0 {
            return leaf(random, data);
        }
        let of = Self::of_depth(random, data, depth - 1, parts);
        parts.push(of.again());
        let Ok(array) = &of.array else { return of };
        if array.bytes() / array.dtype().width() as u64 > LARGEST {
            return of;
        }
        let array = array.clone();
        match random.below(14) {
            0 | 1 => unary(random, &array, of.json),
            2..=4 => binary(random, data, &array, of.json, depth),
            5 => number(random, &array, of.json),
            6 => select(random, data, &array, of.json),
            7 => cast(random, &array, of.json),
            8 | 9 => index(random, &array, of.json),
            10 | 11 => reduce(random, &array, of.json),
            _ => shape(random, data, &array, of.json),
        }
    }
}

/// How an array of this shape is cut, by chance.
fn grid(random: &mut Random, shape: &[u64]) -> Grid {
    let cuts = shape.iter().map(|length| match random.below(4) {
        0 => Cuts::even(*length, *length),
        1 if *length > 0 => {
            let mut left = *length;
            let mut lengths = Vec::new();
            while left > 0 {
                let piece = 1 + random.below(left);
                lengths.push(piece);
                left -= piece;
            }
            Cuts::of_lengths(&lengths).unwrap()
        }
        _ => Cuts::even(*length, 1 + random.below(length.max(&1) + 2)),
    });
    Grid(cuts.collect())
}

fn shape_of(random: &mut Random) -> Vec<u64> {
    let lengths = [0, 1, 1, 2, 3, 4, 5, 7];
    let dimensions = random.below(6);
    let shape = (0..dimensions).map(|_| lengths[random.index(lengths.len())]);
    let mut shape: Vec<u64> = shape.collect();
    // Few of them empty.
    if random.percent(85) {
        shape.iter_mut().for_each(|length| *length = (*length).max(1));
    }
    if dimensions == 1 && random.percent(20) {
        shape[0] = 5000 + random.below(3000);
    }
    shape
}

fn kind(random: &mut Random) -> Kind {
    match random.percent(45) {
        true => [Kind::F32, Kind::F64][random.index(2)],
        false => Kind::ALL[random.index(Kind::ALL.len())],
    }
}

/// Values of a kind and shape: some that are special.
fn values(random: &mut Random, kind: Kind, shape: &[u64]) -> Tensor {
    let count = shape.iter().product::<u64>() as usize;
    let mut next = || {
        let quarter = (random.below(81) as f64 - 40.0) / 4.0;
        match random.below(40) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => -0.0,
            _ => quarter,
        }
    };
    let floats: Vec<f64> = (0..count).map(|_| next()).collect();
    let any: Vec<u64> = (0..count)
        .map(|_| match random.below(4) {
            0 => random.number(),
            1 => [0, 1, u64::MAX, i64::MAX as u64, i64::MIN as u64, 255, 128][random.index(7)],
            _ => random.below(20),
        })
        .collect();
    macro_rules! integers {
        ($kind:ident) => {
            Block::$kind(any.iter().map(|v| *v as _).collect())
        };
    }
    let block = match kind {
        Kind::Bool => Block::Bool(any.iter().map(|v| (v % 2) as u8).collect()),
        Kind::I8 => integers!(I8),
        Kind::I16 => integers!(I16),
        Kind::I32 => integers!(I32),
        Kind::I64 => integers!(I64),
        Kind::U8 => integers!(U8),
        Kind::U16 => integers!(U16),
        Kind::U32 => integers!(U32),
        Kind::U64 => integers!(U64),
        Kind::F32 => Block::F32(floats.iter().map(|v| *v as f32).collect()),
        Kind::F64 => Block::F64(floats),
    };
    Tensor::from_block(kind.into(), shape.to_vec(), block).unwrap()
}

fn of_values(random: &mut Random, data: &mut Vec<u8>, kind: Kind, shape: &[u64]) -> Expression {
    let tensor = values(random, kind, shape);
    // Where numbers may lie.
    data.resize(data.len().next_multiple_of(8), 0);
    let json = json!({ "op": "values", "dtype": name(kind), "shape": shape, "offset": data.len() });
    data.extend_from_slice(tensor.data());
    let grid = grid(random, shape);
    Expression { array: said(Array::read(std::sync::Arc::new(InMemory::new(tensor, grid)))), json }
}

fn leaf(random: &mut Random, data: &mut Vec<u8>) -> Expression {
    match random.below(13) {
        12 => {
            let shape = shape_of(random);
            let grid = grid(random, &shape);
            let times: Vec<i64> = shape.iter().map(|_| random.below(5) as i64 - 2).collect();
            let json = json!({ "op": "from_function", "shape": shape, "times": times });
            let array = Array::from_function(grid, |places| {
                let grid = Grid::whole(&[]);
                let mut sum = Array::filled_with(Scalar::Signed(0), Kind::I64.into(), grid)?;
                for (place, times) in places.iter().zip(&times).filter(|(_, times)| **times != 0) {
                    let times = place.binary_with(Binary::Mul, Scalar::Signed(*times), false)?;
                    sum = sum.binary(Binary::Add, &times)?;
                }
                Ok(sum)
            });
            Expression { array: said(array), json }
        }
        0 => {
            let (start, step) = (random.below(20) as i64 - 10, random.below(5) as i64 - 2);
            let stop = start + random.below(60) as i64 * step + 1;
            let json = json!({ "op": "arange", "start": start, "stop": stop, "step": step });
            let signed = Scalar::Signed;
            let array = Array::arange(signed(start), signed(stop), signed(step));
            Expression { array: said(array), json }
        }
        1 => {
            let (start, stop, count) = (-1.5, random.below(50) as f64, random.below(40));
            let json = json!({ "op": "linspace", "start": start, "stop": stop, "count": count });
            Expression { array: said(Array::linspace(start, stop, count)), json }
        }
        2 => {
            let (rows, columns) = (random.below(6), random.below(6));
            let diagonal = random.below(5) as i64 - 2;
            let kind = kind(random);
            let json = json!({
                "op": "eye", "rows": rows, "columns": columns, "diagonal": diagonal, "dtype": name(kind)
            });
            Expression { array: said(Array::eye(rows, columns, diagonal, kind.into())), json }
        }
        3 => {
            let (kind, shape, value) = (kind(random), shape_of(random), random.below(2));
            let json = json!({ "op": "full", "shape": shape, "value": value, "dtype": name(kind) });
            let grid = grid(random, &shape);
            let array = Array::filled_with(Scalar::Unsigned(value), kind.into(), grid);
            Expression { array: said(array), json }
        }
        _ => {
            let (kind, shape) = (kind(random), shape_of(random));
            of_values(random, data, kind, &shape)
        }
    }
}

/// Functions whose answers for values of few bits are of a type that Strata does not have.
fn makes_floats(unary: Unary) -> bool {
    unary.result(Kind::I64).is_ok_and(|(takes, _)| takes == Kind::F64)
}

fn unary(random: &mut Random, array: &Array, of: Value) -> Expression {
    let unary = Unary::ALL[random.index(Unary::ALL.len())];
    let narrow = array.kind().width() == 1;
    // NumPy leaves open what the reciprocal of a whole 0 is.
    let undefined = unary.name() == "reciprocal" && !array.kind().is_float();
    if undefined || narrow && (makes_floats(unary) || unary.name() == "round") {
        return number(random, array, of);
    }
    let json = json!({ "op": "unary", "name": unary.name(), "of": [of] });
    Expression { array: said(array.unary(unary)), json }
}

/// A function that NumPy answers in a type that Strata has.
fn function(random: &mut Random, left: Kind, right: Kind) -> Binary {
    loop {
        let binary = Binary::ALL[random.index(Binary::ALL.len())];
        let narrow = left.width() == 1 && right.width() == 1;
        let floats = matches!(binary.name(), "atan2" | "hypot" | "copysign");
        if !(narrow && floats) {
            return binary;
        }
    }
}

fn binary(
    random: &mut Random,
    data: &mut Vec<u8>,
    array: &Array,
    of: Value,
    depth: u64,
) -> Expression {
    // A shape that goes with it, the array itself, or anything.
    let other = match random.below(10) {
        0 => Expression { array: Ok(array.clone()), json: of.clone() },
        1 => Expression::of_depth(random, data, depth / 3, &mut Vec::new()),
        _ => {
            let shape = beside(random, &array.shape());
            let kind = kind(random);
            of_values(random, data, kind, &shape)
        }
    };
    let Ok(right) = &other.array else { return other };
    let binary = function(random, array.kind(), right.kind());
    let json = json!({ "op": "binary", "name": binary.name(), "of": [of, other.json] });
    let made = said(array.binary(binary, right));
    let cells = made.as_ref().map_or(0, |made| made.bytes() / made.dtype().width() as u64);
    match cells > LARGEST {
        true => Expression { array: Ok(right.clone()), json: json["of"][1].clone() },
        false => Expression { array: made, json },
    }
}

/// A shape that goes with another.
fn beside(random: &mut Random, shape: &[u64]) -> Vec<u64> {
    let skip = random.index(shape.len() + 1) * usize::from(random.percent(30));
    let one = |length: &u64| if random.percent(25) { 1 } else { *length };
    shape[skip..].iter().map(one).collect()
}

fn number(random: &mut Random, array: &Array, of: Value) -> Expression {
    let whole = random.below(7) as i64 - 2;
    let (scalar, number) = match random.percent(50) {
        true => (Scalar::Signed(whole), json!(whole)),
        false => (Scalar::Float(whole as f64 / 2.0), json!(whole as f64 / 2.0)),
    };
    // NumPy would answer in 16 bits.
    let binary = function(random, array.kind(), Kind::Bool);
    let left = random.percent(30);
    let json = json!({
        "op": "number", "name": binary.name(), "number": number, "left": left, "of": [of]
    });
    Expression { array: said(array.binary_with(binary, scalar, left)), json }
}

fn select(random: &mut Random, data: &mut Vec<u8>, array: &Array, of: Value) -> Expression {
    let mut side = || {
        let shape = beside(random, &array.shape());
        let kind = kind(random);
        of_values(random, data, kind, &shape)
    };
    let (yes, no) = (side(), side());
    let json = json!({ "op": "select", "of": [of, yes.json, no.json] });
    Expression { array: said(array.select(&yes.array.unwrap(), &no.array.unwrap())), json }
}

fn cast(random: &mut Random, array: &Array, of: Value) -> Expression {
    // What becomes of a float that an integer does not have is left to the machine.
    let to = match array.kind().is_float() {
        true => [Kind::F32, Kind::F64, Kind::Bool][random.index(3)],
        false => Kind::ALL[random.index(Kind::ALL.len())],
    };
    let json = json!({ "op": "cast", "dtype": name(to), "of": [of] });
    Expression { array: said(array.cast(to.into())), json }
}

fn index(random: &mut Random, array: &Array, of: Value) -> Expression {
    let shape = array.shape();
    let mut subscripts = Vec::new();
    let mut told = Vec::new();
    let mut lists = 0;
    for length in &shape {
        if random.percent(15) {
            subscripts.push(Index::New);
            told.push(json!("new"));
        }
        let bound = *length as i64 + 2;
        let mut bound = || random.maybe(30, |r| r.below(2 * bound as u64 + 1) as i64 - bound);
        let (start, stop) = (bound(), bound());
        match random.below(8) {
            0 if *length > 0 => {
                let at = random.below(2 * length) as i64 - *length as i64;
                subscripts.push(Index::At(at));
                told.push(json!(at));
            }
            1 if *length > 0 && lists == 0 && !told.iter().any(Value::is_i64) => {
                let places = (0..random.below(6)).map(|_| random.below(*length) as i64);
                let places: Vec<i64> = places.collect();
                told.push(json!(places));
                subscripts.push(Index::Places(places));
                lists += 1;
            }
            2 => break,
            _ => {
                let steps = [None, None, Some(1), Some(2), Some(3), Some(-1), Some(-2)];
                let step = steps[random.index(steps.len())];
                subscripts.push(Index::Slice { start, stop, step });
                told.push(json!({ "start": start, "stop": stop, "step": step }));
            }
        }
    }
    // A list beside a single place is another thing in NumPy.
    if lists > 0 && told.iter().any(Value::is_i64) {
        return Expression { array: Ok(array.clone()), json: of };
    }
    if random.percent(20) {
        subscripts.push(Index::Rest);
        told.push(json!("rest"));
    }
    let json = json!({ "op": "index", "subscripts": told, "of": [of] });
    Expression { array: said(array.index(&subscripts)), json }
}

fn reduce(random: &mut Random, array: &Array, of: Value) -> Expression {
    let ddof = random.below(2) as u32;
    let reduces = [
        Reduce::Sum,
        Reduce::Prod,
        Reduce::Mean,
        Reduce::Var { ddof },
        Reduce::Std { ddof },
        Reduce::Min,
        Reduce::Max,
        Reduce::ArgMin,
        Reduce::ArgMax,
        Reduce::Any,
        Reduce::All,
        Reduce::Count,
    ];
    let reduce = reduces[random.index(reduces.len())];
    let places = matches!(reduce, Reduce::ArgMin | Reduce::ArgMax);
    let named = matches!(reduce, Reduce::Any | Reduce::All | Reduce::Count);
    let mut axes: Vec<usize> = (0..array.ndim()).filter(|_| random.percent(50)).collect();
    if places {
        axes.truncate(1);
    }
    let (skip, keep) = (!named && random.percent(30), random.percent(25));
    let json = json!({
        "op": "reduce", "reduce": reduce.name(), "axes": axes, "skip": skip, "keep": keep,
        "ddof": ddof, "of": [of]
    });
    let array = match keep {
        true => array.reduce_keeping(reduce, skip, &axes),
        false => array.reduce(reduce, skip, &axes),
    };
    Expression { array: said(array), json }
}

fn shape(random: &mut Random, data: &mut Vec<u8>, array: &Array, of: Value) -> Expression {
    let dimensions = array.ndim();
    let shape = array.shape();
    let axis = random.index(dimensions.max(1));
    let choice = if dimensions == 0 { 10 } else { random.below(13) };
    let (array, json) = match choice {
        0 | 1 => {
            let mut order: Vec<usize> = (0..dimensions).collect();
            for at in (1..dimensions).rev() {
                order.swap(at, random.index(at + 1));
            }
            (array.transpose(&order), json!({ "op": "transpose", "order": order, "of": [of] }))
        }
        2 => {
            let cells: u64 = shape.iter().product();
            let divisors: Vec<u64> = (1..=12).filter(|d| cells.is_multiple_of(*d)).collect();
            let first = divisors[random.index(divisors.len())] as i64;
            let wanted = if cells == 0 { vec![0, 3] } else { vec![first, -1] };
            (array.reshape(&wanted), json!({ "op": "reshape", "shape": wanted, "of": [of] }))
        }
        3 | 4 => {
            let mut other = shape.clone();
            other[axis] = random.below(4);
            let kind = kind(random);
            let beside = of_values(random, data, kind, &other);
            let both = [array.clone(), beside.array.unwrap()];
            let json = json!({ "op": "concat", "axis": axis, "of": [of, beside.json] });
            (Array::concatenate(&both, axis), json)
        }
        5 => {
            let kind = kind(random);
            let beside = of_values(random, data, kind, &shape);
            let both = [array.clone(), beside.array.unwrap()];
            let json = json!({ "op": "stack", "axis": axis, "of": [of, beside.json] });
            (Array::stack(&both, axis, None), json)
        }
        6 => (array.flip(&[axis]), json!({ "op": "flip", "axes": [axis], "of": [of] })),
        7 => {
            let shift = random.below(15) as i64 - 7;
            let json = json!({ "op": "roll", "shift": shift, "axis": axis, "of": [of] });
            (array.roll(shift, axis), json)
        }
        8 => {
            let times = random.below(4);
            let json = json!({ "op": "repeat", "times": times, "axis": axis, "of": [of] });
            (array.repeat(times, axis), json)
        }
        9 => {
            let times = random.below(4);
            let json = json!({ "op": "tile", "times": times, "axis": axis, "of": [of] });
            (array.tile(times, axis), json)
        }
        10 => {
            let mut wide = vec![2];
            wide.extend(&shape);
            (array.broadcast_to(&wide), json!({ "op": "broadcast", "shape": wide, "of": [of] }))
        }
        11 => (array.squeeze(&[]), json!({ "op": "squeeze", "of": [of] })),
        _ => (array.rechunk(grid(random, &shape)), json!({ "op": "same", "of": [of] })),
    };
    Expression { array: said(array), json }
}
