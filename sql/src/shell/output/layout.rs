//! Which columns a grid shows, and how wide, when the terminal has less room than they would like.
//!
//! First, long text columns give way until all columns fit. If that is not enough, columns in the
//! middle are left out, with a gap in their place: the first columns tell what a row is, and the last
//! ones are what the query computed.

/// How much room a column wants and needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// The width at which nothing is cut.
    pub(super) natural: usize,
    /// The width below which the column would be better left out.
    pub(super) least: usize,
}

/// One upright strip of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A column of the result.
    Column {
        /// Which.
        index: usize,
        /// Its width, without the borders.
        width: usize,
    },
    /// The columns that are left out.
    Gap {
        /// Its width, without the borders.
        width: usize,
    },
}

impl Slot {
    /// Its width, without the borders.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Column { width, .. } | Self::Gap { width } => width,
        }
    }
}

/// What the borders take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Borders {
    /// Left and right of the whole grid.
    pub(super) outer: usize,
    /// Between two columns.
    pub(super) inner: usize,
    /// The sign for what is left out.
    pub(super) gap: usize,
}

impl Borders {
    fn around(&self, slots: usize) -> usize {
        self.outer + self.inner * slots.saturating_sub(1)
    }
}

/// Lays the columns out in `room` terminal columns; 0 is no limit.
pub(super) fn layout(wishes: &[Wish], room: usize, borders: Borders) -> Vec<Slot> {
    let all: Vec<(usize, Wish)> = wishes.iter().copied().enumerate().collect();
    let natural: usize = wishes.iter().map(|wish| wish.natural).sum();
    if room == 0 || natural + borders.around(wishes.len()) <= room {
        return slots(&all, |wish| wish.natural);
    }
    let least: usize = wishes.iter().map(|wish| wish.least).sum();
    if least + borders.around(wishes.len()) <= room {
        return fill(&all, room - borders.around(wishes.len()));
    }

    // Take columns from both ends as long as they fit, with a gap.
    let mut order: Vec<(usize, Wish)> = Vec::new();
    let (mut left, mut right) = (all.iter(), all.iter().rev());
    for _ in 0..all.len().div_ceil(2) {
        order.extend(left.next());
        order.extend(right.next());
    }
    order.truncate(all.len());
    let mut kept: Vec<(usize, Wish)> = Vec::new();
    let mut used = borders.gap;
    for (index, wish) in order {
        let borders = borders.around(kept.len() + 2);
        if used + wish.least + borders > room {
            if kept.is_empty() {
                // Not even one column fits: show what fits of the first.
                let least = room.saturating_sub(used + borders).max(1);
                kept.push((index, Wish { least, natural: least }));
            }
            break;
        }
        used += wish.least;
        kept.push((index, wish));
    }
    kept.sort_by_key(|(index, _)| *index);
    let columns = room.saturating_sub(borders.gap + borders.around(kept.len() + 1));
    let mut slots = fill(&kept, columns);
    if kept.len() < all.len() {
        let gap = slots
            .iter()
            .enumerate()
            .position(|(at, slot)| !matches!(slot, Slot::Column { index, .. } if *index == at))
            .unwrap_or(slots.len());
        slots.insert(gap, Slot::Gap { width: borders.gap });
    }
    slots
}

/// Gives every column its least width, and then all the same cap, as high as the room allows.
fn fill(columns: &[(usize, Wish)], room: usize) -> Vec<Slot> {
    let width = |wish: &Wish, cap: usize| cap.clamp(wish.least, wish.natural.max(wish.least));
    let total = |cap: usize| columns.iter().map(|(_, wish)| width(wish, cap)).sum::<usize>();
    let (mut low, mut high) = (0, room.max(1));
    while low < high {
        let middle = (low + high).div_ceil(2);
        match total(middle) <= room {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    let mut slots = slots(columns, |wish| width(wish, low));
    // The few places that are left over go to the first columns that want them.
    let mut left = room.saturating_sub(total(low));
    for (slot, (_, wish)) in slots.iter_mut().zip(columns) {
        if let Slot::Column { width, .. } = slot
            && left > 0
            && *width < wish.natural
        {
            *width += 1;
            left -= 1;
        }
    }
    slots
}

fn slots(columns: &[(usize, Wish)], width: impl Fn(&Wish) -> usize) -> Vec<Slot> {
    columns.iter().map(|(index, wish)| Slot::Column { index: *index, width: width(wish) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BORDERS: Borders = Borders { outer: 4, inner: 3, gap: 1 };

    fn text(natural: usize) -> Wish {
        Wish { natural, least: natural.min(12) }
    }

    fn number(natural: usize) -> Wish {
        Wish { natural, least: natural }
    }

    fn taken(slots: &[Slot]) -> usize {
        slots.iter().map(|slot| slot.width()).sum::<usize>() + BORDERS.around(slots.len())
    }

    #[test]
    fn all_columns_keep_their_width_where_there_is_room() {
        let slots = layout(&[text(30), number(5)], 100, BORDERS);
        let width = |index, width| Slot::Column { index, width };
        assert_eq!(slots, [width(0, 30), width(1, 5)]);
        assert_eq!(layout(&[text(300)], 0, BORDERS), [width(0, 300)]);
    }

    #[test]
    fn long_text_gives_way_before_numbers() {
        let slots = layout(&[text(100), number(20), text(15)], 70, BORDERS);
        assert_eq!(slots.len(), 3);
        assert_eq!(slots.get(1), Some(&Slot::Column { index: 1, width: 20 }));
        assert_eq!(slots.get(2), Some(&Slot::Column { index: 2, width: 15 }));
        assert_eq!(taken(&slots), 70);
    }

    #[test]
    fn columns_in_the_middle_are_left_out() {
        let slots = layout(&[number(10); 20], 60, BORDERS);
        let shape: Vec<_> = slots
            .iter()
            .map(|slot| match slot {
                Slot::Column { index, .. } => index.to_string(),
                Slot::Gap { .. } => "…".to_string(),
            })
            .collect();
        assert_eq!(shape, ["0", "1", "…", "18", "19"]);
        assert!(taken(&slots) <= 60);
    }

    #[test]
    fn no_layout_is_wider_than_its_room() {
        for count in 1..12 {
            for room in 12..90 {
                for base in [1, 7, 30] {
                    let wishes: Vec<_> = (0..count)
                        .map(|i| if i % 2 == 0 { text(base * (i + 1)) } else { number(base + i) })
                        .collect();
                    let slots = layout(&wishes, room, BORDERS);
                    assert!(taken(&slots) <= room, "{wishes:?} in {room}: {slots:?}");
                }
            }
        }
    }
}
