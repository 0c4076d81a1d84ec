//! What is done with values in pairs.

mod kernel;

use serde::{Deserialize, Serialize};

pub(crate) use self::kernel::BinaryKernel;
use crate::array::Kind;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is done with values in pairs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Binary {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Binary {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, as in `floor_div`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}
operations! {
    /// The sum; of truth values, whether one is true.
    Add = "add",
    /// The difference.
    Sub = "sub",
    /// The product; of truth values, whether both are true.
    Mul = "mul",
    /// The quotient, which is always a float.
    Div = "div",
    /// The quotient rounded down. An integer divided by zero is zero.
    FloorDiv = "floor_div",
    /// What `floor_div` leaves: it has the sign of the divisor.
    Rem = "rem",
    /// Integers have no negative powers.
    Pow = "pow",
    /// The angle of the point whose ordinate is the first and whose abscissa is the second.
    Atan2 = "atan2",
    /// The root of the sum of the squares.
    Hypot = "hypot",
    /// The first with the sign of the second.
    CopySign = "copysign",
    /// The greater, or the one that is not a number.
    Maximum = "maximum",
    /// The smaller, or the one that is not a number.
    Minimum = "minimum",
    /// The greater of those that are numbers.
    Fmax = "fmax",
    /// The smaller of those that are numbers.
    Fmin = "fmin",
    /// Whether both are true.
    And = "and",
    /// Whether one is true.
    Or = "or",
    /// Whether exactly one is true.
    Xor = "xor",
    /// The bits that both have.
    BitAnd = "bit_and",
    /// The bits that one has.
    BitOr = "bit_or",
    /// The bits that exactly one has.
    BitXor = "bit_xor",
    /// By as many bits as there are, or more, or a negative number of them: zero.
    ShiftLeft = "shift_left",
    /// By as many bits as there are, or more, or a negative number of them: zero, or -1 where it was
    /// negative.
    ShiftRight = "shift_right",
    /// Whether they are equal.
    Eq = "eq",
    /// Whether they differ.
    Ne = "ne",
    /// Whether the first is less.
    Lt = "lt",
    /// Whether the first is not greater.
    Le = "le",
    /// Whether the first is greater.
    Gt = "gt",
    /// Whether the first is not less.
    Ge = "ge",
}

impl Binary {
    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// What the left and the right values are cast to, and what the result is then, as NumPy has it.
    /// Where NumPy makes `float16` of values of one byte, there is `f32` here.
    ///
    /// The two are cast to the same kind but where `u64` is compared with signed integers: these become
    /// `i64`, since no kind holds both.
    pub fn result(self, left: Kind, right: Kind) -> Result<([Kind; 2], Kind), String> {
        let both = left.with(right);
        let same = |kind| Ok(([kind, kind], kind));
        match self {
            Self::Sub if both == Kind::Bool => {
                Err("truth values cannot be subtracted: use xor, or cast them to an integer first"
                    .to_owned())
            }
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Maximum
            | Self::Minimum
            | Self::Fmax
            | Self::Fmin => same(both),
            Self::Div => same(if both.is_float() { both } else { Kind::F64 }),
            Self::FloorDiv | Self::Rem | Self::Pow => same(both.max(Kind::I8)),
            Self::Atan2 | Self::Hypot | Self::CopySign => {
                same(left.with(Kind::F32).with(right.with(Kind::F32)))
            }
            Self::And | Self::Or | Self::Xor => same(Kind::Bool),
            Self::BitAnd | Self::BitOr | Self::BitXor | Self::ShiftLeft | Self::ShiftRight
                if both.is_float() =>
            {
                Err(if left.is_float() || right.is_float() {
                    format!(
                        "{} means nothing for {left} and {right} values: cast them to an integer first",
                        self.name()
                    )
                } else {
                    format!(
                        "{} found no integer that holds {left} and {right} values: cast one to the other",
                        self.name()
                    )
                })
            }
            Self::BitAnd | Self::BitOr | Self::BitXor => same(both),
            Self::ShiftLeft | Self::ShiftRight => same(both.max(Kind::I8)),
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => {
                let operands = match (left, right) {
                    (Kind::U64, signed) if signed.is_signed() => [Kind::U64, Kind::I64],
                    (signed, Kind::U64) if signed.is_signed() => [Kind::I64, Kind::U64],
                    _ => [both, both],
                };
                Ok((operands, Kind::Bool))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Kind::*;
    use crate::kernels::{Block, Slice};

    fn of(operation: Binary, left: Slice<'_>, right: Slice<'_>) -> Block {
        tried(operation, left, right).unwrap()
    }

    fn tried(operation: Binary, left: Slice<'_>, right: Slice<'_>) -> Result<Block, String> {
        let (operands, result) = operation.result(left.kind(), right.kind())?;
        let mut out = Block::F32(vec![7.0; 9]);
        operation.kernel(operands)(left, right, &mut out)?;
        assert_eq!(out.kind(), result, "{operation:?}");
        Ok(out)
    }

    #[test]
    fn names_are_read_back() {
        for &operation in Binary::ALL {
            assert_eq!(Binary::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Binary::from_name("plus"), None);
    }

    #[test]
    fn every_operation_runs_for_every_pair_of_kinds() {
        for &operation in Binary::ALL {
            for left in Kind::ALL {
                for right in Kind::ALL {
                    let zeros = (Block::zeros(left, 3), Block::zeros(right, 3));
                    match tried(operation, zeros.0.as_slice(), zeros.1.as_slice()) {
                        Ok(out) => assert_eq!(out.len(), 3),
                        Err(message) => assert!(message.contains("cast"), "{message}"),
                    }
                }
            }
        }
    }

    #[test]
    fn kinds_come_out_as_in_numpy() {
        for (operation, left, right, result) in [
            (Binary::Add, Bool, Bool, Bool),
            (Binary::Add, I8, U8, I16),
            (Binary::Add, I64, U64, F64),
            (Binary::Div, I8, U8, F64),
            (Binary::Div, I16, F32, F32),
            (Binary::Div, I32, F32, F64),
            (Binary::Pow, Bool, Bool, I8),
            (Binary::Hypot, I16, U16, F32),
            (Binary::Hypot, I8, U32, F64),
            (Binary::ShiftLeft, Bool, U8, U8),
            (Binary::And, F64, I8, Bool),
        ] {
            assert_eq!(
                operation.result(left, right).unwrap().1,
                result,
                "{operation:?} {left} {right}"
            );
        }
        assert!(Binary::Sub.result(Bool, Bool).unwrap_err().contains("xor"));
        assert!(Binary::BitAnd.result(U64, I8).unwrap_err().contains("integer"));
        assert!(Binary::ShiftLeft.result(F32, I8).unwrap_err().contains("f32"));
    }

    #[test]
    fn integers_wrap_and_divide_by_zero() {
        let (a, b) = ([7, -7, 7, -128, 5], [2, 2, -2, -1, 0]);
        assert_eq!(
            of(Binary::FloorDiv, Slice::I8(&a), Slice::I8(&b)),
            Block::I8(vec![3, -4, -4, -128, 0])
        );
        assert_eq!(of(Binary::Rem, Slice::I8(&a), Slice::I8(&b)), Block::I8(vec![1, 1, -1, 0, 0]));
        assert_eq!(of(Binary::Add, Slice::U8(&[250]), Slice::U8(&[10])), Block::U8(vec![4]));
        assert_eq!(
            of(Binary::Pow, Slice::I8(&[2, 3]), Slice::I8(&[7, 0])),
            Block::I8(vec![-128, 1])
        );
        let error = tried(Binary::Pow, Slice::I8(&[2]), Slice::I8(&[-1])).unwrap_err();
        assert!(error.contains("negative"), "{error}");
    }

    #[test]
    fn floats_divide_down() {
        let (a, b) = ([1.0, -1.0, 5.5, -5.5, 1.0], [0.1, f64::INFINITY, -2.0, 2.0, 0.0]);
        let down = of(Binary::FloorDiv, Slice::F64(&a), Slice::F64(&b));
        assert_eq!(down, Block::F64(vec![9.0, -1.0, -3.0, -3.0, f64::INFINITY]));
        let left = of(Binary::Rem, Slice::F64(&[5.5, -5.5]), Slice::F64(&[-2.0, 2.0]));
        assert_eq!(left, Block::F64(vec![-0.5, 0.5]));
    }

    #[test]
    fn shifts_go_over_the_edge() {
        let shifts = [1, 8, 100, -1];
        assert_eq!(
            of(Binary::ShiftLeft, Slice::I8(&[3; 4]), Slice::I8(&shifts)),
            Block::I8(vec![6, 0, 0, 0])
        );
        assert_eq!(
            of(Binary::ShiftRight, Slice::I8(&[-4; 4]), Slice::I8(&shifts)),
            Block::I8(vec![-2, -1, -1, -1])
        );
    }

    #[test]
    fn what_is_not_a_number_wins_or_is_ignored() {
        let (a, b) = ([f64::NAN, 1.0], [2.0, f64::NAN]);
        let Block::F64(greater) = of(Binary::Maximum, Slice::F64(&a), Slice::F64(&b)) else {
            panic!()
        };
        assert!(greater.iter().all(|value| value.is_nan()));
        assert_eq!(of(Binary::Fmin, Slice::F64(&a), Slice::F64(&b)), Block::F64(vec![2.0, 1.0]));
    }

    #[test]
    fn signed_and_unsigned_are_compared_as_they_are() {
        let (a, b) = ([-1, i64::MAX], [u64::MAX, i64::MAX as u64 + 1]);
        assert_eq!(of(Binary::Lt, Slice::I64(&a), Slice::U64(&b)), Block::Bool(vec![1, 1]));
        assert_eq!(of(Binary::Eq, Slice::U64(&b), Slice::I64(&a)), Block::Bool(vec![0, 0]));
        assert_eq!(of(Binary::Gt, Slice::U64(&b), Slice::I8(&[-1])), Block::Bool(vec![1, 1]));
    }

    #[test]
    fn one_value_stands_for_all() {
        assert_eq!(of(Binary::Sub, Slice::I8(&[9]), Slice::I8(&[1, 2])), Block::I8(vec![8, 7]));
        assert_eq!(
            of(Binary::Pow, Slice::F32(&[3.0, 4.0]), Slice::F32(&[2.0])),
            Block::F32(vec![9.0, 16.0])
        );
        assert_eq!(of(Binary::Add, Slice::I8(&[]), Slice::I8(&[2])), Block::I8(vec![]));
        assert!(tried(Binary::Add, Slice::I8(&[1, 2]), Slice::I8(&[1, 2, 3])).is_err());
    }
}
