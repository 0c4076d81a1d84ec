//! Arrays, computed and written chunk by chunk.
//!
//! ```text
//! parts    what is written together: arrays, and the coordinates that they share
//! new      a store that appears whole or not at all
//! append   what is there grows along a dimension: readers see it when all is written
//! region   some of what is there is replaced, chunk by chunk
//! ```

mod append;
mod new;
mod parts;
mod region;

use datafusion::execution::context::SessionContext;
use serde_json::{Map, Value};
use strata_engine::{
    Array, ArrayError, ArraySource, Cuts, EngineError, Grid, Labelled, Tensor, cells,
};

use super::dataset::{Variables, located, store_to_write};
use super::encode::Encoded;
use super::hierarchy::{Group, Node, open};
use super::place::Place;
use super::write::{ArrayWriter, Compression, Existing};
use super::{ZarrArray, cf};
use crate::chunked::written::each_chunk;
use parts::Part;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub enum Saves<'a> {
    /// One array, and its coordinates.
    Array(&'a Labelled),
    /// Several, which share coordinates.
    Group(&'a Variables),
}

/// How it is written.
#[derive(Debug, Clone, Default)]
pub struct Saving {
    /// Where it goes.
    pub mode: Mode,
    /// The chunks of a new store; as the arrays are cut where nobody says.
    pub chunks: Option<Lengths>,
    /// What is one object of a new store, where that holds several chunks.
    pub shards: Option<Lengths>,
    /// How chunks of a new store are packed.
    pub compression: Compression,
    /// What is said of a new array, or of a new group of several.
    pub attributes: Map<String, Value>,
}

/// Where what is written goes.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Into a store of its own.
    New(Existing),
    /// Behind what is there, along this dimension: its name, or its number where it has none.
    Append(String),
    /// In the place of what is there.
    Region(Start),
}

impl Default for Mode {
    fn default() -> Self {
        Self::New(Existing::Refuse)
    }
}

/// Where a region begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At this place along each dimension.
    At(Vec<u64>),
    /// Where the coordinates that are there are those of what is written.
    ByLabels,
}

/// Lengths of chunks; -1 is all of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lengths {
    /// The same along all dimensions.
    All(i64),
    /// One for each.
    Each(Vec<i64>),
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    /// Chunks of the values; coordinates are not counted.
    pub chunks: u64,
    /// Bytes of the values, before they are packed.
    pub bytes: u64,
}

impl Saved {
    fn add(&mut self, array: &Array) {
        self.chunks += array.grid().chunks().unwrap_or(0);
        self.bytes += array.bytes();
    }
}

/// Computes arrays and writes them as Zarr: into groups with their coordinates where their dimensions have
/// names, else one array alone.
pub async fn save(
    session: &SessionContext,
    what: Saves<'_>,
    path: &str,
    saving: &Saving,
) -> Result<Saved, EngineError> {
    let url = located(path, true)?;
    let store = store_to_write(session, &url)?;
    let parts = parts::of(session, what).await?;
    let kept = saving.chunks.is_some()
        || saving.shards.is_some()
        || saving.compression != Compression::default()
        || !saving.attributes.is_empty();
    if kept && !matches!(saving.mode, Mode::New(_)) {
        let reason = "chunks, shards, compression and attributes are those of what is there: give them with a \
                      new store";
        return Err(ArrayError::asked(reason).into());
    }
    match &saving.mode {
        Mode::New(existing) => {
            let about = match what {
                Saves::Group(group) => Some(&group.attributes),
                Saves::Array(_) => None,
            };
            new::write(session, &parts, &url, store, *existing, saving, about).await
        }
        Mode::Append(along) => append::write(session, &parts, &url, store, along).await,
        Mode::Region(start) => {
            region::write(session, &parts, &Place::new(&url, store)?, start).await
        }
    }
}

/// What is there to be added to.
async fn there(place: &Place) -> Result<Group, ArrayError> {
    Ok(match open(place).await? {
        Node::Group(group) => group,
        Node::Array(array) => {
            Group { arrays: [(String::new(), Ok(array))].into(), ..Group::default() }
        }
    })
}

/// The array that a part is added to.
fn of_part<'a>(
    group: &'a Group,
    part: &Part,
    place: &Place,
) -> Result<(&'a str, &'a std::sync::Arc<ZarrArray>), ArrayError> {
    // A store of one array has no names.
    let alone = group.arrays.len() == 1 && group.arrays.contains_key("");
    let name = if alone { "" } else { part.name.as_str() };
    let Some((name, found)) = group.arrays.get_key_value(name) else {
        let names: Vec<&str> = group.arrays.keys().map(String::as_str).collect();
        return Err(ArrayError::Source {
            array: place.title(),
            reason: format!(
                "it has no array '{}' to add to, but {}; name the values: .named('…')",
                part.name,
                names.join(", ")
            ),
        });
    };
    let found = found.as_ref().map_err(Clone::clone)?;
    let own = part.values.array.dims();
    let dims = &found.form().dims;
    let differs = |(own, there): (&Option<String>, &Option<String>)| {
        own.is_some() && there.is_some() && own != there
    };
    if own.len() != dims.len() || own.iter().zip(dims).any(differs) {
        let shown = |dims: &[Option<String>]| {
            let names = dims.iter().map(|dim| dim.as_deref().unwrap_or("-"));
            names.collect::<Vec<_>>().join(", ")
        };
        return Err(ArrayError::Source {
            array: found.title(),
            reason: format!(
                "its dimensions are ({}), and those of what is written ({})",
                shown(dims),
                shown(own)
            ),
        });
    }
    Ok((name, found))
}

/// Writes values into an array that is there, from a place on. Each of its objects is written once.
async fn into_place(
    session: &SessionContext,
    encoded: &Encoded,
    into: &ArrayWriter,
    start: &[u64],
) -> Result<(), EngineError> {
    let array = &encoded.array;
    let pieces = into.grid().0.iter().map(Cuts::longest);
    let along = start.iter().zip(array.shape()).zip(pieces);
    let cuts = along.map(|((start, length), piece)| aligned(*start, length, piece.max(1)));
    let array = array.rechunk(Grid(cuts.collect::<Result<_, _>>()?))?;
    let object = into.grid().largest().unwrap_or(u64::MAX);
    let beside = object.saturating_mul(2 * encoded.stored.width() as u64);
    each_chunk(session, &array, beside, |region, values: Tensor| {
        let at: Vec<u64> = region.iter().zip(start).map(|(a, b)| a.start + b).collect();
        let (encoded, into) = (encoded.clone(), into.clone());
        async move {
            let values = encoded.exactly(values).map_err(|reason| into.refused(&at, reason))?;
            into.write(&at, &values).await
        }
    })
    .await
}

/// A dimension cut where an array that is there is cut, from a place on.
fn aligned(start: u64, length: u64, piece: u64) -> Result<Cuts, ArrayError> {
    let first = (piece - start % piece).min(length);
    if first == piece || first == length {
        return Ok(Cuts::even(length, first.max(1)));
    }
    let others = (length - first).div_ceil(piece);
    if others > 1 << 24 {
        return Err(ArrayError::asked(format!(
            "{others} chunks along a dimension are too many to write"
        )));
    }
    let mut lengths = vec![first];
    lengths.extend((0..others).map(|at| piece.min(length - first - at * piece)));
    Cuts::of_lengths(&lengths)
}

/// Whether two arrays have the same values. They are small: coordinates.
async fn same(session: &SessionContext, one: &Array, other: &Array) -> Result<bool, EngineError> {
    if one.is_written_as(other) {
        return Ok(true);
    }
    if one.shape() != other.shape() || cells(&one.shape()) == Some(0) {
        return Ok(one.shape() == other.shape());
    }
    let Some((one, other)) = alike(one, other)? else { return Ok(false) };
    let (one, other) = (one.compute(session).await?, other.compute(session).await?);
    Ok(one.data() == other.data())
}

/// Both as one type that has the values of both.
fn alike(one: &Array, other: &Array) -> Result<Option<(Array, Array)>, ArrayError> {
    use strata_engine::DType::{Plain, Span, Time};
    let dtype = match (one.dtype(), other.dtype()) {
        (Plain(a), Plain(b)) => Plain(a.with(b)),
        (Time(a), Time(b)) => Time(a.max(b)),
        (Span(a), Span(b)) => Span(a.max(b)),
        _ => return Ok(None),
    };
    Ok(Some((one.cast(dtype)?, other.cast(dtype)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_chunks_do() {
        let lengths = |start, length, piece| {
            let cuts = aligned(start, length, piece).unwrap();
            (0..cuts.pieces()).map(|at| cuts.piece(at).end).collect::<Vec<_>>()
        };
        assert_eq!(lengths(0, 10, 4), [4, 8, 10]);
        assert_eq!(lengths(3, 10, 4), [1, 5, 9, 10]);
        assert_eq!(lengths(8, 3, 4), [3]);
        assert_eq!(lengths(5, 2, 4), [2]);
        assert_eq!(lengths(5, 7, 4), [3, 7]);
        assert_eq!(lengths(7, 0, 4), [0; 0]);
    }
}
