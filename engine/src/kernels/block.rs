//! Values of one kind in a row: borrowed, or owned and written to.

use crate::array::Kind;

/// Calls a macro with every variant and its type.
macro_rules! each_kind {
    ($call:ident) => {
        $call! {
            Bool: u8, I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64,
            F32: f32, F64: f64
        }
    };
}
pub(crate) use each_kind;

macro_rules! blocks {
    ($($kind:ident: $type:ty),*) => {
        /// Values that belong to somebody else. Truth values are bytes, 0 or 1.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[expect(missing_docs, reason = "the names are those of the kinds")]
        pub enum Slice<'a> {
            $($kind(&'a [$type]),)*
        }

        /// Values of one's own.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "the names are those of the kinds")]
        pub enum Block {
            $($kind(Vec<$type>),)*
        }

        impl<'a> Slice<'a> {
            /// What they are.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// How many.
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$kind(values) => values.len(),)*
                }
            }

            /// Those from `start` to `end`, which must be there.
            pub fn range(&self, start: usize, end: usize) -> Slice<'a> {
                match self {
                    $(Self::$kind(values) => Self::$kind(values.get(start..end).unwrap_or_default()),)*
                }
            }

            /// Their own copy.
            pub fn to_block(&self) -> Block {
                match self {
                    $(Self::$kind(values) => Block::$kind(values.to_vec()),)*
                }
            }
        }

        impl Block {
            /// No values yet.
            pub fn empty(kind: Kind) -> Self {
                match kind {
                    $(Kind::$kind => Self::$kind(Vec::new()),)*
                }
            }

            /// So many zeros.
            pub fn zeros(kind: Kind, length: usize) -> Self {
                match kind {
                    $(Kind::$kind => Self::$kind(vec![Default::default(); length]),)*
                }
            }

            /// Without its values, and with their memory.
            pub fn clear(&mut self) {
                match self {
                    $(Self::$kind(values) => values.clear(),)*
                }
            }

            /// So many values: zeros behind those that are there.
            pub fn resize(&mut self, length: usize) {
                match self {
                    $(Self::$kind(values) => values.resize(length, Default::default()),)*
                }
            }

            /// Makes room for so many more.
            pub fn reserve(&mut self, count: usize) {
                match self {
                    $(Self::$kind(values) => values.reserve(count),)*
                }
            }

            /// All of them, borrowed.
            pub fn as_slice(&self) -> Slice<'_> {
                match self {
                    $(Self::$kind(values) => Slice::$kind(values),)*
                }
            }

            /// What they are.
            pub fn kind(&self) -> Kind {
                self.as_slice().kind()
            }

            /// How many.
            pub fn len(&self) -> usize {
                self.as_slice().len()
            }
        }
    };
}
each_kind!(blocks);

impl Slice<'_> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Block {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
