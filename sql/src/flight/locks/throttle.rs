//! Guessing is slow: who fails several times waits before the next try, longer each time. It is counted by name and
//! address, so that nobody locks another out, and by address, for who tries one password with many names.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tonic::Status;

/// How many may fail before somebody waits: with one name, and from one address.
const FREE: u32 = 5;
const FREE_OF_ADDRESS: u32 = 50;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// After so long, what was is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// More are not kept apart.
const MOST: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Who {
    /// Names are as long as callers make them: their hashes are not.
    name: Option<blake3::Hash>,
    address: Option<IpAddr>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Who failed to log in.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Who, Failures>>);

impl Throttle {
    fn both(name: &str, peer: Option<SocketAddr>) -> [(Who, u32); 2] {
        let address = peer.map(|peer| match peer.ip() {
            // Who has one address of the new kind has all of its network.
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none() => {
                IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into())
            }
            ip => ip.to_canonical(),
        });
        let name = Some(blake3::hash(name.as_bytes()));
        [(Who { name, address }, FREE), (Who { name: None, address }, FREE_OF_ADDRESS)]
    }

    /// Refuses who has to wait.
    pub(super) fn wait(&self, name: &str, peer: Option<SocketAddr>) -> Result<(), Status> {
        let all = self.0.lock();
        for (who, free) in Self::both(name, peer) {
            let Some(failures) = all.get(&who) else { continue };
            let Some(beyond) = failures.count.checked_sub(free) else { continue };
            let wait = Duration::from_secs(1u64 << beyond.min(6)).min(LONGEST_WAIT);
            if let Some(left) = wait.checked_sub(failures.last.elapsed()) {
                return Err(Status::unauthenticated(format!(
                    "too many logins failed: try again in {} s",
                    left.as_secs() + 1
                )));
            }
        }
        Ok(())
    }

    pub(super) fn failed(&self, name: &str, peer: Option<SocketAddr>) {
        let mut all = self.0.lock();
        let now = Instant::now();
        if all.len() >= MOST {
            all.retain(|_, failures| failures.last.elapsed() < FORGOTTEN);
        }
        for (who, _) in Self::both(name, peer) {
            let room = all.len() < MOST;
            match all.get_mut(&who) {
                Some(failures) => {
                    let forgotten = failures.last.elapsed() >= FORGOTTEN;
                    let before = if forgotten { 0 } else { failures.count };
                    *failures = Failures { count: before.saturating_add(1), last: now };
                }
                None if room || who.name.is_none() => {
                    all.insert(who, Failures { count: 1, last: now });
                }
                None => {}
            }
        }
    }

    /// Who is in may have mistyped before.
    pub(super) fn succeeded(&self, name: &str, peer: Option<SocketAddr>) {
        let [(who, _), _] = Self::both(name, peer);
        self.0.lock().remove(&who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<SocketAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn guessing_is_slow_and_locks_nobody_else_out() {
        let throttle = Throttle::default();
        let (mine, theirs) = (peer("10.0.0.1:1"), peer("10.0.0.2:1"));
        for _ in 0..FREE {
            assert!(throttle.wait("ann", mine).is_ok());
            throttle.failed("ann", mine);
        }
        let refused = throttle.wait("ann", peer("10.0.0.1:2")).unwrap_err();
        assert!(refused.message().contains("try again"), "{refused}");
        assert!(throttle.wait("ann", theirs).is_ok());
        assert!(throttle.wait("bob", mine).is_ok());
        throttle.succeeded("ann", mine);
        assert!(throttle.wait("ann", mine).is_ok());
    }

    #[test]
    fn many_names_from_one_address_wait_too() {
        let throttle = Throttle::default();
        for number in 0..FREE_OF_ADDRESS {
            throttle.failed(&format!("user{number}"), peer("[2001:db8::1]:1"));
        }
        assert!(throttle.wait("another", peer("[2001:db8::2]:1")).is_err());
        assert!(throttle.wait("another", peer("[2001:db8:1::2]:1")).is_ok());
        for number in 0..2 * MOST {
            throttle.failed(&format!("user{number}"), peer("10.0.0.1:1"));
        }
        assert!(throttle.0.lock().len() <= MOST + 1);
    }
}
