//! Which reads of a plan are kept from one program to the next ([`Kept`]): those that several programs do.

use std::collections::HashMap;
use std::sync::Arc;

use crate::array::{ArrayError, Kept, Room, Shelf};
use crate::lazy::{Array, Op};

/// What is read by several programs.
pub(super) struct Keep {
    room: Option<Arc<Room>>,
    reads: HashMap<usize, Read>,
}

/// What several programs read.
#[derive(Default)]
struct Read {
    shelf: Arc<Shelf>,
    /// How many programs read it, and how many of them were made.
    programs: usize,
    made: usize,
}

impl Keep {
    /// Keeps as much as there is room for.
    pub(super) fn new(room: Option<Arc<Room>>) -> Self {
        Self { room, reads: HashMap::new() }
    }

    /// Counts what a program reads.
    pub(super) fn count(&mut self, program: &Array) {
        if self.room.is_some() {
            for read in stored(program) {
                self.reads.entry(read.id()).or_default().programs += 1;
            }
        }
    }

    /// What a program reads in place of what, where others read it, too. Programs are made in the order in which
    /// they run.
    pub(super) fn instead(&mut self, program: &Array) -> Result<Vec<(usize, Array)>, ArrayError> {
        let Some(room) = &self.room else { return Ok(Vec::new()) };
        let mut instead = Vec::new();
        for read in stored(program) {
            let (Op::Read(source), Some(known)) = (read.op(), self.reads.get_mut(&read.id()))
            else {
                continue;
            };
            known.made += 1;
            if known.programs > 1 {
                let (source, shelf) = (Arc::clone(source), Arc::clone(&known.shelf));
                let after = known.programs.saturating_sub(known.made);
                let kept = Kept::new(source, shelf, Arc::clone(room), after);
                let kept = Array::new(Op::Read(Arc::new(kept)), Vec::new(), read.form().clone())?;
                instead.push((read.id(), kept));
            }
        }
        Ok(instead)
    }
}

/// What a program reads that takes longer to read than its bytes.
fn stored(program: &Array) -> Vec<Array> {
    let mut stored = Vec::new();
    program.each_step(|step| {
        if step.is_stored() {
            stored.push(step.clone());
        }
        true
    });
    stored
}
