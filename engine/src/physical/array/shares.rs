//! Who computes which chunks, among the tasks of one process: each begins with its own range of numbers, and
//! who has none left takes half of what the slowest still has. Cores are seldom equally fast.

use std::collections::HashMap;
use std::ops::Range;

use parking_lot::Mutex;

/// How many times a task asks for more of its own range: the rest is what others may take.
const ASKS: u64 = 4;

/// The ranges that are left to each task.
#[derive(Debug)]
pub(super) struct Shares {
    /// So many numbers in a row, from a multiple of it on, stay with one task.
    unit: u64,
    left: Mutex<HashMap<usize, Range<u64>>>,
}

impl Shares {
    pub(super) fn new(unit: u64) -> Self {
        Self { unit: unit.max(1), left: Mutex::default() }
    }

    /// The same, of which nobody has asked yet.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.unit)
    }

    /// Says what a task is to begin with.
    pub(super) fn put(&self, task: usize, range: Range<u64>) {
        self.left.lock().insert(task, range);
    }

    /// What a task is to do next; none where nothing is left.
    pub(super) fn take(&self, task: usize) -> Option<Range<u64>> {
        let mut left = self.left.lock();
        let mut own = left.remove(&task).unwrap_or(0..0);
        if own.is_empty() {
            let slowest = left.values_mut().max_by_key(|range| range.end - range.start)?;
            let half = slowest.start + (slowest.end - slowest.start) / 2;
            let whole =
                |from: u64| Some(from.next_multiple_of(self.unit)).filter(|at| *at < slowest.end);
            let from = whole(half).or_else(|| whole(slowest.start))?;
            own = from..slowest.end;
            slowest.end = from;
        }
        let now = own.start + (own.end - own.start).div_ceil(ASKS);
        left.insert(task, now..own.end);
        Some(own.start..now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_done_once_however_fast_tasks_are() {
        for (unit, end, tasks) in
            [(1, 20, 2), (1, 7, 3), (5, 100, 4), (3, 3, 2), (1, 0, 2), (7, 21, 3)]
        {
            for fast in 0..tasks {
                let shares = Shares::new(unit);
                let bound = |task: usize| (end / unit) * task as u64 / tasks as u64 * unit;
                for task in 0..tasks {
                    shares.put(task, bound(task)..bound(task + 1));
                }
                let mut done = vec![0; end as usize];
                let mut by_whom: HashMap<u64, usize> = HashMap::new();
                let mut turn = 0;
                let mut idle = 0;
                while idle < 10 * tasks {
                    // One is four times as fast.
                    let task = if turn % 5 < 4 { fast } else { turn / 5 % tasks };
                    turn += 1;
                    let Some(range) = shares.take(task) else {
                        idle += 1;
                        continue;
                    };
                    idle = 0;
                    for number in range {
                        done[number as usize] += 1;
                        let whose = *by_whom.entry(number / unit).or_insert(task);
                        assert_eq!(whose, task, "{number} of {end} by {unit}");
                    }
                }
                assert!(done.iter().all(|times| *times == 1), "{done:?}");
            }
        }
    }

    #[test]
    fn who_is_done_takes_half_of_what_another_has() {
        let shares = Shares::new(1);
        shares.put(0, 0..16);
        shares.put(1, 16..16);
        assert_eq!(shares.take(1), Some(8..10));
        assert_eq!(shares.take(0), Some(0..2));
        assert_eq!(shares.take(1), Some(10..12));
    }
}
