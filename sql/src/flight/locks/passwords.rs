//! Passwords as argon2id hashes. Hashing is slow on purpose and takes memory, so it is done by few threads at a time,
//! and not again for who was seen a moment ago. What is wrong does not show in the time it takes to say so.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;
use tonic::Status;

use crate::error::{Error, Result};

/// Longer ones are refused unseen.
const LONGEST: usize = 1024;
/// How many are waiting for their turn.
const QUEUE: usize = 64;
/// How long somebody is known who sends the password with every call.
const SEEN: Duration = Duration::from_secs(300);
const MOST_SEEN: usize = 1024;
/// No hash of a file may take more than this: KiB, and passes.
const MOST_MEMORY: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

/// A hash as it stands in a file. It shows in no message.
#[derive(Clone)]
pub(crate) struct Hash(Arc<str>);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

/// Reads a hash; an error says why it is none.
pub(crate) fn read(text: &str) -> Result<Hash, String> {
    let way_out = "`strata passwd` makes one of a password";
    let parsed = PasswordHash::new(text)
        .map_err(|_| format!("its password is no argon2id hash: {way_out}"))?;
    if parsed.algorithm != Algorithm::Argon2id.ident()
        || parsed.hash.is_none()
        || parsed.salt.is_none()
    {
        return Err(format!("its password is no argon2id hash: {way_out}"));
    }
    let params = argon2::Params::try_from(&parsed)
        .map_err(|error| format!("its argon2id hash makes no sense ({error}): {way_out}"))?;
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
        return Err(format!("its argon2id hash takes more than 1 GiB or 64 passes: {way_out}"));
    }
    Ok(Hash(text.into()))
}

/// The argon2id hash of a password.
pub(crate) fn hash(password: &str) -> Result<String> {
    if password.is_empty() || password.len() > LONGEST {
        return Err(Error::text(format!("a password has 1 to {LONGEST} bytes")));
    }
    let mut salt = [0; 16];
    let failed = |error: &dyn fmt::Display| Error::text(format!("cannot hash: {error}"));
    SystemRandom::new().fill(&mut salt).map_err(|error| failed(&error))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| failed(&error))?;
    let hashed = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(hashed.map_err(|error| failed(&error))?.to_string())
}

fn is_of(password: &str, hash: &Hash) -> bool {
    PasswordHash::new(&hash.0)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The check of passwords.
pub(super) struct Passwords {
    threads: Arc<Semaphore>,
    waiting: Semaphore,
    /// What was right a moment ago, by a hash that only this process can make.
    seen: Mutex<HashMap<blake3::Hash, Instant>>,
    key: [u8; 32],
    /// For names that nobody has: finding that out takes as long.
    nobody: Option<Hash>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        // Without chance nobody is known from before.
        let chance = SystemRandom::new().fill(&mut key).is_ok();
        let threads =
            std::thread::available_parallelism().map_or(1, |count| (count.get() / 2).max(1));
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            waiting: Semaphore::new(QUEUE),
            seen: Mutex::default(),
            key,
            nobody: chance.then(|| hash("nobody").ok().map(|text| Hash(text.into()))).flatten(),
        }
    }

    fn mark(&self, name: &str, password: &str, hash: &Hash) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [name, password, &hash.0] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }

    /// Whether this was right a moment ago.
    pub(super) fn was_seen(&self, name: &str, password: &str, hash: &Hash) -> bool {
        let mark = self.mark(name, password, hash);
        self.nobody.is_some() && self.seen.lock().get(&mark).is_some_and(|at| at.elapsed() < SEEN)
    }

    /// Whether a password is right. It takes a while, whoever it is.
    pub(super) async fn verify(
        &self,
        name: &str,
        password: &str,
        hash: Option<Hash>,
    ) -> Result<bool, Status> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let busy = || Status::resource_exhausted("too many are logging in: try again in a moment");
        let _waits = self.waiting.try_acquire().map_err(|_| busy())?;
        let turn = Arc::clone(&self.threads).acquire_owned().await.map_err(|_| busy())?;
        let Some(against) = hash.clone().or_else(|| self.nobody.clone()) else { return Ok(false) };
        let asked = password.to_string();
        let checked = tokio::task::spawn_blocking(move || {
            // Whoever hangs up does not make room for the next before this is done.
            let _turn = turn;
            is_of(&asked, &against)
        });
        let is_right = checked.await.map_err(|_| busy())?;
        if let (true, Some(hash)) = (is_right, &hash) {
            let mut seen = self.seen.lock();
            if seen.len() >= MOST_SEEN {
                seen.retain(|_, at| at.elapsed() < SEEN);
            }
            if seen.len() < MOST_SEEN {
                seen.insert(self.mark(name, password, hash), Instant::now());
            }
        }
        Ok(is_right && hash.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_or_wrong() {
        let text = hash("correct horse").unwrap();
        assert!(text.starts_with("$argon2id$v=19$"), "{text}");
        assert_ne!(text, hash("correct horse").unwrap());
        let known = read(&text).unwrap();
        assert!(!format!("{known:?}").contains("argon2id"));
        let all = Passwords::new();
        assert!(!all.was_seen("ann", "correct horse", &known));
        assert!(!all.verify("ann", "wrong horse", Some(known.clone())).await.unwrap());
        assert!(!all.was_seen("ann", "wrong horse", &known));
        assert!(all.verify("ann", "correct horse", Some(known.clone())).await.unwrap());
        assert!(all.was_seen("ann", "correct horse", &known));
        assert!(!all.was_seen("annc", "orrect horse", &known));
        assert!(!all.was_seen("bob", "correct horse", &known));
        // Nobody has a password, not even that of nobody.
        assert!(!all.verify("ghost", "nobody", None).await.unwrap());
        assert!(!all.verify("ann", &"x".repeat(2000), Some(known)).await.unwrap());
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "",
            "secret",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2i$v=19$m=4096,t=3,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A",
            "$argon2id$v=19$m=4294967295,t=3,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A",
            "$argon2id$v=19$m=4096,t=3,p=1$c29tZXNhbHQ",
        ] {
            let reason = read(text).unwrap_err();
            assert!(reason.contains("strata passwd"), "{text}: {reason}");
            assert!(text.is_empty() || !reason.contains(text), "{reason}");
        }
    }
}
