//! The tokens that a handshake gives: chance of 256 bits, good for a while, and over with the session.

use std::collections::HashMap;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use tonic::Status;

use super::config::Lifetimes;
use crate::flight::caller::Caller;

/// How the sessions of handshakes are called.
const SESSION: &str = "session ";
/// Of one user, and of all.
const MOST_OF_ONE: usize = 1_000;
const MOST: usize = 100_000;

/// The tokens that are good. They are kept by their hashes: what is wrong with another does not show in the time it
/// takes to say so, and who sees this memory cannot use them.
#[derive(Debug)]
pub(super) struct Bearers {
    all: Mutex<HashMap<blake3::Hash, Given>>,
    lifetimes: Lifetimes,
}

#[derive(Debug)]
struct Given {
    caller: Caller,
    at: Instant,
    used: Instant,
}

impl Given {
    fn is_good(&self, lifetimes: Lifetimes) -> bool {
        self.at.elapsed() < lifetimes.longest && self.used.elapsed() < lifetimes.idle
    }
}

impl Bearers {
    pub(super) fn new(lifetimes: Lifetimes) -> Self {
        Self { all: Mutex::default(), lifetimes }
    }

    /// A token for a caller.
    pub(super) fn give(&self, caller: Caller) -> Result<String, Status> {
        let mut bytes = [0; 32];
        let chance = SystemRandom::new().fill(&mut bytes);
        chance.map_err(|_| Status::unavailable("there is no chance to make a token of"))?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let hash = blake3::hash(token.as_bytes());
        let mut all = self.all.lock();
        all.retain(|_, given| given.is_good(self.lifetimes));
        let own = all.values().filter(|given| given.caller.name == caller.name).count();
        if own >= MOST_OF_ONE || all.len() >= MOST {
            return Err(Status::resource_exhausted(format!(
                "{own} sessions of {} are open: close some, or wait until they expire",
                caller.name
            )));
        }
        let name: String = hash.to_hex().chars().take(16).collect();
        let session = format!("{SESSION}{name}");
        let caller = Caller { login: Some(session.clone()), session, ..caller };
        let now = Instant::now();
        all.insert(hash, Given { caller, at: now, used: now });
        Ok(token)
    }

    /// Whose token it is, as long as it is good.
    pub(super) fn find(&self, token: &str) -> Option<Caller> {
        let hash = blake3::hash(token.as_bytes());
        let mut all = self.all.lock();
        let given = all.get_mut(&hash)?;
        if given.is_good(self.lifetimes) {
            given.used = Instant::now();
            return Some(given.caller.clone());
        }
        all.remove(&hash);
        None
    }

    /// Ends a session.
    pub(super) fn close(&self, session: &str) {
        self.all.lock().retain(|_, given| given.caller.session != session);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn bearers(idle: u64, longest: u64) -> Bearers {
        let (idle, longest) = (Duration::from_millis(idle), Duration::from_millis(longest));
        Bearers::new(Lifetimes { idle, longest })
    }

    #[test]
    fn tokens_are_good_until_their_session_is_closed() {
        let all = bearers(60_000, 60_000);
        let (one, other) =
            (all.give(Caller::anyone()).unwrap(), all.give(Caller::anyone()).unwrap());
        assert!(one.len() == 43 && one != other);
        let caller = all.find(&one).unwrap();
        assert_ne!(caller.session, all.find(&other).unwrap().session);
        assert!(!caller.session.contains(&one));
        assert!(all.find(&one[..42]).is_none() && all.find("").is_none());
        assert!(!format!("{all:?}").contains(&one));
        all.close(&caller.session);
        assert!(all.find(&one).is_none() && all.find(&other).is_some());
    }

    #[test]
    fn tokens_expire() {
        let all = bearers(0, 60_000);
        let token = all.give(Caller::anyone()).unwrap();
        assert!(all.find(&token).is_none(), "idle");
        let all = bearers(60_000, 0);
        let token = all.give(Caller::anyone()).unwrap();
        assert!(all.find(&token).is_none(), "old");
        assert!(all.all.lock().is_empty());
    }

    #[test]
    fn nobody_fills_the_memory_with_sessions() {
        let all = bearers(60_000, 60_000);
        for _ in 0..MOST_OF_ONE {
            all.give(Caller::anyone()).unwrap();
        }
        assert_eq!(all.give(Caller::anyone()).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let other = Caller { name: "other".to_string(), ..Caller::anyone() };
        assert!(all.give(other).is_ok());
    }
}
