//! Products and decompositions of matrices. Each is a function, `svd(x)`, and a verb of its first argument,
//! `x.svd()`.

use strata_engine::{Array, Block, Compressed, DType, Kind, Labelled, Norm, Tensor};

use super::arguments::{Bound, axes, whole};
use super::bind::arrays;
use super::{Value, asked};
use crate::error::{Error, Result};

/// These functions, each with how it is written.
pub(super) const FUNCTIONS: &[(&str, &str)] = &[
    ("cholesky", "cholesky(x)"),
    ("corrcoef", "corrcoef(x)"),
    ("cov", "cov(x, ddof => 1)"),
    (
        "cross_correlation",
        "cross_correlation(x, lags => 24), or cross_correlation(x, y, lags => 24)",
    ),
    ("det", "det(x)"),
    ("dot", "dot(x, y)"),
    ("eigh", "w, v = eigh(x)"),
    ("einsum", "einsum('ij,jk->ik', x, y)"),
    ("inv", "inv(x)"),
    ("lstsq", "lstsq(x, y)"),
    ("lu", "p, l, u = lu(x)"),
    ("matmul", "matmul(x, y), or x @ y"),
    ("norm", "norm(x, time, ord => 2)"),
    ("pca", "scores, components, variance = pca(x, k => 10)"),
    ("qr", "q, r = qr(x)"),
    ("solve", "solve(x, y)"),
    ("svd", "u, s, v = svd(x)"),
    (
        "svd_compressed",
        "u, s, v = svd_compressed(x, k => 10, oversample => 10, iterations => 2, seed => 0)",
    ),
    ("tensordot", "tensordot(x, y, axes => 1), or axes => ((0, 1), (1, 0))"),
];

/// Whether this is one of them.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
}

/// What such a function makes of its arguments.
pub(super) fn call(name: &str, mut with: Bound) -> Result<Value> {
    let name = name.to_ascii_lowercase();
    if name == "einsum" {
        return einsum(with);
    }
    if name == "norm" {
        return norm(with);
    }
    let options = Options::taken(&name, &mut with)?;
    let given = arrays(std::mem::take(&mut with.plain))?;
    let made = match (name.as_str(), &given[..]) {
        ("matmul", [x, y]) => one(x, x.array.matmul(&y.array)),
        ("dot", [x, y]) => one(x, x.array.dot(&y.array)),
        ("tensordot", [x, y]) => {
            let (left, right) = options.axes(x)?;
            one(x, x.array.tensordot(&y.array, &left, &right))
        }
        ("solve", [x, y]) => one(y, x.array.solve(&y.array)),
        ("lstsq", [x, y]) => one(y, x.array.lstsq(&y.array)),
        ("cholesky", [x]) => one(x, x.array.cholesky()),
        ("inv", [x]) => one(x, x.array.inv()),
        ("det", [x]) => one(x, x.array.det()),
        ("cov", [x]) => one(x, x.array.cov(options.ddof)),
        ("corrcoef", [x]) => one(x, x.array.corrcoef()),
        ("cross_correlation", [x]) => return correlated(x, x, &options),
        ("cross_correlation", [x, y]) => return correlated(x, y, &options),
        ("qr", [x]) => {
            let (q, r) = x.array.qr().map_err(asked)?;
            return Ok(several(x, [("q", q), ("r", r)]));
        }
        ("eigh", [x]) => {
            let (w, v) = x.array.eigh().map_err(asked)?;
            return Ok(several(x, [("w", w), ("v", v)]));
        }
        ("lu", [x]) => {
            let (p, l, u) = x.array.lu().map_err(asked)?;
            return Ok(several(x, [("p", p), ("l", l), ("u", u)]));
        }
        ("svd", [x]) => {
            let (u, s, v) = x.array.svd().map_err(asked)?;
            return Ok(several(x, [("u", u), ("s", s), ("v", v)]));
        }
        ("svd_compressed", [x]) => {
            let (u, s, v) = x.array.svd_compressed(options.compressed()?).map_err(asked)?;
            return Ok(several(x, [("u", u), ("s", s), ("v", v)]));
        }
        ("pca", [x]) => {
            let compressed = options.k.map(|_| options.compressed()).transpose()?;
            let (scores, components, variance) = x.array.pca(compressed).map_err(asked)?;
            let parts = [("scores", scores), ("components", components), ("variance", variance)];
            return Ok(several(x, parts));
        }
        _ => return Err(misused(&name)),
    };
    made.map(Value::Array)
}

fn one(
    of: &Labelled,
    made: std::result::Result<Array, strata_engine::ArrayError>,
) -> Result<Labelled> {
    Ok(of.made(made.map_err(asked)?, None))
}

/// How series go together, with the lags as a coordinate.
fn correlated(x: &Labelled, y: &Labelled, options: &Options) -> Result<Value> {
    let lags = options.lags.ok_or_else(|| {
        Error::text("lags => is missing: how many steps one is moved, at most")
            .hint("write cross_correlation(x, lags => 24)")
    })?;
    let made = x.array.cross_correlation(&y.array, lags).map_err(asked)?;
    let series =
        |of: &Labelled| of.array.dims().first().cloned().flatten().filter(|_| of.array.ndim() == 2);
    // What both call the same is the first's.
    let second = series(y).filter(|name| series(x).as_ref() != Some(name));
    let made = made.named(vec![Some("lag".to_string()), series(x), second]).map_err(asked)?;
    let lags = lags as i64;
    let steps = Block::I64((-lags..=lags).collect());
    let steps = Tensor::from_block(DType::Plain(Kind::I64), vec![2 * lags as u64 + 1], steps);
    let mut made = x.made(made, None);
    let coordinate = super::labels::coordinate_of("lag", steps.map_err(asked)?, None)?;
    made.coords.insert("lag".to_string(), coordinate);
    Ok(Value::Array(made))
}

fn several<const COUNT: usize>(of: &Labelled, parts: [(&'static str, Array); COUNT]) -> Value {
    let named = |(name, array): (&'static str, Array)| {
        let made = of.made(array, None);
        (name, Labelled { name: Some(name.to_string()), ..made })
    };
    Value::Parts(parts.into_iter().map(named).collect())
}

/// What these functions take by name.
struct Options {
    axes: Option<Value>,
    ddof: u64,
    k: Option<u64>,
    lags: Option<u64>,
    compressed: Compressed,
}

impl Options {
    fn taken(name: &str, with: &mut Bound) -> Result<Self> {
        let mut compressed = Compressed::new(0);
        let mut made = Self { axes: None, ddof: 1, k: None, lags: None, compressed };
        let known: &[&str] = match name {
            "tensordot" => &["axes"],
            "cov" => &["ddof"],
            "cross_correlation" => &["lags"],
            "svd_compressed" | "pca" => &["k", "oversample", "iterations", "seed"],
            _ => &[],
        };
        for option in known {
            let Some(value) = with.take(option) else { continue };
            if *option == "axes" {
                made.axes = Some(value);
                continue;
            }
            let number = whole(&value).and_then(|number| {
                u64::try_from(number).map_err(|_| Error::text("a number from 0 on is wanted"))
            });
            let number = number.map_err(|error| error.about(option))?;
            match *option {
                "ddof" => made.ddof = number,
                "k" => made.k = Some(number),
                "lags" => made.lags = Some(number),
                "oversample" => compressed.oversample = number,
                "seed" => compressed.seed = number,
                _ => {
                    compressed.iterations = u32::try_from(number).unwrap_or(u32::MAX);
                }
            }
        }
        with.done(known)?;
        Ok(Self { compressed, ..made })
    }

    fn compressed(&self) -> Result<Compressed> {
        let k = self.k.ok_or_else(|| {
            Error::text("k => is missing: how many singular values")
                .hint("write svd_compressed(x, k => 10)")
        })?;
        match self.compressed.iterations {
            0..=100 => Ok(Compressed { k, ..self.compressed }),
            other => Err(Error::text(format!("{other} iterations are more than anybody needs"))),
        }
    }

    /// Which dimensions of both are summed over: NumPy's two ways of saying so.
    fn axes(&self, left: &Labelled) -> Result<(Vec<usize>, Vec<usize>)> {
        let last = |count: i64| {
            let first = (left.array.ndim() as i64).checked_sub(count).unwrap_or(-1);
            match usize::try_from(count) {
                Ok(count) if first >= 0 => {
                    Ok(((first as usize..left.array.ndim()).collect(), (0..count).collect()))
                }
                _ => Err(misused("tensordot")),
            }
        };
        let listed = |value: &Value| -> Result<Vec<usize>> {
            let all = match value {
                Value::List(all) => all.clone(),
                one => vec![one.clone()],
            };
            let place =
                |value: &Value| usize::try_from(whole(value)?).map_err(|_| misused("tensordot"));
            all.iter().map(place).collect()
        };
        match &self.axes {
            None => last(2),
            Some(Value::List(both)) => match &both[..] {
                [left, right] => Ok((listed(left)?, listed(right)?)),
                _ => Err(misused("tensordot")),
            },
            Some(count) => last(whole(count)?),
        }
    }
}

fn einsum(mut with: Bound) -> Result<Value> {
    with.done(&[])?;
    if with.plain.is_empty() {
        return Err(misused("einsum"));
    }
    let rest = with.plain.split_off(1);
    let Some(Value::Text(text)) = with.plain.pop() else { return Err(misused("einsum")) };
    let given: Vec<Array> = arrays(rest)?.into_iter().map(|one| one.array).collect();
    Array::einsum(&text, &given).map(|made| Value::Array(made.into())).map_err(asked)
}

fn norm(mut with: Bound) -> Result<Value> {
    let norm = match with.take("ord") {
        None => Norm::Euclid,
        Some(Value::Number(power)) => Norm::Power(power.as_f64()),
        Some(Value::Text(name)) => match name.as_str() {
            "fro" => Norm::Euclid,
            "nuc" => Norm::Nuclear,
            "inf" => Norm::Power(f64::INFINITY),
            "-inf" => Norm::Power(f64::NEG_INFINITY),
            other => {
                return Err(Error::text(format!("there is no norm '{other}'"))
                    .hint("there are numbers, 'inf', '-inf', 'fro' and 'nuc'"));
            }
        },
        Some(_) => return Err(misused("norm")),
    };
    with.done(&["ord"])?;
    let plain = std::mem::take(&mut with.plain);
    let Some((of, along)) = plain.split_first() else { return Err(misused("norm")) };
    let of = of.clone().array()?;
    let along = axes(&of, along)?;
    let norm = match (norm, of.array.ndim()) {
        // A vector's is the root of the sum of squares, too.
        (Norm::Power(power), ndim) if power == 2.0 && (ndim == 1 || along.len() == 1) => {
            Norm::Euclid
        }
        (other, _) => other,
    };
    one(&of, of.array.norm(norm, &along)).map(Value::Array)
}

fn misused(name: &str) -> Error {
    super::misused(FUNCTIONS, name)
}
