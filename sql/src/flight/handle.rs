//! Handles: what statements and results are called by clients. They are chance, so that nobody finds another's by
//! trying, and they are looked up among those of the caller's session only.

use std::collections::HashMap;

use parking_lot::Mutex;
use prost::bytes::Bytes;
use tonic::Status;

/// What something is called. Nothing shows of it but to whoever has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Handle(Bytes);

impl Handle {
    /// One that nobody has had before: 244 bits of chance.
    pub(super) fn random() -> Self {
        let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()];
        Self(Bytes::copy_from_slice(bytes.as_flattened()))
    }

    /// What a client says.
    pub(super) fn shown(bytes: &Bytes) -> Self {
        Self(bytes.clone())
    }

    /// What a client is told.
    pub(super) fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// What a client is told of one part of it.
    pub(super) fn part(&self, at: u16) -> Bytes {
        [self.0.as_ref(), &at.to_be_bytes()].concat().into()
    }

    /// What a client says of a part: of what, and which.
    pub(super) fn of_part(bytes: &Bytes) -> (Self, usize) {
        match bytes.split_last_chunk() {
            Some((whole, at)) => {
                (Self(bytes.slice_ref(whole)), usize::from(u16::from_be_bytes(*at)))
            }
            None => (Self::shown(bytes), 0),
        }
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle(…)")
    }
}

/// Things by their handles, no more than so many.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    things: Mutex<HashMap<Handle, T>>,
    most: usize,
    what: &'static str,
}

impl<T: Clone> Shelf<T> {
    pub(super) fn new(what: &'static str, most: usize) -> Self {
        Self { things: Mutex::new(HashMap::new()), most, what }
    }

    /// Keeps something.
    pub(super) fn put(&self, thing: T, remedy: &str) -> Result<Handle, Status> {
        let mut things = self.things.lock();
        if things.len() >= self.most {
            let (most, what) = (self.most, self.what);
            return Err(Status::resource_exhausted(format!(
                "this session has {most} {what} already, which is the most [flight.statements]; {remedy}"
            )));
        }
        let handle = Handle::random();
        things.insert(handle.clone(), thing);
        Ok(handle)
    }

    /// Keeps something in place of the oldest, where there are too many; none of those without an age goes.
    pub(super) fn put_over<A: Ord>(
        &self,
        thing: T,
        age: impl Fn(&T) -> Option<A>,
        remedy: &str,
    ) -> Result<Handle, Status> {
        let oldest = {
            let mut things = self.things.lock();
            let full = things.len() >= self.most;
            let aged = things.iter().filter_map(|(handle, thing)| Some((age(thing)?, handle)));
            let oldest = aged.min_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, handle)| handle.clone());
            oldest.filter(|_| full).and_then(|handle| things.remove(&handle))
        };
        // It ends without the lock.
        drop(oldest);
        self.put(thing, remedy)
    }

    /// What a client names.
    pub(super) fn get(&self, handle: &Handle) -> Result<T, Status> {
        self.things.lock().get(handle).cloned().ok_or_else(|| self.unknown())
    }

    /// Takes it away.
    pub(super) fn remove(&self, handle: &Handle) -> Option<T> {
        self.things.lock().remove(handle)
    }

    /// Takes away what is not to be kept.
    pub(super) fn retain(&self, keep: impl Fn(&T) -> bool) {
        let mut gone = Vec::new();
        {
            let mut things = self.things.lock();
            things.retain(|_, thing| {
                let stays = keep(thing);
                if !stays {
                    gone.push(thing.clone());
                }
                stays
            });
        }
        // Whatever ends with them ends without the lock.
        drop(gone);
    }

    fn unknown(&self) -> Status {
        Status::not_found(format!(
            "no such thing is among the {} of this session: it was closed, fetched or left too long, or is another's",
            self.what
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shelves_have_an_end() {
        let shelf = Shelf::new("things", 2);
        let first = shelf.put(1, "").unwrap();
        shelf.put(2, "").unwrap();
        let full = shelf.put(3, "close one").unwrap_err();
        assert_eq!(full.code(), tonic::Code::ResourceExhausted);
        assert_eq!(shelf.remove(&first), Some(1));
        assert_eq!(shelf.get(&first).unwrap_err().code(), tonic::Code::NotFound);
        let fourth = shelf.put(4, "").unwrap();
        let fifth = shelf.put_over(5, |age| Some(*age), "").unwrap();
        assert_eq!(shelf.get(&fourth).unwrap(), 4, "the oldest has made place");
        assert_eq!(shelf.get(&fifth).unwrap(), 5);
        assert!(shelf.put_over(6, |_| None::<i32>, "").is_err());
        assert_ne!(Handle::random(), Handle::random());
    }

    #[test]
    fn parts_are_told_apart() {
        let handle = Handle::random();
        assert_eq!(Handle::of_part(&handle.part(7)), (handle.clone(), 7));
        assert_ne!(handle.part(0), handle.part(1));
        for short in [Bytes::new(), Bytes::from_static(&[1])] {
            assert_eq!(Handle::of_part(&short), (Handle::shown(&short), 0));
        }
    }
}
