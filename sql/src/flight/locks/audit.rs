//! The log of who asked what: lines of JSON, appended to a file by one thread. Passwords and tokens are in none of them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tonic::Status;

use super::config::{AuditConfig, ServeConfig, refuse};
use crate::error::Result;
use crate::flight::caller::Caller;

/// Lines that wait for the disk.
const WAITING: usize = 4096;
/// In texts that have one of these words, nothing quoted is kept.
const SECRET: [&str; 9] = [
    "secret",
    "password",
    "token",
    "credential",
    "key_id",
    "access_key",
    "account_key",
    "bearer",
    "sas_",
];
/// So much of a text is looked through for them.
const LOOKED_AT: usize = 64 << 10;

/// The log.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    lines: SyncSender<Line>,
    /// Lines that found no room.
    lost: Arc<AtomicU64>,
    text: usize,
}

enum Line {
    Entry(Box<Entry>),
    /// Everything before was written when this is dropped.
    Flush(SyncSender<()>),
}

/// A line.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    user: Option<String>,
    role: Option<&'static str>,
    session: Option<String>,
    peer: Option<SocketAddr>,
    text: Option<String>,
    outcome: String,
    error: Option<String>,
    rows: Option<u64>,
    millis: Option<f64>,
}

impl Entry {
    /// Somebody was not let in.
    pub(super) fn refused(name: Option<String>, peer: Option<SocketAddr>, why: &Status) -> Self {
        Self {
            user: name.map(|name| cut(&name, 256)),
            peer,
            outcome: "refused".to_string(),
            error: Some(why.message().to_string()),
            ..Self::default()
        }
    }

    fn line(&self) -> String {
        let mut fields = Map::new();
        let time = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        fields.insert("time".to_string(), json!(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()));
        let mut put = |name: &str, value: Option<Value>| {
            value.and_then(|value| fields.insert(name.to_string(), value))
        };
        put("user", self.user.as_ref().map(|user| json!(user)));
        put("role", self.role.map(|role| json!(role)));
        put("session", self.session.as_ref().map(|session| json!(session)));
        put("peer", self.peer.map(|peer| json!(peer.to_string())));
        put("text", self.text.as_ref().map(|text| json!(text)));
        put("outcome", Some(json!(self.outcome)));
        put("error", self.error.as_ref().map(|error| json!(error)));
        put("rows", self.rows.map(|rows| json!(rows)));
        put("ms", self.millis.map(|millis| json!((millis * 1000.0).round() / 1000.0)));
        Value::Object(fields).to_string()
    }
}

impl Audit {
    pub(super) fn open(config: &ServeConfig, audit: &AuditConfig) -> Result<Self> {
        let path = config.at(&audit.file);
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&path).map_err(|error| refuse(&path, error))?;
        let (lines, received) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let writer = std::thread::Builder::new().name("audit".to_string());
        let shown = path.clone();
        writer
            .spawn(move || write(&shown, file, &received, &counted))
            .map_err(|error| refuse(&path, error))?;
        Ok(Self { lines, lost, text: audit.text })
    }

    /// Hands a line to the writer. Nobody waits for the disk: where it does not follow, lines are counted instead.
    pub(crate) fn record(&self, entry: Entry) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Entry(Box::new(entry))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was handed over is written.
    pub(super) fn flush(&self) {
        let (done, waits) = sync_channel(1);
        if self.lines.send(Line::Flush(done)).is_ok() {
            let _ = waits.recv();
        }
    }
}

fn write(path: &Path, mut file: File, lines: &Receiver<Line>, lost: &AtomicU64) {
    let mut append = |entry: &Entry| {
        // One call a line, so that lines of several processes do not mix.
        let line = format!("{}\n", entry.line());
        if let Err(error) = file.write_all(line.as_bytes()) {
            eprintln!("the audit log '{}' cannot be written: {error}", path.display());
        }
    };
    for line in lines {
        match line {
            Line::Entry(entry) => append(&entry),
            Line::Flush(done) => drop(done),
        }
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            append(&Entry {
                outcome: "lost".to_string(),
                error: Some(format!("{missing} lines were not written: the disk did not follow")),
                ..Entry::default()
            });
        }
    }
}

/// Something that was asked, until it is known how it went.
#[derive(Debug)]
pub(crate) struct Asked {
    audit: Option<Audit>,
    entry: Entry,
    since: Instant,
}

impl Asked {
    pub(super) fn new(audit: Option<Audit>, caller: &Caller, text: &str) -> Self {
        let entry = match &audit {
            Some(audit) => Entry {
                user: Some(caller.name.clone()),
                role: Some(caller.role.name()),
                session: Some(caller.session.clone()),
                peer: caller.peer,
                text: Some(cut(&without_secrets(text, audit.text), audit.text)),
                outcome: "abandoned".to_string(),
                ..Entry::default()
            },
            None => Entry::default(),
        };
        Self { audit, entry, since: Instant::now() }
    }

    /// It went so: as many rows where they were counted.
    pub(crate) fn came_to<T>(self, made: &Result<T, Status>, rows: impl FnOnce(&T) -> Option<u64>) {
        match made {
            Ok(made) => self.done(rows(made)),
            Err(why) => self.failed(why),
        }
    }

    /// It went well.
    pub(crate) fn done(mut self, rows: Option<u64>) {
        self.entry.outcome = "done".to_string();
        self.entry.rows = rows;
    }

    /// It went wrong.
    pub(crate) fn failed(mut self, why: &Status) {
        let denied = why.code() == tonic::Code::PermissionDenied;
        self.entry.outcome = if denied { "denied" } else { "failed" }.to_string();
        self.entry.error = Some(cut(&without_secrets(why.message(), 1024), 1024));
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Some(audit) = self.audit.take() else { return };
        self.entry.millis = Some(self.since.elapsed().as_secs_f64() * 1000.0);
        audit.record(std::mem::take(&mut self.entry));
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_string(),
    }
}

/// A text whose secrets are gone: what is quoted where a word says that there are some, and names and passwords in
/// URLs.
fn without_secrets(text: &str, most: usize) -> String {
    let lower = cut(text, LOOKED_AT.max(most)).to_lowercase();
    let mut text = cut(text, most);
    if SECRET.iter().any(|word| lower.contains(word)) {
        text = without_quoted(&text);
    }
    without_logins(&text)
}

fn without_quoted(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut open: Option<char> = None;
    for letter in text.chars() {
        match open {
            None => {
                kept.push(letter);
                if matches!(letter, '\'' | '"') {
                    open = Some(letter);
                    kept.push_str("***");
                }
            }
            Some(quote) if quote == letter => {
                kept.push(letter);
                open = None;
            }
            Some(_) => {}
        }
    }
    kept
}

fn without_logins(text: &str) -> String {
    let mut parts = text.split("://");
    let mut kept = parts.next().unwrap_or_default().to_string();
    for part in parts {
        kept.push_str("://");
        let end = part.find(['/', '\'', '"', ' ', '\n']).unwrap_or(part.len());
        match part.get(..end).and_then(|authority| authority.rfind('@')) {
            Some(at) if part.get(..at).is_some_and(|login| login.contains(':')) => {
                kept.push_str("***");
                kept.push_str(part.get(at..).unwrap_or_default());
            }
            _ => kept.push_str(part),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_who_asked_what_and_keep_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let config = ServeConfig::parse(&folder.path().join("serve.toml"), String::new()).unwrap();
        let asked = AuditConfig { file: "audit.jsonl".into(), text: 60 };
        let audit = Audit::open(&config, &asked).unwrap();
        let ask = |text: &str| Asked::new(Some(audit.clone()), &Caller::anyone(), text);
        ask("SELECT 1").done(Some(1));
        ask("SELECT 'a\nb'").failed(&Status::permission_denied("no"));
        ask("CREATE SECRET s (TYPE s3, KEY_ID 'AKIA', SECRET 'hunter2')").done(None);
        ask("FROM 'https://me:hunter2@host/x.csv'")
            .failed(&Status::internal("https://me:hunter2@host/ failed"));
        ask("CREATE SECRET s (SECRET 'hunter2").done(None);
        ask(&format!("SELECT '{}' AS password, 'hunter2'", "x".repeat(1 << 20))).done(None);
        drop(ask("SELECT 2"));
        audit.record(Entry::refused(
            Some("ann".to_string()),
            None,
            &Status::unauthenticated("wrong"),
        ));
        audit.flush();
        let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("AKIA"), "{text}");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let field = |at: usize, name: &str| lines[at][name].clone();
        assert_eq!(lines.len(), 8);
        assert_eq!((field(0, "rows"), field(0, "outcome")), (json!(1), json!("done")));
        assert_eq!(
            (field(1, "text"), field(1, "outcome")),
            (json!("SELECT 'a\nb'"), json!("denied"))
        );
        assert_eq!(field(3, "text"), json!("FROM 'https://***@host/x.csv'"));
        assert!(lines[5]["text"].as_str().unwrap().chars().count() <= 61);
        assert_eq!(
            (field(6, "outcome"), field(7, "outcome")),
            (json!("abandoned"), json!("refused"))
        );
        assert!(lines.iter().all(|line| line["time"].is_string()));
    }
}
