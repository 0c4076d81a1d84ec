//! `strata shell --connect`: a shell whose statements a server runs.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::sync::Arc;

use datafusion::error::DataFusionError;

use super::args::{ServerArgs, SessionArgs};
use super::{passwd, settings};
use crate::shell::{
    Address, Answers, Interrupts, Link, Login, Ran, Shell, ShellMode, Stop, Workers, is_own,
};

/// A shell on the server at this address.
pub(crate) async fn open(
    address: &Address,
    args: &SessionArgs,
    workers: &Workers,
    mode: ShellMode,
) -> Ran<Shell> {
    let (own, theirs) = args.settings.set.iter().cloned().partition(|(name, _)| is_own(name));
    let settings = settings::of_shell(own, &args.output)?;
    let security = args.pool.security.read_for_server()?;
    let login = match (&args.server.user, security.token) {
        (Some(user), _) => {
            Login::Password { user: user.clone(), password: password(user, &args.server)? }
        }
        (None, Some(token)) => Login::Token(token),
        (None, None) => Login::Nobody,
    };
    if !matches!(login, Login::Nobody) && !address.tls && !address.is_here() && !mode.quiet {
        eprintln!("warning: {address} is without TLS: others on the way can read what you show it");
    }
    // Whatever can fail here fails before there is a session on the server.
    let session = crate::session(settings)?;
    let interrupts = Interrupts::listen(mode.interactive);
    let mut pressed = interrupts.clone();
    let (address, tls) = (address.clone(), security.tls);
    let opened = workers.run(async move {
        let link = Link::new(address, tls, login, theirs)?;
        link.check().await?;
        Ok::<_, crate::Error>(link)
    });
    let link = tokio::select! {
        opened = opened => opened.map_err(DataFusionError::IoError)??,
        () = pressed.next() => return Err(Stop::Cancelled),
    };
    let answers = Answers::Server(session.clone(), Arc::new(link));
    Ok(Shell::answered_by(answers, session, workers.clone(), interrupts, mode))
}

/// The password, from where nobody else sees it.
fn password(user: &str, args: &ServerArgs) -> Ran<String> {
    if let Some(path) = &args.password_file {
        let line = File::open(path).map(BufReader::new).and_then(passwd::first_line);
        return line.map_err(|error| Stop::file(&path.display().to_string(), error));
    }
    match std::env::var("STRATA_PASSWORD") {
        Ok(password) => Ok(password),
        Err(_) if io::stderr().is_terminal() => passwd::ask(&format!("password of {user}: ")),
        Err(_) => Err(Stop::usage(
            format!("there is no password for {user}"),
            Some("put it into STRATA_PASSWORD, or into a file for --password-file".to_string()),
        )),
    }
}
