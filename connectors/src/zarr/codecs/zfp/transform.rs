//! What makes the values of a block less alike each other: line by line, along one axis after the other.
//! What is lost by halves is little, and nothing where a block must come back as it was.

/// A whole number that coefficients are made of. It wraps around.
pub(super) trait Whole: Copy + Default {
    /// How many binary digits it has.
    const DIGITS: u32;
    /// In how many bits a count of digits is written.
    const COUNT: u32;

    fn plus(self, other: Self) -> Self;
    fn less(self, other: Self) -> Self;
    fn half(self) -> Self;

    /// As a number of base minus two, where few digits are set for what is near 0 on either side.
    fn to_negabinary(self) -> u64;
    fn from_negabinary(digits: u64) -> Self;
}

macro_rules! wholes {
    ($($signed:ty, $unsigned:ty, $count:literal);*) => {
        $(impl Whole for $signed {
            const DIGITS: u32 = <$signed>::BITS;
            const COUNT: u32 = $count;

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn less(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            fn half(self) -> Self {
                self >> 1
            }

            fn to_negabinary(self) -> u64 {
                const ODD: $unsigned = <$unsigned>::MAX / 3 * 2;
                u64::from((self as $unsigned).wrapping_add(ODD) ^ ODD)
            }

            fn from_negabinary(digits: u64) -> Self {
                const ODD: $unsigned = <$unsigned>::MAX / 3 * 2;
                (digits as $unsigned ^ ODD).wrapping_sub(ODD) as $signed
            }
        })*
    };
}
wholes!(i32, u32, 5; i64, u64, 6);

/// Calls something with each line of four along an axis, the fastest being 0.
pub(super) fn lines<T>(
    block: &mut [T],
    axis: u32,
    mut each: impl FnMut(&mut T, &mut T, &mut T, &mut T),
) {
    let step = 1 << (2 * axis);
    for slab in block.chunks_exact_mut(4 * step) {
        let mut parts = slab.chunks_exact_mut(step);
        let (Some(first), Some(second), Some(third), Some(fourth)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        for (((x, y), z), w) in first.iter_mut().zip(second).zip(third).zip(fourth) {
            each(x, y, z, w);
        }
    }
}

/// Makes coefficients of values.
pub(super) fn forward<T: Whole>(block: &mut [T], dims: u32) {
    for axis in 0..dims {
        lines(block, axis, |x, y, z, w| {
            *x = x.plus(*w).half();
            *w = w.less(*x);
            *z = z.plus(*y).half();
            *y = y.less(*z);
            *x = x.plus(*z).half();
            *z = z.less(*x);
            *w = w.plus(*y).half();
            *y = y.less(*w);
            *w = w.plus(y.half());
            *y = y.less(w.half());
        });
    }
}

/// Makes values of coefficients.
pub(super) fn inverse<T: Whole>(block: &mut [T], dims: u32) {
    for axis in (0..dims).rev() {
        lines(block, axis, |x, y, z, w| {
            *y = y.plus(w.half());
            *w = w.less(y.half());
            *y = y.plus(*w);
            *w = w.plus(*w).less(*y);
            *z = z.plus(*x);
            *x = x.plus(*x).less(*z);
            *y = y.plus(*z);
            *z = z.plus(*z).less(*y);
            *w = w.plus(*x);
            *x = x.plus(*x).less(*w);
        });
    }
}

/// The same without loss: differences of differences of differences.
pub(super) fn forward_exact<T: Whole>(block: &mut [T], dims: u32) {
    for axis in 0..dims {
        lines(block, axis, |x, y, z, w| {
            *w = w.less(*z);
            *z = z.less(*y);
            *w = w.less(*z);
            *y = y.less(*x);
            *z = z.less(*y);
            *w = w.less(*z);
        });
    }
}

pub(super) fn inverse_exact<T: Whole>(block: &mut [T], dims: u32) {
    for axis in (0..dims).rev() {
        lines(block, axis, |x, y, z, w| {
            *w = w.plus(*z);
            *z = z.plus(*y);
            *w = w.plus(*z);
            *y = y.plus(*x);
            *z = z.plus(*y);
            *w = w.plus(*z);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_differences_are_undone() {
        for dims in 1..=4 {
            let values: Vec<i32> =
                (0..1_i32 << (2 * dims)).map(|at| at.wrapping_mul(0x6a09_e667)).collect();
            let mut block = values.clone();
            forward_exact(&mut block, dims);
            assert_ne!(block, values);
            inverse_exact(&mut block, dims);
            assert_eq!(block, values);
        }
    }

    #[test]
    fn what_is_smooth_becomes_small() {
        let mut block: Vec<i64> = (0..64).map(|at| (at % 4 + at / 4 % 4 + at / 16) << 20).collect();
        let values = block.clone();
        forward(&mut block, 3);
        let large = block.iter().filter(|coefficient| coefficient.unsigned_abs() > 8).count();
        assert_eq!(large, 4, "{block:?}");
        inverse(&mut block, 3);
        let near = block.iter().zip(&values).all(|(got, value)| got.abs_diff(*value) <= 16);
        assert!(near, "{block:?}");
    }

    #[test]
    fn negabinary_is_undone() {
        for value in [0, 1, -1, 2, -2, i64::MAX, i64::MIN, 0x1234_5678_9abc] {
            assert_eq!(i64::from_negabinary(value.to_negabinary()), value);
            let short = value as i32;
            assert_eq!(i32::from_negabinary(short.to_negabinary()), short);
        }
        assert_eq!((1_i32.to_negabinary(), (-1_i32).to_negabinary()), (1, 3));
    }
}
