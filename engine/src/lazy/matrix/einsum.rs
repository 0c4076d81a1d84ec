//! Sums of products, written with a letter for each dimension: `ij,jk->ik`.

use super::{Array, Result};
use crate::array::ArrayError;
use crate::kernels::{Binary, Reduce};
use crate::lazy::{Index, Scalar};

/// An array, and the letters of its dimensions.
type Lettered = (Array, Vec<char>);

impl Array {
    /// The sum of products of some arrays. Each letter is a dimension; those that stand after the arrow stay, in
    /// that order, and all others are summed over. Without an arrow, the letters that stand once stay, in the order
    /// of the alphabet.
    ///
    /// ```
    /// # use strata_engine::{Array, Kind};
    /// # fn main() -> Result<(), strata_engine::ArrayError> {
    /// let x = Array::eye(30, 40, 0, Kind::F64.into())?;
    /// assert_eq!(Array::einsum("ij,kj->ik", &[x.clone(), x])?.shape(), vec![30, 30]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn einsum(text: &str, arrays: &[Self]) -> Result<Self> {
        arrays.iter().try_for_each(|of| of.refuse_complex("einsum"))?;
        let written: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let (inputs, kept) = match written.split_once("->") {
            Some((inputs, kept)) => (inputs, Some(kept)),
            None => (&written[..], None),
        };
        let refused = |reason: String| ArrayError::asked(format!("einsum('{text}'): {reason}"));
        let letters: Vec<Vec<char>> = inputs.split(',').map(|one| one.chars().collect()).collect();
        let strange = |letter: &&char| !letter.is_ascii_alphabetic();
        if let Some(other) = letters.iter().flatten().find(strange) {
            return Err(refused(format!("'{other}' is no letter of a dimension")));
        }
        if letters.len() != arrays.len() {
            return Err(refused(format!("{} arrays for {} terms", arrays.len(), letters.len())));
        }
        for (own, array) in letters.iter().zip(arrays) {
            if own.len() != array.ndim() {
                let (letters, shape) = (String::from_iter(own), array.shape());
                return Err(refused(format!("'{letters}' does not fit a shape of {shape:?}")));
            }
        }
        let kept: Vec<char> = match kept {
            Some(kept) => kept.chars().collect(),
            None => {
                let times =
                    |letter: char| letters.iter().flatten().filter(|l| **l == letter).count();
                let mut once: Vec<char> =
                    letters.iter().flatten().copied().filter(|l| times(*l) == 1).collect();
                once.sort_unstable();
                once
            }
        };
        for (at, letter) in kept.iter().enumerate() {
            if !letters.iter().flatten().any(|known| known == letter) {
                return Err(refused(format!("'{letter}' is on the right of the arrow only")));
            }
            if kept.iter().take(at).any(|other| other == letter) {
                return Err(refused(format!("'{letter}' stands twice on the right of the arrow")));
            }
        }
        let mut lengths = std::collections::HashMap::new();
        for (letter, length) in letters.iter().flatten().zip(arrays.iter().flat_map(Self::shape)) {
            let known = *lengths.entry(*letter).or_insert(length);
            if known != length {
                return Err(refused(format!("'{letter}' is {known} and {length} long")));
            }
        }
        let mut left: Vec<Lettered> = Vec::new();
        for (array, own) in arrays.iter().zip(letters) {
            let plain = array.named(vec![None; array.ndim()])?;
            left.push(on_diagonals(plain, own)?);
        }
        let mut left = left.into_iter();
        let Some(mut all) = left.next() else { return Err(refused("no arrays".to_string())) };
        while let Some(next) = left.next() {
            let rest: Vec<char> =
                left.as_slice().iter().flat_map(|(_, own)| own).chain(&kept).copied().collect();
            all = multiplied(all, next, &rest)?;
        }
        let (array, own) = summed(all, &kept)?;
        let order: Vec<usize> =
            kept.iter().filter_map(|letter| own.iter().position(|own| own == letter)).collect();
        array.transpose(&order)
    }
}

/// With each letter once: what stands twice is looked at on its diagonal.
fn on_diagonals(array: Array, own: Vec<char>) -> Result<Lettered> {
    let (mut array, mut own) = (array, own);
    while let Some((first, second)) = twice(&own) {
        let shape = array.shape();
        let along = |axis: usize| {
            let length = shape.get(axis).copied().unwrap_or(0);
            let zero = Scalar::Signed(0);
            let places = Array::arange(zero, Scalar::Unsigned(length), Scalar::Signed(1))?;
            let show = |at: usize| if at == axis { Index::ALL } else { Index::New };
            places.index(&(0..shape.len()).map(show).collect::<Vec<_>>())
        };
        let same = along(first)?.binary(Binary::Eq, &along(second)?)?;
        let nothing = Array::full(&[], Scalar::Unsigned(0), array.dtype())?;
        let dtype = array.dtype();
        array =
            same.select(&array, &nothing)?.reduce(Reduce::Sum, false, &[second])?.cast(dtype)?;
        own.remove(second);
    }
    Ok((array, own))
}

/// The places of a letter that stands twice.
fn twice(own: &[char]) -> Option<(usize, usize)> {
    let again = |at: &usize| own.iter().take(*at).any(|other| own.get(*at) == Some(other));
    let second = (0..own.len()).find(again)?;
    Some((own.iter().position(|other| own.get(second) == Some(other))?, second))
}

/// Without the letters that nobody wants any more.
fn summed((array, own): Lettered, wanted: &[char]) -> Result<Lettered> {
    let gone = |at: &usize| own.get(*at).is_some_and(|letter| !wanted.contains(letter));
    let axes: Vec<usize> = (0..own.len()).filter(gone).collect();
    if axes.is_empty() {
        return Ok((array, own));
    }
    let dtype = array.dtype();
    let array = array.reduce(Reduce::Sum, false, &axes)?.cast(dtype)?;
    Ok((array, own.into_iter().filter(|letter| wanted.contains(letter)).collect()))
}

/// The product of two, summed over what both have and nobody wants any more.
fn multiplied(left: Lettered, right: Lettered, wanted: &[char]) -> Result<Lettered> {
    let either = |other: &[char]| [other, wanted].concat();
    let (others, own) = (either(&right.1), either(&left.1));
    let (left, right) = (summed(left, &others)?, summed(right, &own)?);
    let both = |letter: &&char| right.1.contains(letter);
    let (shared, over): (Vec<char>, Vec<char>) =
        left.1.iter().filter(both).copied().partition(|letter| wanted.contains(letter));
    let rest = |of: &Lettered, other: &Lettered| -> Vec<char> {
        of.1.iter().copied().filter(|letter| !other.1.contains(letter)).collect()
    };
    let (rows, columns) = (rest(&left, &right), rest(&right, &left));
    let turned = |of: &Lettered, order: &[&[char]]| {
        let order = order.concat();
        let place = |letter: &char| of.1.iter().position(|own| own == letter);
        of.0.transpose(&order.iter().filter_map(place).collect::<Vec<_>>())
    };
    let first = turned(&left, &[&shared, &rows, &over])?;
    let second = turned(&right, &[&shared, &over, &columns])?;
    let product = first.contract(&second, shared.len(), over.len())?;
    Ok((product, [shared, rows, columns].concat()))
}
