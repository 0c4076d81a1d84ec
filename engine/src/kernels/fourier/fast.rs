//! Lengths that are transformed fast: products of 2, 3, 5 and 7.

/// The first such length that is no shorter.
pub(in crate::kernels) fn fast(length: usize) -> usize {
    (length.max(1)..).find(|length| is_fast(*length)).unwrap_or(length)
}

/// The same for rows of real values, of which there are best an even number.
pub(in crate::kernels) fn fast_row(length: usize) -> usize {
    let even = |length: &usize| length.is_multiple_of(2) && is_fast(*length);
    if length <= 1 { 1 } else { (length..).find(even).unwrap_or(length) }
}

fn is_fast(mut length: usize) -> bool {
    for factor in [2, 3, 5, 7] {
        while length > 1 && length.is_multiple_of(factor) {
            length /= factor;
        }
    }
    length == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_no_shorter_and_fast() {
        assert_eq!([0, 1, 11, 97, 131, 1009].map(fast), [1, 1, 12, 98, 135, 1024]);
        assert_eq!([0, 1, 11, 131, 143].map(fast_row), [1, 1, 12, 140, 144]);
    }
}
