//! The loops over pairs of values.

use super::Binary;
use crate::array::Kind;
use crate::kernels::element::{Bool, Element, F32, F64, I64, U64, Value, by_kind};
use crate::kernels::number::{Integer, Number};
use crate::kernels::{Block, Slice};

/// Does the work for values of two kinds: the result is written anew, in memory that is there already.
/// A single value stands for as many as the other side has. Values of other kinds are cast first.
pub(crate) type BinaryKernel = fn(Slice<'_>, Slice<'_>, &mut Block) -> Result<(), String>;

impl Binary {
    /// What does it with values that have been cast to the two kinds that [`Self::result`] names.
    pub fn kernel(self, operands: [Kind; 2]) -> BinaryKernel {
        let [kind, right] = operands;
        macro_rules! truth {
            ($function:expr) => {
                |a, b, out| zip::<Bool, Bool, Bool>(a, b, out, $function)
            };
        }
        macro_rules! number {
            ($function:expr) => {
                by_kind!(kind, numbers, E => |a, b, out| zip::<E, E, E>(a, b, out, $function))
            };
        }
        macro_rules! float {
            ($function:ident) => {
                match kind {
                    Kind::F32 => |a, b, out| zip::<F32, F32, F32>(a, b, out, f32::$function),
                    _ => |a, b, out| zip::<F64, F64, F64>(a, b, out, f64::$function),
                }
            };
        }
        macro_rules! integer {
            ($function:expr) => {
                by_kind!(kind, integers, E => |a, b, out| zip::<E, E, E>(a, b, out, $function))
            };
        }
        macro_rules! compared {
            ($operator:tt) => {
                match (kind, right) {
                    (Kind::I64, Kind::U64) => |a, b, out| {
                        zip::<I64, U64, Bool>(a, b, out, |x, y| {
                            u8::from(i128::from(x) $operator i128::from(y))
                        })
                    },
                    (Kind::U64, Kind::I64) => |a, b, out| {
                        zip::<U64, I64, Bool>(a, b, out, |x, y| {
                            u8::from(i128::from(x) $operator i128::from(y))
                        })
                    },
                    _ => by_kind!(kind, all, E => |a, b, out| {
                        zip::<E, E, Bool>(a, b, out, |x, y| u8::from(x $operator y))
                    }),
                }
            };
        }
        let bool = kind == Kind::Bool;
        match self {
            Self::Add | Self::Maximum | Self::Fmax if bool => truth!(|x, y| x | y),
            Self::Mul | Self::Minimum | Self::Fmin if bool => truth!(|x, y| x & y),
            Self::Add => number!(Number::add),
            Self::Sub => number!(Number::sub),
            Self::Mul => number!(Number::mul),
            Self::Div => match kind {
                Kind::F32 => |a, b, out| zip::<F32, F32, F32>(a, b, out, |x, y| x / y),
                _ => |a, b, out| zip::<F64, F64, F64>(a, b, out, |x, y| x / y),
            },
            Self::FloorDiv => number!(Number::floor_div),
            Self::Rem => number!(Number::rem),
            Self::Pow if kind.is_float() => by_kind!(kind, floats, E => float_powers::<E>),
            Self::Pow => by_kind!(kind, integers, E => integer_powers::<E>),
            Self::Atan2 => float!(atan2),
            Self::Hypot => float!(hypot),
            Self::CopySign => float!(copysign),
            Self::Maximum => number!(Number::maximum),
            Self::Minimum => number!(Number::minimum),
            Self::Fmax => number!(Number::fmax),
            Self::Fmin => number!(Number::fmin),
            Self::And => truth!(|x, y| x & y),
            Self::Or => truth!(|x, y| x | y),
            Self::Xor => truth!(|x, y| x ^ y),
            Self::BitAnd if bool => truth!(|x, y| x & y),
            Self::BitOr if bool => truth!(|x, y| x | y),
            Self::BitXor if bool => truth!(|x, y| x ^ y),
            Self::BitAnd => integer!(|x, y| x & y),
            Self::BitOr => integer!(|x, y| x | y),
            Self::BitXor => integer!(|x, y| x ^ y),
            Self::ShiftLeft => integer!(Integer::shift_left),
            Self::ShiftRight => integer!(Integer::shift_right),
            Self::Eq => compared!(==),
            Self::Ne => compared!(!=),
            Self::Lt => compared!(<),
            Self::Le => compared!(<=),
            Self::Gt => compared!(>),
            Self::Ge => compared!(>=),
        }
    }
}

/// Squares are far quicker than powers, and the power that most people ask for.
fn float_powers<E>(a: Slice<'_>, b: Slice<'_>, out: &mut Block) -> Result<(), String>
where
    E: Element<Value: Number>,
{
    let mut cast = Block::empty(Kind::Bool);
    match E::values(b, &mut cast) {
        [power] if power.wide() == 2.0 => zip::<E, E, E>(a, b, out, |x, _| x.mul(x)),
        powers => zip::<E, E, E>(a, E::slice(powers), out, Number::pow),
    }
}

fn integer_powers<E>(a: Slice<'_>, b: Slice<'_>, out: &mut Block) -> Result<(), String>
where
    E: Element<Value: Number>,
{
    let mut cast = Block::empty(Kind::Bool);
    let powers = E::values(b, &mut cast);
    if powers.iter().fold(false, |negative, &power| negative | (power < Default::default())) {
        return Err("integers have no negative powers: cast them to a float first".to_owned());
    }
    zip::<E, E, E>(a, E::slice(powers), out, Number::pow)
}

fn zip<A: Element, B: Element, R: Element>(
    a: Slice<'_>,
    b: Slice<'_>,
    out: &mut Block,
    function: impl Fn(A::Value, B::Value) -> R::Value,
) -> Result<(), String> {
    let mut casts = (Block::empty(Kind::Bool), Block::empty(Kind::Bool));
    let (a, b) = (A::values(a, &mut casts.0), B::values(b, &mut casts.1));
    let mut results = R::room(out);
    match (a, b) {
        _ if a.len() == b.len() => results.extend(a.iter().zip(b).map(|(&x, &y)| function(x, y))),
        (&[x], _) => results.extend(b.iter().map(|&y| function(x, y))),
        (_, &[y]) => results.extend(a.iter().map(|&x| function(x, y))),
        _ => return Err(format!("{} values do not pair with {}", a.len(), b.len())),
    }
    *out = R::block(results);
    Ok(())
}
