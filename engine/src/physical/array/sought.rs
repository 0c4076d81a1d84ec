//! Rows that ask for what is at places: which chunks they are about, and which cells of each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, RecordBatch};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_err};
use datafusion::execution::memory_pool::MemoryReservation;

use crate::array::{Grid, Region, shape_of};

/// What must be alike for a row and a place along a dimension to meet: a column of the rows, and what each place has.
#[derive(Debug, Clone)]
pub(crate) struct PlaceKey {
    /// Along which dimension.
    pub(crate) axis: usize,
    /// Which column of the rows.
    pub(crate) column: usize,
    /// What each place has there.
    pub(crate) values: ArrayRef,
}

/// A row, and a place along each dimension that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Meeting {
    row: u32,
    places: Box<[u64]>,
}

/// Rows, and where they belong.
#[derive(Debug)]
pub(super) struct Sought {
    /// The rows that ask.
    pub(super) rows: RecordBatch,
    /// Those that no place meets.
    pub(super) alone: Vec<u32>,
    /// The dimensions that are named, in order.
    axes: Vec<usize>,
    meetings: Vec<Meeting>,
    /// The meetings of each chunk, by where it is along these dimensions.
    by_chunk: HashMap<Box<[u64]>, Vec<u32>>,
    _held: MemoryReservation,
}

/// The bytes that a meeting takes, beside its places.
const MEETING: usize = size_of::<Meeting>() + 16;

impl Sought {
    /// Finds where rows belong. Where it is enough that somebody asks for a place, it is there `once`.
    pub(super) fn of(
        rows: RecordBatch,
        keys: &[PlaceKey],
        grid: &Grid,
        once: bool,
        held: MemoryReservation,
    ) -> Result<Self> {
        let Ok(count) = u32::try_from(rows.num_rows()) else {
            return exec_err!("{} rows ask for what is at places", rows.num_rows());
        };
        let mut axes: Vec<usize> = keys.iter().map(|key| key.axis).collect();
        axes.sort_unstable();
        axes.dedup();
        let mut found = Vec::with_capacity(axes.len());
        for axis in &axes {
            let along = keys.iter().filter(|key| key.axis == *axis).collect::<Vec<_>>();
            found.push(places_of(&rows, &along)?);
        }
        let mut sought = Self {
            rows,
            alone: Vec::new(),
            axes,
            meetings: Vec::new(),
            by_chunk: HashMap::new(),
            _held: held,
        };
        let mut seen = HashSet::new();
        // Where there is no cell, no row has one.
        let none = grid.shape().contains(&0);
        for row in 0..count {
            let along: Vec<&[u64]> = found.iter().map(|of| of.at(row)).collect();
            if none || along.iter().any(|places| places.is_empty()) {
                sought.alone.push(row);
                continue;
            }
            let many = along.iter().map(|places| places.len()).product::<usize>();
            for number in 0..many {
                let places = nth(&along, number);
                if once && !seen.insert(places.clone()) {
                    continue;
                }
                let each = MEETING + size_of_val(places.as_ref()) * if once { 3 } else { 2 };
                sought._held.try_grow(each)?;
                sought.add(Meeting { row, places }, grid);
            }
        }
        Ok(sought)
    }

    fn add(&mut self, meeting: Meeting, grid: &Grid) {
        let along = self.axes.iter().zip(&meeting.places);
        let chunk =
            along.map(|(axis, place)| grid.0.get(*axis).map_or(0, |cuts| cuts.holding(*place)));
        let number = self.meetings.len() as u32;
        self.by_chunk.entry(chunk.collect()).or_default().push(number);
        self.meetings.push(meeting);
    }

    fn of_chunk(&self, grid: &Grid, number: u64) -> &[u32] {
        let place = grid.place(number);
        let chunk: Box<[u64]> =
            self.axes.iter().map(|axis| place.get(*axis).copied().unwrap_or(0)).collect();
        self.by_chunk.get(&chunk).map_or(&[], Vec::as_slice)
    }

    /// Whether a row asks for something in a chunk.
    pub(super) fn wants(&self, grid: &Grid, number: u64) -> bool {
        !self.of_chunk(grid, number).is_empty()
    }

    /// The rows that ask for cells of a chunk.
    pub(super) fn within(&self, grid: &Grid, number: u64, region: &Region) -> Within {
        let lengths = shape_of(region);
        let each = |axis: usize| lengths.iter().skip(axis + 1).product::<u64>() as usize;
        let free = (0..lengths.len()).filter(|axis| !self.axes.contains(axis));
        let free: Vec<(usize, usize)> = free
            .map(|axis| (lengths.get(axis).copied().unwrap_or(1) as usize, each(axis)))
            .collect();
        let first = |meeting: &Meeting| {
            let along = self.axes.iter().zip(&meeting.places);
            let one = |(axis, place): (&usize, &u64)| {
                let from = region.get(*axis).map_or(0, |range| range.start);
                place.saturating_sub(from) as usize * each(*axis)
            };
            along.map(one).sum::<usize>()
        };
        let meetings = self.of_chunk(grid, number).iter();
        let meetings = meetings.filter_map(|at| self.meetings.get(*at as usize));
        let starts = meetings.map(|meeting| (meeting.row, first(meeting))).collect();
        let many = free.iter().map(|(length, _)| length).product();
        Within { starts, free, many }
    }
}

/// Rows, and the cells of a box that each asks for.
#[derive(Debug)]
pub(super) struct Within {
    /// A row, and the first cell where it has a place.
    starts: Vec<(u32, usize)>,
    /// The dimensions that rows say nothing of: how long they are, and how far a step along them is.
    free: Vec<(usize, usize)>,
    /// How many cells each row asks for.
    many: usize,
}

impl Within {
    /// How many cells are asked for.
    pub(super) fn len(&self) -> usize {
        self.starts.len() * self.many
    }

    /// A row and its cell, by their number.
    pub(super) fn at(&self, number: usize) -> Option<(u32, usize)> {
        let (row, mut cell) = self.starts.get(number.checked_div(self.many)?).copied()?;
        let mut left = number % self.many;
        for (length, step) in self.free.iter().rev() {
            cell += left % length * step;
            left /= length;
        }
        Some((row, cell))
    }
}

/// For each row, the places along a dimension that have what it has.
struct PlacesOf {
    by_value: Vec<Vec<u64>>,
    of_row: Vec<Option<u32>>,
}

impl PlacesOf {
    fn at(&self, row: u32) -> &[u64] {
        let value = self.of_row.get(row as usize).copied().flatten();
        value.and_then(|value| self.by_value.get(value as usize)).map_or(&[], Vec::as_slice)
    }
}

fn places_of(rows: &RecordBatch, keys: &[&PlaceKey]) -> Result<PlacesOf> {
    let fields = keys.iter().map(|key| SortField::new(key.values.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let places: Vec<ArrayRef> = keys.iter().map(|key| Arc::clone(&key.values)).collect();
    let asked = keys.iter().map(|key| match rows.columns().get(key.column) {
        Some(column) => Ok(Arc::clone(column)),
        None => exec_err!("rows have no column {}", key.column),
    });
    let asked = asked.collect::<Result<Vec<ArrayRef>>>()?;
    let is_known =
        |columns: &[ArrayRef], at: usize| columns.iter().all(|column| !column.is_null(at));
    let there = converter.convert_columns(&places)?;
    let mut values: HashMap<&[u8], u32> = HashMap::new();
    let mut by_value: Vec<Vec<u64>> = Vec::new();
    for (at, value) in there.iter().enumerate().filter(|(at, _)| is_known(&places, *at)) {
        let number = *values.entry(value.data()).or_insert_with(|| {
            by_value.push(Vec::new());
            (by_value.len() - 1) as u32
        });
        if let Some(all) = by_value.get_mut(number as usize) {
            all.push(at as u64);
        }
    }
    let wanted = converter.convert_columns(&asked)?;
    let of_row = wanted.iter().enumerate().map(|(at, value)| {
        let known = is_known(&asked, at);
        values.get(value.data()).copied().filter(|_| known)
    });
    let of_row = of_row.collect();
    Ok(PlacesOf { by_value, of_row })
}

/// One of the combinations of places, by its number.
fn nth(along: &[&[u64]], mut number: usize) -> Box<[u64]> {
    let one = |places: &&[u64]| {
        let at = number % places.len().max(1);
        number /= places.len().max(1);
        places.get(at).copied().unwrap_or(0)
    };
    along.iter().map(one).collect()
}
