//! How the values of a box are shared out among cells.

/// A dimension of a box, or several that lie side by side and are treated alike.
#[derive(Debug, Clone, Copy)]
struct Dim {
    length: usize,
    reduced: bool,
    /// From one index to the next, how many cells further. None where it is reduced.
    cells: usize,
    /// From one index to the next, how much further the position is. Nothing where it is kept.
    stride: i64,
}

/// Rows of equal length that lie one after the other. Either every row goes into one cell, and the next
/// row into the same or the next cell, or every value of a row goes into the next cell, and all rows into
/// the same cells.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels) struct Rows {
    /// Of the first value.
    pub(in crate::kernels) cell: usize,
    /// From row to row.
    pub(in crate::kernels) cell_step: usize,
    /// Of a row.
    pub(in crate::kernels) length: usize,
    /// Of the first value.
    pub(in crate::kernels) position: i64,
    /// From value to value.
    pub(in crate::kernels) stride: i64,
    /// From row to row.
    pub(in crate::kernels) step: i64,
}

impl Rows {
    /// The rows of the values, each with its cell and position.
    pub(in crate::kernels) fn of<'a, T>(
        &self,
        values: &'a [T],
    ) -> impl Iterator<Item = (usize, i64, &'a [T])> {
        let (mut cell, mut position) = (self.cell, self.position);
        let (cell_step, step) = (self.cell_step, self.step);
        values.chunks(self.length.max(1)).map(move |row| {
            let at = (cell, position, row);
            cell += cell_step;
            position += step;
            at
        })
    }
}

/// The next rows of a run.
pub(in crate::kernels) struct Group {
    pub(in crate::kernels) rows: Rows,
    /// How many values they hold.
    pub(in crate::kernels) values: usize,
    /// Whether rows go across cells.
    pub(in crate::kernels) across: bool,
}

/// The dimensions of a box, as few as will do.
#[derive(Debug, Clone)]
pub(in crate::kernels) struct Layout {
    outers: Vec<Dim>,
    outer: Dim,
    inner: Dim,
    /// Position of the first value.
    position: i64,
    /// How many values there are.
    pub(in crate::kernels) values: usize,
    /// How many cells there are.
    pub(in crate::kernels) cells: usize,
}

impl Layout {
    /// Neighbouring dimensions that are both kept or both reduced become one; reduced ones only where
    /// positions, if they matter, run through.
    pub(in crate::kernels) fn new(
        shape: &[usize],
        reduced: &[bool],
        positions: Option<(&[i64], &[i64])>,
    ) -> Self {
        let (origin, strides) = positions.unwrap_or_default();
        let mut dims: Vec<Dim> = Vec::new();
        let mut position = 0;
        for (at, (&length, &reduced)) in shape.iter().zip(reduced).enumerate() {
            let stride = if reduced { strides.get(at).copied().unwrap_or(0) } else { 0 };
            position += origin.get(at).copied().unwrap_or(0) * stride;
            if length == 1 {
                continue;
            }
            match dims.last_mut() {
                Some(last) if last.reduced == reduced && last.stride == stride * length as i64 => {
                    last.length *= length;
                    last.stride = stride;
                }
                _ => dims.push(Dim { length, reduced, cells: 0, stride }),
            }
        }
        let values = dims.iter().map(|dim| dim.length).product();
        let mut cells = 1;
        for dim in dims.iter_mut().rev().filter(|dim| !dim.reduced) {
            dim.cells = cells;
            cells *= dim.length;
        }
        let none = Dim { length: 1, reduced: true, cells: 0, stride: 0 };
        let inner = dims.pop().unwrap_or(none);
        let outer = dims.pop().unwrap_or(none);
        Self { outers: dims, outer, inner, position, values, cells }
    }

    /// The first rows of a run of so many values that begins at a flattened position of the box: what is
    /// left of the row it begins in, or as many whole rows as are laid out alike.
    pub(in crate::kernels) fn group(&self, at: usize, left: usize) -> Group {
        let (inner, outer) = (self.inner, self.outer);
        let (row, within) = (at / inner.length, at % inner.length);
        let (mut rest, index) = (row / outer.length, row % outer.length);
        let mut cell = within * inner.cells + index * outer.cells;
        let mut position =
            self.position + within as i64 * inner.stride + index as i64 * outer.stride;
        for dim in self.outers.iter().rev() {
            let index = rest % dim.length;
            rest /= dim.length;
            cell += index * dim.cells;
            position += index as i64 * dim.stride;
        }
        let (length, count) = if within > 0 || left < inner.length {
            ((inner.length - within).min(left), 1)
        } else {
            (inner.length, (outer.length - index).min(left / inner.length))
        };
        Group {
            rows: Rows {
                cell,
                cell_step: outer.cells,
                length,
                position,
                stride: inner.stride,
                step: outer.stride,
            },
            values: length * count,
            across: !inner.reduced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cell and position of every value, taken in runs of so many.
    fn places(layout: &Layout, run: usize) -> Vec<(usize, i64)> {
        let mut places = Vec::new();
        for start in (0..layout.values).step_by(run) {
            let (mut at, end) = (start, (start + run).min(layout.values));
            while at < end {
                let group = layout.group(at, end - at);
                let values: Vec<usize> = (0..group.values).collect();
                for (cell, position, row) in group.rows.of(&values) {
                    for index in 0..row.len() {
                        let cell = if group.across { cell + index } else { cell };
                        places.push((cell, position + index as i64 * group.rows.stride));
                    }
                }
                at += group.values;
            }
        }
        places
    }

    #[test]
    fn every_value_finds_its_cell_and_position() {
        let shape = [2, 3, 1, 2, 4];
        let (origin, strides) = ([5, 0, 7, 1, 2], [1000, 100, 50, 20, 1]);
        for mask in 0..32 {
            let reduced: Vec<bool> = (0..5).map(|dim| mask >> dim & 1 == 1).collect();
            let mut expected = Vec::new();
            for flat in 0..48 {
                let index = [flat / 24, flat / 8 % 3, 0, flat / 4 % 2, flat % 4];
                let (mut cell, mut position) = (0, 0);
                for dim in 0..5 {
                    if reduced[dim] {
                        position += (origin[dim] + index[dim] as i64) * strides[dim];
                    } else {
                        cell = cell * shape[dim] + index[dim];
                    }
                }
                expected.push((cell, position));
            }
            let layout = Layout::new(&shape, &reduced, Some((&origin, &strides)));
            for run in [1, 3, 5, 8, 48] {
                assert_eq!(places(&layout, run), expected, "{reduced:?} in runs of {run}");
            }
        }
    }

    #[test]
    fn dimensions_treated_alike_are_one() {
        let layout = Layout::new(&[4, 5, 6, 7], &[false, false, true, true], None);
        assert_eq!((layout.outers.len(), layout.outer.length, layout.inner.length), (0, 20, 42));
        assert_eq!((layout.cells, layout.values), (20, 840));
    }

    #[test]
    fn no_dimensions_make_one_cell() {
        let layout = Layout::new(&[], &[], None);
        assert_eq!((layout.cells, layout.values), (1, 1));
        assert_eq!(places(&layout, 1), [(0, 0)]);
    }
}
