//! Sessions: what is whose, and for how long.
//!
//! Tables, views, names and secrets are the server's: all sessions see the same ones, as all connections to a
//! database do. A session has settings of its own (`SET`, and the options of Flight), its temporary tables, its
//! prepared statements and its results.
//!
//! A caller who sends no cookie has one session under its name, or under its login: so the parts of a
//! result may be fetched by other processes of the same name, as those who read in parallel do. A caller who sends the
//! cookie `arrow_flight_session_id`, which every answer to a caller without one offers, has as many as it has cookies.
//! A new session begins with the settings of its caller's first, so that options count which were set before the
//! client knew its cookie. Whoever sends a cookie that no session has gets it back with a new session, and is told so
//! by that; or is refused, where it wants no other session than the one that it has set up.
//!
//! What nobody uses for `flight.idle` ends: a session with all that is its own, and a result that nobody fetches. Of
//! too many results that nobody fetches, the oldest ends; too many prepared statements are refused.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;
use strata_engine::{FlightOptions, SessionSettings, options_of};
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use super::caller::{Caller, Role, caller};
use super::handle::{Handle, Shelf};
use super::prepared::Prepared;
use super::whole::Whole;
use super::{asides, errors};
use crate::database::OwnSettings;

/// The cookie that says which session is meant.
pub(crate) const COOKIE: &str = "arrow_flight_session_id";
/// Longer ones are nobody's of ours.
const LONGEST: usize = 64;

/// One session.
pub(super) struct FlightSession {
    /// Whose it is.
    pub(super) caller: Arc<Caller>,
    /// Tables that are everybody's, as far as the caller may know of them; settings that are its own.
    pub(super) context: SessionContext,
    pub(super) prepared: Shelf<Arc<Prepared>>,
    pub(super) results: Shelf<Arc<Whole>>,
    used: Mutex<Instant>,
    active: AtomicUsize,
}

impl fmt::Debug for FlightSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlightSession")
    }
}

impl FlightSession {
    fn new(caller: Arc<Caller>, context: SessionContext, options: &FlightOptions) -> Arc<Self> {
        let most = options.statements;
        Arc::new(Self {
            caller,
            context,
            prepared: Shelf::new("prepared statements", most),
            results: Shelf::new("results", most),
            used: Mutex::new(Instant::now()),
            active: AtomicUsize::new(0),
        })
    }

    /// The session's settings of `flight.`.
    pub(super) fn options(&self) -> FlightOptions {
        options_of(self.context.state_ref().read().config_options()).flight
    }

    /// Keeps a result for whoever fetches it.
    pub(super) fn keep(&self, whole: Arc<Whole>) -> Result<Handle, Status> {
        self.results.put_over(whole, |whole| whole.age(), "fetch them, or cancel them")
    }

    /// Ends a result with all its parts.
    pub(super) fn end_result(&self, handle: &Handle) {
        if let Some(whole) = self.results.remove(handle) {
            whole.end();
        }
    }

    /// Keeps the session as long as somebody works in it.
    pub(super) fn working(self: &Arc<Self>) -> Working {
        self.active.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(self))
    }

    fn is_left(&self, idle: Duration) -> bool {
        self.active.load(Ordering::Relaxed) == 0 && self.used.lock().elapsed() > idle
    }
}

/// Somebody works in a session.
#[derive(Debug)]
pub(super) struct Working(Arc<FlightSession>);

impl Drop for Working {
    fn drop(&mut self) {
        *self.0.used.lock() = Instant::now();
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whose session, and which of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    caller: String,
    login: Option<String>,
    /// Who comes with other rights, by another way in, is somebody else.
    rights: (Role, usize),
    cookie: Option<String>,
}

/// All sessions of a server.
pub(super) struct Sessions {
    shared: SessionContext,
    options: FlightOptions,
    open: Mutex<HashMap<Key, Arc<FlightSession>>>,
}

/// A caller in a session.
#[derive(Debug, Clone)]
pub(super) struct Here {
    pub(super) caller: Arc<Caller>,
    pub(super) session: Arc<FlightSession>,
    /// The cookie to offer, where the caller sent none, or one that no session had.
    pub(super) offer: Option<String>,
    key: Key,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    pub(super) fn new(shared: SessionContext) -> Self {
        let options = options_of(shared.state_ref().read().config_options()).flight;
        Self { shared, options, open: Mutex::default() }
    }

    /// The session that a request is about.
    pub(super) fn here<T>(&self, request: &Request<T>) -> Result<Here, Status> {
        let caller = caller(request)?;
        let cookie = cookie(request.metadata());
        let (name, login) = (caller.name.clone(), caller.login.clone());
        let key = Key { caller: name, login, rights: caller.rights(), cookie };
        let same = asides::wants_same(request.metadata());
        let (session, is_new) = self.open(&key, &caller, same)?;
        let offer = match &key.cookie {
            None => Some(uuid::Uuid::new_v4().simple().to_string()),
            own => own.clone().filter(|_| is_new),
        };
        *session.used.lock() = Instant::now();
        Ok(Here { caller, session, offer, key })
    }

    /// The session, and whether it was made for this. One that is to be the `same` is not made again.
    fn open(
        &self,
        key: &Key,
        caller: &Arc<Caller>,
        same: bool,
    ) -> Result<(Arc<FlightSession>, bool), Status> {
        let mut open = self.open.lock();
        if let Some(session) = open.get(key) {
            return Ok((Arc::clone(session), false));
        }
        if same && key.cookie.is_some() {
            return Err(asides::ended());
        }
        if open.len() >= self.options.sessions {
            return Err(Status::resource_exhausted(format!(
                "there are {} sessions already, which is the most [flight.sessions]; close one, or come back later",
                open.len()
            )));
        }
        let first = Key { cookie: None, ..key.clone() };
        // Narrowed last, whatever it is made like.
        let like = open.get(&first).map_or(&self.shared, |session| &session.context);
        let context = caller.session(&like.fork()).map_err(errors::status)?;
        context.state_ref().write().config_mut().set_extension(Arc::new(OwnSettings));
        let session = FlightSession::new(Arc::clone(caller), context, &self.options);
        open.insert(key.clone(), Arc::clone(&session));
        Ok((session, true))
    }

    /// Ends a session, with all that is its own.
    pub(super) fn close(&self, here: &Here) {
        let closed = self.open.lock().remove(&here.key);
        if let Some(session) = closed {
            session.prepared.retain(|_| false);
            session.results.retain(|whole| whole.end());
        }
    }

    /// Ends what nobody uses.
    pub(super) fn sweep(&self) {
        let idle = self.options.idle.limit().unwrap_or(Duration::MAX);
        let mut left = Vec::new();
        self.open.lock().retain(|_, session| {
            let stays = !session.is_left(idle);
            if !stays {
                left.push(Arc::clone(session));
            }
            stays
        });
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for session in open {
            session.results.retain(|whole| {
                whole.settle();
                !whole.is_left()
            });
        }
        drop(left);
    }

    /// What all sessions share.
    pub(super) fn shared(&self) -> &SessionContext {
        &self.shared
    }

    /// How long something is kept that nobody uses.
    pub(super) fn idle(&self) -> Duration {
        self.options.idle.limit().unwrap_or(Duration::from_secs(365 * 86400))
    }

    /// The longest statement.
    pub(super) fn longest(&self) -> u64 {
        self.options.text.0
    }
}

fn cookie(metadata: &MetadataMap) -> Option<String> {
    let sent = metadata.get_all("cookie").into_iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.trim_matches('"');
        let sound =
            value.len() <= LONGEST && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (name == COOKIE && sound && !value.is_empty()).then(|| value.to_string())
    })
}

/// Adds the cookie to an answer, where one is offered.
pub(super) fn offer(metadata: &mut MetadataMap, cookie: Option<&str>) {
    let value = cookie.and_then(|cookie| format!("{COOKIE}={cookie}").parse().ok());
    if let Some(value) = value {
        metadata.insert("set-cookie", value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use strata_engine::{Origin, Settings};

    use super::*;

    fn request(name: &str, cookie: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        static ANYONE: LazyLock<Caller> = LazyLock::new(Caller::anyone);
        let caller = Caller { name: name.to_string(), ..ANYONE.clone() };
        request.extensions_mut().insert(Arc::new(caller));
        if let Some(cookie) = cookie {
            let line = format!("other=1; {COOKIE}={cookie}");
            request.metadata_mut().insert("cookie", line.parse().unwrap());
        }
        request
    }

    #[test]
    fn a_session_is_a_callers_and_a_cookies() {
        let sessions = Sessions::new(crate::session(Settings::default()).unwrap());
        let first = sessions.here(&request("ada", None)).unwrap();
        assert!(first.offer.is_some());
        first.session.context.change_setting("flight.rows", "7").unwrap();
        let again = sessions.here(&request("ada", None)).unwrap();
        assert!(Arc::ptr_eq(&first.session, &again.session));
        let own = sessions.here(&request("ada", Some("x1"))).unwrap();
        assert!(!Arc::ptr_eq(&first.session, &own.session));
        assert_eq!(own.offer.as_deref(), Some("x1"), "it is told that it is new");
        assert!(sessions.here(&request("ada", Some("x1"))).unwrap().offer.is_none());
        assert_eq!(own.session.options().rows, 7, "it begins as the caller's first");
        own.session.context.change_setting("flight.rows", "8").unwrap();
        assert_eq!(first.session.options().rows, 7, "and goes its own way");
        let other = sessions.here(&request("eve", Some("x1"))).unwrap();
        assert!(!Arc::ptr_eq(&other.session, &own.session), "a cookie alone opens nothing");
        assert_eq!(other.session.options().rows, 0);
        assert!(sessions.here(&Request::new(())).is_err());
    }

    #[test]
    fn a_session_that_is_to_be_the_same_is_not_made_again() {
        let sessions = Sessions::new(crate::session(Settings::default()).unwrap());
        let same = |cookie| {
            let mut request = request("ada", cookie);
            asides::want_same(request.metadata_mut());
            sessions.here(&request)
        };
        assert!(asides::has_ended(&same(Some("x1")).unwrap_err()));
        let made = sessions.here(&request("ada", Some("x1"))).unwrap();
        assert_eq!(made.offer.as_deref(), Some("x1"), "nothing was made before");
        assert!(Arc::ptr_eq(&same(Some("x1")).unwrap().session, &made.session));
        sessions.close(&made);
        assert!(asides::has_ended(&same(Some("x1")).unwrap_err()));
        assert!(same(None).is_ok(), "whoever names none has the one of its name");
    }

    #[test]
    fn sessions_share_tables_and_end_when_nobody_uses_them() {
        let mut settings = Settings::default();
        for (name, value) in [("flight.idle", "1ms"), ("flight.sessions", "2")] {
            settings.set(name, value, Origin::Session).unwrap();
        }
        let sessions = Sessions::new(crate::session(settings).unwrap());
        let one = sessions.here(&request("ada", Some("a"))).unwrap();
        let two = sessions.here(&request("ada", Some("b"))).unwrap();
        let batch =
            arrow::array::RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
        one.session.context.register_batch("t", batch).unwrap();
        assert!(two.session.context.table_exist("t").unwrap());
        assert!(sessions.here(&request("ada", None)).is_err(), "there are as many as there may be");
        let working = one.session.working();
        std::thread::sleep(Duration::from_millis(5));
        sessions.sweep();
        assert_eq!(sessions.open.lock().len(), 1, "the one in which somebody works is left");
        drop(working);
    }
}
