//! A server of the real protocol behind the locks, and callers of all kinds.

use std::path::Path;
use std::pin::Pin;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use async_trait::async_trait;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity, Server};
use tonic::{Code, Request, Response, Streaming};

use super::*;
use crate::flight::caller::{Role, caller};

/// Every method says who calls.
struct Says(Arc<Locks>);

type Stream_<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn who<T, A>(request: &Request<T>) -> Result<A, Status> {
    let caller = caller(request)?;
    Err(Status::already_exists(format!(
        "{} {} {}",
        caller.name,
        caller.role.name(),
        caller.session
    )))
}

#[async_trait]
impl FlightService for Says {
    type HandshakeStream = Stream_<HandshakeResponse>;
    type ListFlightsStream = Stream_<FlightInfo>;
    type DoGetStream = Stream_<FlightData>;
    type DoPutStream = Stream_<PutResult>;
    type DoActionStream = Stream_<arrow_flight::Result>;
    type ListActionsStream = Stream_<ActionType>;
    type DoExchangeStream = Stream_<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        assert!(caller(&request).is_err());
        let token = handshake(&self.0, request.metadata(), request.remote_addr()).await?;
        let mut response = Response::new(futures::stream::empty().boxed() as Self::HandshakeStream);
        response.metadata_mut().insert("authorization", token.parse().unwrap());
        Ok(response)
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let own = caller(&request)?;
        if request.get_ref().r#type == "CloseSession" {
            self.0.close(&own);
        }
        who(&request)
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        who(&request)
    }
    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        who(&request)
    }
    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        who(&request)
    }
    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        who(&request)
    }
    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        who(&request)
    }
    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        who(&request)
    }
    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        who(&request)
    }
    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        who(&request)
    }
}

/// A server, and where it is.
async fn served(config: &ServeConfig) -> (SocketAddr, Arc<Locks>) {
    let locks = Arc::new(Locks::new(config).unwrap());
    let routes = Routes::new(FlightServiceServer::new(Says(Arc::clone(&locks))))
        .into_axum_router()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/added/later", get(|| async { "who may ask this?" }));
    let routes = guarded(routes, &locks);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::builder().accept_http1(true);
    if let Some(tls) = config.tls().unwrap() {
        server = server.tls_config(tls.for_server().unwrap()).unwrap();
    }
    let serving =
        server.add_routes(Routes::from(routes)).serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(serving);
    (address, locks)
}

fn config(folder: &Path, text: &str) -> ServeConfig {
    ServeConfig::parse(&folder.join("serve.toml"), text.to_string()).unwrap()
}

async fn client(address: SocketAddr) -> FlightServiceClient<Channel> {
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    FlightServiceClient::new(channel)
}

fn shown<T>(message: T, authorization: &str) -> Request<T> {
    let mut request = Request::new(message);
    if !authorization.is_empty() {
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    }
    request
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// What every method says to who shows this.
async fn every_method(client: &mut FlightServiceClient<Channel>, header: &str) -> Vec<Status> {
    let nothing = || futures::stream::iter(Vec::<FlightData>::new());
    let mut all = Vec::new();
    macro_rules! call {
        ($($method:ident($message:expr)),*) => {
            $(match client.$method(shown($message, header)).await {
                Err(status) => all.push(status),
                Ok(_) => panic!("{} answers {header:?}", stringify!($method)),
            })*
        };
    }
    call!(
        list_flights(Criteria::default()),
        get_flight_info(FlightDescriptor::default()),
        poll_flight_info(FlightDescriptor::default()),
        get_schema(FlightDescriptor::default()),
        do_get(Ticket::default()),
        do_put(nothing()),
        do_exchange(nothing()),
        do_action(Action::default()),
        list_actions(Empty::default())
    );
    all
}

async fn asked(client: &mut FlightServiceClient<Channel>, header: &str) -> Status {
    client.do_get(shown(Ticket::default(), header)).await.expect_err("it always says something")
}

async fn shake(client: &mut FlightServiceClient<Channel>, header: &str) -> Result<String, Status> {
    let request = shown(futures::stream::iter(vec![HandshakeRequest::default()]), header);
    let answer = client.handshake(request).await?;
    Ok(answer.metadata().get("authorization").unwrap().to_str().unwrap().to_string())
}

fn users() -> String {
    let hash = passwords::hash("pa:ss wörd").unwrap();
    let token = blake3::hash(b"a-token-that-is-long-enough").to_hex();
    format!(
        "[[user]]\nname = \"ann\"\npassword = \"{hash}\"\nrole = \"reader\"\n\
         [[token]]\nname = \"grafana\"\nhash = \"{token}\"\nrole = \"writer\"\n\
         [[token]]\nname = \"boss\"\nfile = \"boss.token\"\nrole = \"admin\"\n[limits]\n"
    )
}

#[tokio::test]
async fn no_method_answers_who_shows_nothing_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("boss.token"), "the-token-of-the-boss\n").unwrap();
    let (address, _) = served(&config(folder.path(), &users())).await;
    let mut client = client(address).await;
    let token = "a-token-that-is-long-enough";
    for header in [
        String::new(),
        "Bearer ".to_string(),
        "Bearer wrong".to_string(),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[1..]),
        token.to_string(),
        format!("Basic {token}"),
        "Basic !!!".to_string(),
        format!("Basic {}", STANDARD.encode("ann")),
        basic("ann", "wrong"),
        basic("ghost", "pa:ss wörd"),
        "Digest x".to_string(),
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.".to_string(),
        "Bearer anyone".to_string(),
        format!("Bearer {}", "x".repeat(12_000)),
    ] {
        for status in every_method(&mut client, &header).await {
            assert_eq!(status.code(), Code::Unauthenticated, "{header:?}: {status}");
            assert!(
                !status.message().contains("wrong-") && !status.message().contains(token),
                "{status}"
            );
        }
    }
    for (header, who) in [
        (format!("Bearer {token}"), "grafana writer token grafana"),
        (format!("bearer {token}"), "grafana writer token grafana"),
        ("Bearer the-token-of-the-boss".to_string(), "boss admin token boss"),
    ] {
        for status in every_method(&mut client, &header).await {
            assert_eq!((status.code(), status.message()), (Code::AlreadyExists, who));
        }
    }
    let web = reqwest::Client::new();
    let get = async |path: &str| web.get(format!("http://{address}{path}")).send().await.unwrap();
    assert_eq!(get("/healthz").await.text().await.unwrap(), "alive\n");
    assert_eq!(get("/readyz").await.text().await.unwrap(), "ready\n");
    for path in ["/added/later", "/healthz/", "//healthz", "/healthz/../added/later", "/", "/what"]
    {
        let answer = get(path).await;
        assert_eq!(answer.headers().get("grpc-status").unwrap(), "16", "{path}");
        assert_eq!(answer.text().await.unwrap(), "", "{path}");
    }
    let twice = web.get(format!("http://{address}/added/later"));
    let twice = twice
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", "Bearer x");
    assert_eq!(twice.send().await.unwrap().headers().get("grpc-status").unwrap(), "16");
}

#[tokio::test]
async fn a_handshake_gives_a_token_until_its_session_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("boss.token"), "the-token-of-the-boss\n").unwrap();
    let (address, _) = served(&config(folder.path(), &users())).await;
    let mut client = client(address).await;
    let password = basic("ann", "pa:ss wörd");
    // With every call.
    let status = asked(&mut client, &password).await;
    assert_eq!(status.message(), "ann reader user ann");
    let bearer = shake(&mut client, &password).await.unwrap();
    let other = shake(&mut client, &password).await.unwrap();
    assert!(bearer.starts_with("Bearer ") && bearer.len() == 50 && bearer != other);
    let status = asked(&mut client, &bearer).await;
    assert!(status.message().starts_with("ann reader session "), "{status}");
    assert_ne!(asked(&mut client, &other).await.message(), status.message());
    // Who has a token keeps it.
    assert_eq!(shake(&mut client, &bearer).await.unwrap(), bearer);
    let close = Action { r#type: "CloseSession".to_string(), ..Action::default() };
    assert!(client.do_action(shown(close, &bearer)).await.is_err());
    assert_eq!(asked(&mut client, &bearer).await.code(), Code::Unauthenticated);
    assert_eq!(asked(&mut client, &other).await.code(), Code::AlreadyExists);
    for header in ["", "Basic x", "Bearer x"] {
        assert_eq!(
            shake(&mut client, header).await.unwrap_err().code(),
            Code::Unauthenticated,
            "{header}"
        );
    }
}

#[tokio::test]
async fn guessing_and_asking_too_much_are_slowed_down() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("boss.token"), "the-token-of-the-boss\n").unwrap();
    let log = folder.path().join("audit.jsonl");
    let text = format!("{}requests = 5\n[audit]\nfile = \"audit.jsonl\"\n", users());
    let (address, locks) = served(&config(folder.path(), &text)).await;
    let mut client = client(address).await;
    for guess in 0..5 {
        let status = asked(&mut client, &basic("ann", &format!("guess{guess}"))).await;
        assert!(status.message().contains("name or the password"), "{status}");
    }
    // Even the right one has to wait now, and so it is not found out.
    let status = asked(&mut client, &basic("ann", "pa:ss wörd")).await;
    assert!(status.message().contains("try again in"), "{status}");
    let token = "Bearer a-token-that-is-long-enough";
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(asked(&mut client, token).await.code());
    }
    assert!(
        codes.contains(&Code::AlreadyExists) && codes.contains(&Code::ResourceExhausted),
        "{codes:?}"
    );
    assert_eq!(
        asked(&mut client, "Bearer the-token-of-the-boss").await.code(),
        Code::AlreadyExists
    );
    locks.finish();
    let lines = std::fs::read_to_string(log).unwrap();
    assert_eq!(
        lines
            .lines()
            .filter(|line| line.contains("\"refused\"") && line.contains("\"ann\""))
            .count(),
        6
    );
    assert!(!lines.contains("guess") && !lines.contains("a-token"), "{lines}");
}

#[tokio::test]
async fn certificates_say_who_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let made = |name: &str, by: &Issuer<'_, KeyPair>| {
        let key = KeyPair::generate().unwrap();
        let own =
            CertificateParams::new(vec![name.to_string()]).unwrap().signed_by(&key, by).unwrap();
        (own.pem(), key.serialize_pem())
    };
    let (cert, own_key) = made("localhost", &issuer);
    std::fs::write(path("cert.pem"), cert).unwrap();
    std::fs::write(path("key.pem"), own_key).unwrap();
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    let text = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\nclient_ca = \"ca.pem\"\n\
        [[certificate]]\nname = \"etl.example\"\nrole = \"writer\"\n";
    let (address, _) = served(&config(folder.path(), text)).await;
    let connect = async |identity: Option<(String, String)>| {
        let mut tls = ClientTlsConfig::new()
            .domain_name("localhost")
            .ca_certificate(Certificate::from_pem(authority.pem()));
        if let Some((cert, key)) = identity {
            tls = tls.identity(Identity::from_pem(cert, key));
        }
        let channel =
            Channel::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap();
        channel.connect().await.map(FlightServiceClient::new)
    };
    let mut known = connect(Some(made("etl.example", &issuer))).await.unwrap();
    assert_eq!(asked(&mut known, "").await.message(), "etl.example writer certificate etl.example");
    let mut stranger = connect(Some(made("etl.example.evil", &issuer))).await.unwrap();
    assert_eq!(asked(&mut stranger, "").await.code(), Code::Unauthenticated);
    // Without one of the authority's, nobody gets as far as that.
    let other_key = KeyPair::generate().unwrap();
    let mut other = CertificateParams::new(Vec::new()).unwrap();
    other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let other = Issuer::new(other, other_key);
    for identity in [None, Some(made("etl.example", &other))] {
        if let Ok(mut client) = connect(identity).await {
            let status = asked(&mut client, "").await;
            assert!(
                !matches!(status.code(), Code::AlreadyExists | Code::Unauthenticated),
                "{status}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_open_is_open_on_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("boss.token"), "the-token-of-the-boss\n").unwrap();
    let open = Locks::new(&ServeConfig::default()).unwrap();
    let (here, world) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
    assert!(open.are_open() && open.allow_listening(here, None).is_ok());
    assert!(open.allow_listening(world, None).is_err());
    let locked = Locks::new(&config(folder.path(), &users())).unwrap();
    assert!(!locked.are_open() && locked.allow_listening(here, None).is_ok());
    let refused = locked.allow_listening(world, None).unwrap_err().to_string();
    assert!(refused.contains("passwords"), "{refused}");
    let (address, _) = served(&ServeConfig::default()).await;
    let status = asked(&mut client(address).await, "").await;
    assert_eq!(status.message(), "anyone admin anyone");
    assert_eq!(Caller::anyone().role, Role::Admin);
}

/// The files of the page on serving are files.
#[test]
fn what_the_page_shows_is_understood() {
    let page = include_str!("../../../../docs/src/how-to/serve.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let mut count = 0;
    for (block, _) in blocks {
        let config = ServeConfig::parse(Path::new("/etc/strata/serve.toml"), block.to_string());
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        // Their users are users, too.
        Users::new(&config).unwrap_or_else(|error| panic!("{error}"));
        count += 1;
    }
    assert_eq!(count, 5);
    // Every default of the table is the one in force.
    let (config, limits) = (ServeConfig::default(), ServeConfig::default().limits);
    let idle = super::config::Lifetimes::of(&config).idle;
    assert_eq!(
        (limits.message.to_string().as_str(), idle.as_secs(), limits.session.as_secs()),
        ("272MiB", 1800, 86_400)
    );
}

#[tokio::test]
async fn faults_of_the_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let hash = passwords::hash("x").unwrap();
    let user = |name: &str, password: &str, rest: &str| {
        format!("[[user]]\nname = \"{name}\"\npassword = \"{password}\"\n{rest}\n")
    };
    let reader = "role = \"reader\"";
    for (text, parts) in [
        (user("ann", "hunter2", reader), vec!["line 3", "'ann'", "argon2id", "strata passwd"]),
        (user("ann", &hash, "role = \"king\""), vec!["line 4", "'king'", "reader"]),
        (user("a:b", &hash, reader), vec!["line 2", "':'"]),
        (
            format!("{}{}", user("ann", &hash, reader), user("ann", &hash, reader)),
            vec!["line 6", "already"],
        ),
        (user("ann", &hash, "role = \"admin\"\nlocations = [\"/x\"]"), vec!["line 4", "admin"]),
        (user("ann", &hash, "role = \"reader\"\nlocations = [\"/x/*.csv\"]"), vec!["globs"]),
        ("[[role]]\nname = \"reader\"\nis = \"writer\"".to_string(), vec!["'reader'", "already"]),
        ("[[token]]\nname = \"t\"\nrole = \"reader\"".to_string(), vec!["line 2", "file", "hash"]),
        ("[[token]]\nname = \"t\"\nhash = \"abc\"\nrole = \"reader\"".to_string(), vec!["64 hex"]),
        ("[[token]]\nname = \"t\"\nfile = \"none\"\nrole = \"reader\"".to_string(), vec!["none"]),
        ("[[certificate]]\nname = \"a.b\"\nrole = \"reader\"".to_string(), vec!["client_ca"]),
        ("[oidc]\nissuer = \"i\"\naudience = \"a\"\njwks = \"k\"".to_string(), vec!["oidc.grant"]),
        ("[audit]\nfile = \"no/such/folder/x\"".to_string(), vec!["no/such/folder"]),
    ] {
        let error = Locks::new(&config(folder.path(), &text)).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    }
    // Users in a file of their own are named there.
    let text = user("ann", &hash, "role = \"king\"");
    std::fs::write(folder.path().join("users.toml"), format!("\n{text}")).unwrap();
    std::fs::write(folder.path().join("serve.toml"), "users = \"users.toml\"\n").unwrap();
    let file = folder.path().join("serve.toml");
    let error = ServeConfig::from_file(&file).and_then(|config| Locks::new(&config));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("users.toml") && error.contains("line 5"), "{error}");
    std::fs::write(folder.path().join("users.toml"), user("ann", &hash, reader)).unwrap();
    let locks = Locks::new(&ServeConfig::from_file(&file).unwrap()).unwrap();
    assert!(!locks.are_open());
}
