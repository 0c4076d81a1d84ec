//! A canvas of dots, eight to a character: [braille patterns] two dots wide and four high.
//!
//! [braille patterns]: https://www.unicode.org/charts/PDF/U2800.pdf

/// A canvas of dots, each in the color of the series that drew it last.
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    /// The dots of each character, and the series.
    cells: Vec<(u8, usize)>,
}

/// The bit of each dot, by its row and column within a character.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Canvas {
    /// A canvas of characters.
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![(0, 0); columns * rows] }
    }

    /// The dot at a place between 0 and 1, from the left and from below.
    pub(super) fn dot(&self, x: f64, y: f64) -> (i64, i64) {
        let (width, height) = (self.columns * 2, self.rows * 4);
        let x = (x * width.saturating_sub(1) as f64).round() as i64;
        let y = ((1.0 - y) * height.saturating_sub(1) as f64).round() as i64;
        (x, y)
    }

    /// Sets a dot.
    pub(super) fn set(&mut self, (x, y): (i64, i64), series: usize) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x / 2 >= self.columns {
            return;
        }
        let bit = BITS.get(y % 4).and_then(|row| row.get(x % 2));
        if let (Some(cell), Some(bit)) = (self.cells.get_mut(y / 4 * self.columns + x / 2), bit) {
            *cell = (cell.0 | bit, series);
        }
    }

    /// Sets the dots from one to another.
    pub(super) fn line(&mut self, from: (i64, i64), to: (i64, i64), series: usize) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs());
        if steps == 0 {
            return self.set(from, series);
        }
        for step in 0..=steps {
            let at =
                |a: i64, b: i64| a + ((b - a) as f64 * step as f64 / steps as f64).round() as i64;
            self.set((at(from.0, to.0), at(from.1, to.1)), series);
        }
    }

    /// The characters of a row, as runs of one series.
    pub(super) fn row(
        &self,
        row: usize,
        sign: impl Fn(usize) -> Option<char>,
    ) -> Vec<(usize, String)> {
        let mut runs: Vec<(usize, String)> = Vec::new();
        for (dots, series) in self.cells.iter().skip(row * self.columns).take(self.columns) {
            let c = match (*dots, sign(*series)) {
                (0, _) => ' ',
                (_, Some(sign)) => sign,
                (dots, None) => char::from_u32(0x2800 + u32::from(dots)).unwrap_or('⣿'),
            };
            match runs.last_mut() {
                Some((last, text)) if last == series || c == ' ' => text.push(c),
                _ => runs.push((*series, c.to_string())),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(canvas: &Canvas, row: usize) -> String {
        canvas.row(row, |_| None).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn dots_stand_where_they_should() {
        let mut canvas = Canvas::new(2, 1);
        canvas.set(canvas.dot(0.0, 0.0), 0);
        canvas.set(canvas.dot(1.0, 1.0), 0);
        assert_eq!(text(&canvas, 0), "⡀⠈");
        canvas.set((-1, 0), 0);
        canvas.set((0, 99), 0);
        canvas.set((99, 0), 0);
        assert_eq!(text(&canvas, 0), "⡀⠈");
    }

    #[test]
    fn lines_have_no_gaps() {
        let mut canvas = Canvas::new(4, 2);
        let (from, to) = (canvas.dot(0.0, 0.0), canvas.dot(1.0, 1.0));
        canvas.line(from, to, 0);
        assert_eq!(text(&canvas, 0), "  ⡠⠊");
        assert_eq!(text(&canvas, 1), "⡠⠊  ");
    }

    #[test]
    fn series_are_told_apart() {
        let mut canvas = Canvas::new(3, 1);
        canvas.set((0, 0), 0);
        canvas.set((4, 0), 1);
        let row = canvas.row(0, |_| None);
        assert_eq!(row, [(0, "⠁ ".to_string()), (1, "⠁".to_string())]);
        let row = canvas.row(0, |series| ['a', 'b'].get(series).copied());
        assert_eq!(row, [(0, "a ".to_string()), (1, "b".to_string())]);
    }
}
