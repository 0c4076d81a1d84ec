//! Who computes which chunks, among the tasks of one process: each begins with its own range of numbers, and
//! who has none left takes half of what the slowest still has. Cores are seldom equally fast.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use parking_lot::Mutex;

/// How many times a task asks for more of its own range: the rest is what others may take.
const ASKS: u64 = 4;

/// The ranges that are left to each task of one run.
#[derive(Debug)]
pub(super) struct Shares {
    /// So many numbers in a row, from a multiple of it on, stay with one task.
    unit: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    left: HashMap<usize, Range<u64>>,
    begun: HashSet<usize>,
    /// Whether each keeps to its own: there may be two runs.
    apart: bool,
}

impl Shares {
    pub(super) fn new(unit: u64) -> Self {
        Self { unit: unit.max(1), state: Mutex::default() }
    }

    /// The same, of which nobody has asked yet.
    pub(super) fn afresh(&self) -> Self {
        let state = State { apart: self.state.lock().apart, ..State::default() };
        Self { unit: self.unit, state: Mutex::new(state) }
    }

    /// From now on, nobody takes what is another's.
    pub(super) fn keep_apart(&self) {
        self.state.lock().apart = true;
    }

    /// Says that a task begins, and tells whether it shares. One that begins again belongs to another run, and
    /// does what is its own.
    pub(super) fn begin(&self, task: usize) -> bool {
        let mut state = self.state.lock();
        state.apart |= !state.begun.insert(task);
        !state.apart
    }

    /// Says what a task is to do first.
    pub(super) fn put(&self, task: usize, range: Range<u64>) {
        self.state.lock().left.insert(task, range);
    }

    /// Says that a task ends, whether or not all of its own is done.
    pub(super) fn end(&self, task: usize) {
        self.state.lock().left.remove(&task);
    }

    /// What a task is to do next; none where nothing is left.
    pub(super) fn take(&self, task: usize) -> Option<Range<u64>> {
        let mut state = self.state.lock();
        let mut own = state.left.remove(&task).unwrap_or(0..0);
        if own.is_empty() && !state.apart {
            let slowest = state.left.values_mut().max_by_key(|range| range.end - range.start)?;
            let half = slowest.start + (slowest.end - slowest.start) / 2;
            let whole =
                |from: u64| Some(from.next_multiple_of(self.unit)).filter(|at| *at < slowest.end);
            let from = whole(half).or_else(|| whole(slowest.start))?;
            own = from..slowest.end;
            slowest.end = from;
        }
        if own.is_empty() {
            return None;
        }
        let now = own.start + (own.end - own.start).div_ceil(ASKS);
        state.left.insert(task, now..own.end);
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

    #[test]
    fn two_runs_do_not_mix() {
        let shares = Shares::new(1);
        for task in [0, 1] {
            assert!(shares.begin(task));
            shares.put(task, task as u64 * 8..task as u64 * 8 + 8);
        }
        assert_eq!(shares.take(0), Some(0..2));
        // Another run begins: nobody takes from others any more, and what one had not done is nobody's.
        assert!(!shares.begin(1));
        shares.end(0);
        assert_eq!(shares.take(0), None);
        let all: Vec<u64> = std::iter::from_fn(|| shares.take(1)).flatten().collect();
        assert_eq!(all, (8..16).collect::<Vec<_>>());
        assert!(!shares.begin(2));
    }
}
