//! Values from and to `ndarray`, in the order of C.

use ndarray::{ArrayD, ArrayView, Dimension, IxDyn};

use super::error::{ArrayError, Result};
use super::kind::{DType, Kind};
use super::tensor::Tensor;
use crate::kernels::{Block, Slice};
use crate::lazy::Array;

/// A type of values that both have.
pub trait Native: Clone + 'static {
    /// The kind of such values.
    const KIND: Kind;

    /// Values of one's own.
    fn block(values: Vec<Self>) -> Block;

    /// The values, if they are of this type.
    fn of(values: Slice<'_>) -> Option<Vec<Self>>;
}

macro_rules! natives {
    ($($kind:ident: $type:ty),*) => {$(
        impl Native for $type {
            const KIND: Kind = Kind::$kind;

            fn block(values: Vec<Self>) -> Block {
                Block::$kind(values)
            }

            fn of(values: Slice<'_>) -> Option<Vec<Self>> {
                match values {
                    Slice::$kind(values) => Some(values.to_vec()),
                    _ => None,
                }
            }
        }
    )*};
}
natives!(I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64, F32: f32, F64: f64);

impl Native for bool {
    const KIND: Kind = Kind::Bool;

    fn block(values: Vec<Self>) -> Block {
        Block::Bool(values.into_iter().map(u8::from).collect())
    }

    fn of(values: Slice<'_>) -> Option<Vec<Self>> {
        match values {
            Slice::Bool(values) => Some(values.iter().map(|value| *value != 0).collect()),
            _ => None,
        }
    }
}

impl Tensor {
    /// The values of an array of `ndarray`, whatever its order.
    pub fn from_ndarray<T: Native, D: Dimension>(values: ArrayView<'_, T, D>) -> Result<Self> {
        let shape = values.shape().iter().map(|length| *length as u64).collect();
        Self::from_block(T::KIND.into(), shape, T::block(values.iter().cloned().collect()))
    }

    /// The values as an array of `ndarray`, if they are of this type. Times and spans are whole numbers.
    pub fn to_ndarray<T: Native>(&self) -> Result<ArrayD<T>> {
        let values = T::of(self.values()).ok_or_else(|| {
            ArrayError::asked(format!(
                "values of type {} are no {}: cast them first",
                self.dtype(),
                DType::from(T::KIND)
            ))
        })?;
        let shape: Vec<usize> = self.shape().iter().map(|length| *length as usize).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values)
            .map_err(|error| ArrayError::asked(format!("values as an array of ndarray: {error}")))
    }
}

impl Array {
    /// The values of an array of `ndarray`.
    pub fn from_ndarray<T: Native, D: Dimension>(values: ArrayView<'_, T, D>) -> Result<Self> {
        Self::of(Tensor::from_ndarray(values)?)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, arr0, array};

    use super::*;

    #[test]
    fn values_come_back_as_they_went() {
        let matrix = array![[1.5_f32, 2.0, -3.0], [4.0, 5.0, f32::INFINITY]];
        let tensor = Tensor::from_ndarray(matrix.view()).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (Kind::F32.into(), &[2, 3][..]));
        assert_eq!(tensor.to_ndarray::<f32>().unwrap(), matrix.clone().into_dyn());
        // Turned, so in no order of C.
        let turned = Tensor::from_ndarray(matrix.t()).unwrap();
        assert_eq!(turned.to_ndarray::<f32>().unwrap(), matrix.t().to_owned().into_dyn());
        let truths = array![true, false];
        let back = Tensor::from_ndarray(truths.view()).unwrap().to_ndarray::<bool>().unwrap();
        assert_eq!(back, truths.into_dyn());
        let one = Tensor::from_ndarray(arr0(7_u16).view()).unwrap();
        assert_eq!(one.to_ndarray::<u16>().unwrap(), arr0(7).into_dyn());
        let none = Array2::<i64>::zeros((0, 3));
        let none = Array::from_ndarray(none.index_axis(Axis(1), 0)).unwrap();
        assert_eq!(none.shape(), [0]);
        let refused = tensor.to_ndarray::<f64>().unwrap_err().to_string();
        assert!(refused.contains("f32") && refused.contains("cast"), "{refused}");
    }
}
