//! A statement on a server: it is polled for until its first rows are there, and then fetched. Whoever hears no more
//! of the news ends it there, too.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::decode::DecodedPayload;
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo, PollInfo, Ticket,
};
use futures::TryStreamExt;
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::mpsc::Sender;
use tonic::{Code, Status};

use super::link::Link;
use super::session::{query, status};
use super::trouble::is_lost;
use crate::error::Error;
use crate::flight::asides::{self, Far};
use crate::shell::answers::News;

/// How long a server may take to say what a statement is called that nobody wants any more, and to end it.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often it is asked how far a result is that is being fetched.
const ASKED: Duration = Duration::from_millis(500);

/// Said when the session is another one.
const ANOTHER: &str = "The session on the server is a new one: the one before has ended, and what was SET in it is lost.";

/// Runs a statement on a server, and tells what comes of it. `before` is what stands in front of it in its text.
pub(in crate::shell) async fn run(
    link: &Link,
    text: &str,
    before: &str,
    news: &Sender<News>,
) -> Result<(), Error> {
    made(link, text, news).await.map_err(|status| link.trouble(&status, before))
}

async fn made(link: &Link, text: &str, news: &Sender<News>) -> Result<(), Status> {
    let Some(begun) = begin(link, text, news).await? else { return Ok(()) };
    let info = begun.info.clone().unwrap_or_default();
    let made = tokio::select! {
        biased;
        () = news.closed() => Err(unwanted()),
        made = fetched(link, begun, news) => made,
    };
    match made {
        // What cannot be told any more fails, too.
        Err(_) if news.is_closed() => in_time(cancel(link, info)).await,
        // Nobody follows it any more, if it has not ended by itself.
        Err(why) if !is_lost(&why) => {
            let _ = in_time(cancel(link, info)).await;
            Err(why)
        }
        made => made,
    }
}

/// Waits for what has begun.
async fn fetched(link: &Link, begun: PollInfo, news: &Sender<News>) -> Result<(), Status> {
    // Servers other than ours make a new session without asking, and the statement runs in it already.
    if !link.is_open()
        && let Err(why) = ready(link, news).await
    {
        // Nobody will fetch it.
        let _ = in_time(cancel(link, begun.info.unwrap_or_default())).await;
        return Err(why);
    }
    follow(link, begun, news).await
}

/// Has a session that is set up, and tells where it is another one.
async fn ready(link: &Link, news: &Sender<News>) -> Result<(), Status> {
    link.open().await?;
    match link.takes_another() {
        true => tell(news, News::Note(ANOTHER.to_string())).await,
        false => Ok(()),
    }
}

/// Has the statement begin. None where nobody wants it any more by the time it has a name.
async fn begin(link: &Link, text: &str, news: &Sender<News>) -> Result<Option<PollInfo>, Status> {
    if !is_ready(link, news).await? {
        return Ok(None);
    }
    match begin_once(link, text, news).await {
        // Nothing has run.
        Err(why) if link.may_ask_again(&why) => match is_ready(link, news).await? {
            true => begin_once(link, text, news).await,
            false => Ok(None),
        },
        made => made,
    }
}

/// Has a session that is set up. False where nobody wants the statement any more, which has not begun.
async fn is_ready(link: &Link, news: &Sender<News>) -> Result<bool, Status> {
    let made = tokio::select! {
        biased;
        () = news.closed() => Ok(()),
        made = ready(link, news) => made,
    };
    match news.is_closed() {
        true => Ok(false),
        false => made.map(|()| true),
    }
}

async fn begin_once(
    link: &Link,
    text: &str,
    news: &Sender<News>,
) -> Result<Option<PollInfo>, Status> {
    let mut asked = std::pin::pin!(ask(link, text));
    tokio::select! {
        made = &mut asked => made.map(Some),
        () = news.closed() => {
            // It runs already, and can be ended when it is known what it is called.
            let ended = async {
                match asked.await {
                    Ok(begun) => cancel(link, begun.info.unwrap_or_default()).await,
                    // Whether it runs there is not known.
                    Err(why) if is_lost(&why) => Err(why),
                    // It has failed.
                    Err(_) => Ok(()),
                }
            };
            in_time(ended).await.map(|()| None)
        }
    }
}

async fn ask(link: &Link, text: &str) -> Result<PollInfo, Status> {
    match link.poll(query(text)).await {
        // Not all servers poll.
        Err(why) if why.code() == Code::Unimplemented && asides::seams(&why).is_none() => {
            let info = Some(link.info(query(text)).await?);
            Ok(PollInfo { info, ..PollInfo::default() })
        }
        made => made,
    }
}

/// Ends a statement on the server; an error where it is not known to have ended.
async fn cancel(link: &Link, info: FlightInfo) -> Result<(), Status> {
    let body = CancelFlightInfoRequest::new(info).encode_to_vec();
    loop {
        let told = match link.act("CancelFlightInfo", body.clone()).await {
            // It has ended by itself, or with its session.
            Err(why) if why.code() == Code::NotFound || asides::has_ended(&why) => return Ok(()),
            told => told?,
        };
        let told = CancelFlightInfoResult::decode(told);
        let told = told.map_err(|error| Status::internal(error.to_string()))?;
        match told.status() {
            CancelStatus::Cancelled => return Ok(()),
            CancelStatus::Cancelling => tokio::time::sleep(ASKED).await,
            CancelStatus::NotCancellable | CancelStatus::Unspecified => {
                return Err(Status::aborted("the server does not end the statement"));
            }
        }
    }
}

/// What comes of ending a statement while somebody waits for that.
async fn in_time(ended: impl Future<Output = Result<(), Status>>) -> Result<(), Status> {
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| Err(Status::deadline_exceeded("the server is silent")))
}

/// Waits for the rows, and tells them.
async fn follow(link: &Link, mut begun: PollInfo, news: &Sender<News>) -> Result<(), Status> {
    let far = Arc::new(Mutex::new(Far::default()));
    let read = Arc::clone(&far);
    tell(news, News::Runs(Arc::new(move || *read.lock()))).await?;
    let mut last = None;
    while let Some(again) = begun.flight_descriptor.take() {
        note(&far, &begun);
        last = Some(again.clone());
        begun = link.poll(again).await?;
    }
    note(&far, &begun);
    let endpoints = begun.info.unwrap_or_default().endpoint;
    let asked = async {
        // What was there at once has nothing to be asked about.
        let Some(again) = last else { return std::future::pending().await };
        loop {
            tokio::time::sleep(ASKED).await;
            match link.poll(again.clone()).await {
                Ok(begun) => note(&far, &begun),
                Err(_) => return std::future::pending().await,
            }
        }
    };
    let fetched = async {
        for (at, endpoint) in endpoints.into_iter().enumerate() {
            fetch(link, endpoint.ticket.unwrap_or_default(), at == 0, news).await?;
        }
        Ok(())
    };
    tokio::select! {
        made = fetched => made,
        () = asked => Ok(()),
    }
}

fn note(far: &Mutex<Far>, begun: &PollInfo) {
    let told = begun.info.as_ref().and_then(Far::told);
    *far.lock() = match told {
        Some(told) if told != Far::default() => told,
        _ => Far {
            fraction: begun.progress.filter(|done| *done > 0.0 && *done < 1.0),
            ..Far::default()
        },
    };
}

/// Tells the rows of a ticket; of the first one the columns, too.
async fn fetch(
    link: &Link,
    ticket: Ticket,
    first: bool,
    news: &Sender<News>,
) -> Result<(), Status> {
    let mut rows = link.get(ticket).await?;
    let mut said = None;
    while let Some(message) = rows.try_next().await.map_err(|error| link.failed(status(error)))? {
        said = said.or(asides::said(&message.inner.app_metadata));
        match message.payload {
            DecodedPayload::Schema(schema) if first && said.is_none() => {
                tell(news, News::Started(schema)).await?;
            }
            DecodedPayload::RecordBatch(batch) => tell(news, News::Rows(batch)).await?,
            _ => {}
        }
    }
    match said {
        Some(said) => tell(news, News::Done(Some(said))).await,
        None => Ok(()),
    }
}

/// Tells something. Where nobody listens, there is nothing more to be done.
async fn tell(news: &Sender<News>, what: News) -> Result<(), Status> {
    news.send(what).await.map_err(|_| unwanted())
}

fn unwanted() -> Status {
    Status::cancelled("nobody wants it any more")
}
