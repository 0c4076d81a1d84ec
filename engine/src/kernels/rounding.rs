//! Rounding without calls: the instructions for it are not among those that every x86-64 has, and a call
//! for every value is several times slower than a few additions on several values at once.

macro_rules! rounding {
    ($module:ident, $type:ty) => {
        pub(super) mod $module {
            /// From here on there are no fractions, and where digits end once this is added, values are
            /// rounded, halves to the even side.
            const WHOLE: $type = (1_u64 << (<$type>::MANTISSA_DIGITS - 1)) as $type;

            #[inline]
            pub(in super::super) fn round(value: $type) -> $type {
                let size = value.abs();
                let rounded = (size + WHOLE) - WHOLE;
                (if size < WHOLE { rounded } else { size }).copysign(value)
            }

            #[inline]
            pub(in super::super) fn floor(value: $type) -> $type {
                let rounded = round(value);
                (if rounded > value { rounded - 1.0 } else { rounded }).copysign(value)
            }

            #[inline]
            pub(in super::super) fn ceil(value: $type) -> $type {
                let rounded = round(value);
                (if rounded < value { rounded + 1.0 } else { rounded }).copysign(value)
            }

            #[inline]
            pub(in super::super) fn trunc(value: $type) -> $type {
                floor(value.abs()).copysign(value)
            }
        }
    };
}
rounding!(of_f32, f32);
rounding!(of_f64, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_as_by_calls() {
        let whole = 4_503_599_627_370_496.0;
        let ends =
            [0.0, 0.5, 1.0, 1.5, 2.5, 1e-310, 0.49999999999999994, whole, whole - 0.5, whole * 3.0];
        let values = ends
            .into_iter()
            .chain((1..2000).map(|index| f64::from(index) * 0.137))
            .chain([f64::INFINITY, f64::MAX, f64::NAN]);
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        for value in values.flat_map(|value| [value, -value]) {
            assert!(same(of_f64::round(value), value.round_ties_even()), "{value}");
            assert!(same(of_f64::floor(value), value.floor()), "{value}");
            assert!(same(of_f64::ceil(value), value.ceil()), "{value}");
            assert!(same(of_f64::trunc(value), value.trunc()), "{value}");
            let value = value as f32;
            let same = |a: f32, b: f32| same(a.into(), b.into());
            assert!(same(of_f32::round(value), value.round_ties_even()), "{value}");
            assert!(same(of_f32::floor(value), value.floor()), "{value}");
            assert!(same(of_f32::ceil(value), value.ceil()), "{value}");
            assert!(same(of_f32::trunc(value), value.trunc()), "{value}");
        }
    }
}
