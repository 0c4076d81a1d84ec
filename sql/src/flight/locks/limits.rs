//! How much one user may ask for: so many requests a second, so many queries at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tonic::Status;

use super::config::LimitsConfig;

/// How many users are kept apart before those are forgotten who have asked nothing for a while.
const MOST: usize = 10_000;

/// The limits of all users.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: u32,
    queries: u32,
    asked: Mutex<HashMap<String, Bucket>>,
    running: Running,
}

/// Requests that may still be made now: it fills as time passes.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// A query that runs. Dropped, it is over.
#[derive(Debug)]
pub(crate) struct QueryPlace(Option<(Running, String)>);

/// How many queries of each user run.
type Running = Arc<Mutex<HashMap<String, u32>>>;

impl Drop for QueryPlace {
    fn drop(&mut self) {
        let Some((running, name)) = self.0.take() else { return };
        let mut running = running.lock();
        if let Some(count) = running.get_mut(&name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                running.remove(&name);
            }
        }
    }
}

impl Limits {
    pub(crate) fn new(config: &LimitsConfig) -> Self {
        Self {
            requests: config.requests,
            queries: config.queries,
            asked: Mutex::default(),
            running: Arc::default(),
        }
    }

    /// Counts a request; refuses it where there were too many.
    pub(crate) fn request(&self, name: &str) -> Result<(), Status> {
        if self.requests == 0 {
            return Ok(());
        }
        let rate = f64::from(self.requests);
        let mut asked = self.asked.lock();
        if asked.len() >= MOST {
            // A bucket that is full again says nothing.
            asked.retain(|_, bucket| {
                bucket.left + bucket.at.elapsed().as_secs_f64() * rate < 2.0 * rate
            });
        }
        let now = Instant::now();
        let bucket = asked.entry(name.to_string()).or_insert(Bucket { left: 2.0 * rate, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * rate).min(2.0 * rate);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Status::resource_exhausted(format!(
                "more than {} requests a second of {name}: slow down",
                self.requests
            )));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// A place for a query; none where too many run.
    pub(crate) fn query(&self, name: &str) -> Result<QueryPlace, Status> {
        if self.queries == 0 {
            return Ok(QueryPlace(None));
        }
        let mut running = self.running.lock();
        let count = running.entry(name.to_string()).or_default();
        if *count >= self.queries {
            return Err(Status::resource_exhausted(format!(
                "{count} queries of {name} run already: wait for one, or cancel it"
            )));
        }
        *count += 1;
        Ok(QueryPlace(Some((Arc::clone(&self.running), name.to_string()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_does_not_take_all() {
        let limits = Limits::new(&LimitsConfig { requests: 2, queries: 1, ..Default::default() });
        let let_in = (0..100).filter(|_| limits.request("ann").is_ok()).count();
        assert!((4..6).contains(&let_in), "{let_in}");
        assert!(limits.request("bob").is_ok());
        let first = limits.query("ann").unwrap();
        assert_eq!(limits.query("ann").unwrap_err().code(), tonic::Code::ResourceExhausted);
        assert!(limits.query("bob").is_ok());
        drop(first);
        assert!(limits.query("ann").is_ok());
        assert!(limits.running.lock().is_empty());
        let free = Limits::new(&LimitsConfig::default());
        assert!((0..1000).all(|_| free.request("ann").is_ok() && free.query("ann").is_ok()));
    }
}
