//! The arithmetic of single numbers, as NumPy has it: integers wrap, and nothing ever stops a loop.

use super::element::Value;

pub(super) trait Number: Value {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The quotient rounded down. An integer divided by zero is zero.
    fn floor_div(self, other: Self) -> Self;
    /// What the division that rounds down leaves: it has the sign of the divisor.
    fn rem(self, other: Self) -> Self;
    /// For integers, the other must not be negative.
    fn pow(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    /// -1, 0 or 1.
    fn sign(self) -> Self;
    /// One over it, rounded towards zero for integers; of the integer zero it is zero.
    fn reciprocal(self) -> Self;

    /// The greater, or the one that is not a number.
    #[inline]
    fn maximum(self, other: Self) -> Self {
        if self >= other || self.is_nan() { self } else { other }
    }

    /// The smaller, or the one that is not a number.
    #[inline]
    fn minimum(self, other: Self) -> Self {
        if self <= other || self.is_nan() { self } else { other }
    }

    /// The greater of those that are numbers.
    #[inline]
    fn fmax(self, other: Self) -> Self {
        if self >= other || other.is_nan() { self } else { other }
    }

    /// The smaller of those that are numbers.
    #[inline]
    fn fmin(self, other: Self) -> Self {
        if self <= other || other.is_nan() { self } else { other }
    }
}

pub(super) trait Integer: Number {
    /// By as many bits as there are, or more, or a negative number of them: zero.
    fn shift_left(self, by: Self) -> Self;
    /// By as many bits as there are, or more, or a negative number of them: zero, or -1 of negatives.
    fn shift_right(self, by: Self) -> Self;
}

macro_rules! integers {
    ($($type:ty: $sign:ident),*) => {$(
        impl Number for $type {
            #[inline]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            #[inline]
            fn pow(self, other: Self) -> Self {
                let (mut power, mut square, mut left) = (1, self, other);
                while left > 0 {
                    if left & 1 == 1 {
                        power = Number::mul(power, square);
                    }
                    square = Number::mul(square, square);
                    left >>= 1;
                }
                power
            }

            #[inline]
            fn neg(self) -> Self {
                self.wrapping_neg()
            }

            #[inline]
            fn reciprocal(self) -> Self {
                if self == 0 { 0 } else { (1 as $type).wrapping_div(self) }
            }

            integers!(@ $sign);
        }

        impl Integer for $type {
            #[inline]
            fn shift_left(self, by: Self) -> Self {
                u32::try_from(by).ok().and_then(|by| self.checked_shl(by)).unwrap_or_default()
            }

            #[inline]
            fn shift_right(self, by: Self) -> Self {
                let last = <$type>::BITS - 1;
                match u32::try_from(by).ok().and_then(|by| self.checked_shr(by)) {
                    Some(shifted) => shifted,
                    // The sign spreads.
                    None => self >> last >> 1,
                }
            }
        }
    )*};
    (@ signed) => {
        #[inline]
        fn floor_div(self, other: Self) -> Self {
            if other == 0 {
                return 0;
            }
            let quotient = self.wrapping_div(other);
            let inexact = quotient.wrapping_mul(other) != self;
            if inexact && (self < 0) != (other < 0) { quotient - 1 } else { quotient }
        }

        #[inline]
        fn rem(self, other: Self) -> Self {
            if other == 0 {
                return 0;
            }
            let left = self.wrapping_rem(other);
            if left != 0 && (left < 0) != (other < 0) { left + other } else { left }
        }

        #[inline]
        fn abs(self) -> Self {
            self.wrapping_abs()
        }

        #[inline]
        fn sign(self) -> Self {
            self.signum()
        }
    };
    (@ unsigned) => {
        #[inline]
        fn floor_div(self, other: Self) -> Self {
            self.checked_div(other).unwrap_or_default()
        }

        #[inline]
        fn rem(self, other: Self) -> Self {
            self.checked_rem(other).unwrap_or_default()
        }

        #[inline]
        fn abs(self) -> Self {
            self
        }

        #[inline]
        fn sign(self) -> Self {
            Self::from(self != 0)
        }
    };
}
integers!(
    i8: signed, i16: signed, i32: signed, i64: signed,
    u8: unsigned, u16: unsigned, u32: unsigned, u64: unsigned
);

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[inline]
            fn add(self, other: Self) -> Self {
                self + other
            }

            #[inline]
            fn sub(self, other: Self) -> Self {
                self - other
            }

            #[inline]
            fn mul(self, other: Self) -> Self {
                self * other
            }

            // Not the floor of the quotient: 1 // 0.1 is 9, since 0.1 is a little more than a tenth.
            #[inline]
            fn floor_div(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                let left = self % other;
                let mut quotient = (self - left) / other;
                if left != 0.0 && (left < 0.0) != (other < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as $type).copysign(self / other);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }

            #[inline]
            fn rem(self, other: Self) -> Self {
                let left = self % other;
                if left == 0.0 {
                    (0.0 as $type).copysign(other)
                } else if (left < 0.0) != (other < 0.0) {
                    left + other
                } else {
                    left
                }
            }

            #[inline]
            fn pow(self, other: Self) -> Self {
                self.powf(other)
            }

            #[inline]
            fn neg(self) -> Self {
                -self
            }

            #[inline]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }

            #[inline]
            fn sign(self) -> Self {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else if self == 0.0 {
                    0.0
                } else {
                    self
                }
            }

            #[inline]
            fn reciprocal(self) -> Self {
                1.0 / self
            }
        }
    )*};
}
floats!(f32, f64);
