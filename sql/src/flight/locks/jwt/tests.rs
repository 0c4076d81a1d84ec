//! Tokens made here, by keys made here: those that are good, and every way that is known to make one that is not.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::flight::caller::Role;

/// A key that is for this test only: ring makes none of RSA.
const RSA: &str = "\
     MIIEowIBAAKCAQEAm8Pq5uZi8iU+tFPx3ZwAKY0exDmf90IJPhBiYJuoyx5rYeqir0Iyc1FhMhnw6IJ3X7sU/ZLd4x1CGViY\
     6KX6Kc2vp563hVbUKAI3GpQQfsl6iXcYh5IBjqZLfuCrH6pabHhUfetvKRpEKzQK1D/VyC4rd8sk/EMZkqljBJqZmJMNAdkf\
     n25Cs99FHy7IK8j5LhcuxdBLkaWDYdhRXlqPfLRpmgVjcu3nl4ybec9uVKJPWknyoiWmbo0pLOruzcGtVW4vpcoz8wr/fJ3f\
     vSH5QvdO+AFmYIKj1f2xj4s+EVn5+vER1R9YBc+D8jJ2e+qd83AMCl94AD95sneqTXQfmQIDAQABAoIBAAOjcsnQ1HJJRriM\
     MgGRe998mYrPS38AOizBiKYuxcoGjry5FKl5FTybNglwa/jCakZJnZbDVKE/x20zkb7PwbegQ4Br/me6839wUmExsxM59QbN\
     kxf3mtm1Cd1GkRQqkD670x1t35bbV+1xSA0wm/eAhbtpes1narRdLSAV1Y06OMs2KBphS3VfrFuX5pgCvMBgQ3nnJTIkYtPs\
     TEYzeyccat5crgLDhaymPv12x9lv6o/w+3sW/u+QPEyio0jEjWyW0M6f5FQ2iC9R7JKeRm/LZXxJz3NIk+Qs3nLQfeypaen1\
     fTAJVXovAAcfXHXjiA15tv7q0zKelV2nlksxEpECgYEAyX/cUnBDnK2G0P8+GL2FOr3OReTvlzuW90qdtpqod/owd67Nd61l\
     c3SfRWoJxUuBU82khYyzt0tMrn14gVqjBZO+qcdmn/qX7XojXGbltu3GTMDmwRuem1HTBOsB+H7qNSgyueWmBEx3jOe8Mn45\
     3mZ4YmprNcqkI1PeCK1bHHMCgYEAxeVaLkbq/HDYyQHkR3p27l2sH6czOebx6KKB9BNWITScpnDiVY1Hl49Nn5gfvjaO39yD\
     aJSZ00jZZSJ8SJFwX4PRyS/5ZZt4i9K6poHPuEmb6khsGtBOJSdAsRdiEKGMxR6GfTwScc9WctDY2wzir+bg78EYUAPPUstI\
     CI3zvMMCgYAyFpGLAJMeCFih7UDfX4UVxAbZgv43xr1RPYAU2z8Ti+KubYpvvG+ikpPg6moBXDKKxWynMgGeh55JJbFl3kT1\
     5vMXOxT8oYtQofLWTlG99j875xu1VwtHKsDc0RpNTickDZkGctqg6O0y3ov+tTfnW+uC81cxKO1CRt/DomwqlwKBgFRU4JFH\
     92uMS1WdUMKFFZmOoYL7pYDPQdd5KRfyBYow+XCUOl9qzU9w6gtQsHZGmawcNIOkj8jSCpJml7/0+oY5jnTF1OnPzxcGvjOm\
     rfZCqAa2xhrHGgYLLC5LYKblsS9vSrCjoNiPGq/jAAaY/yEmqkSBbPLsLLWDmzbKB0wxAoGBAIaMZelDytkuilFPEKs/0Zfk\
     5+TDj3U9RCU8QtMzTwYku5I8ZiqgWD+HzKmZq+cB7cE3/CTY7Q6ofXhdWhNJnWKVOvOssnEU4pv9Y3BTcJFVUHdNplkxSC2Y\
     XrhqGPRRNAP3AKaL6fOhIWAezkml3dqxi4QDTuRd0zKN8DSjx00t";

/// The private halves.
struct Signers {
    rsa: RsaKeyPair,
    point: EcdsaKeyPair,
    edwards: Ed25519KeyPair,
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signers {
    fn new() -> Self {
        let chance = SystemRandom::new();
        let rsa = base64::engine::general_purpose::STANDARD.decode(RSA).unwrap();
        let point =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance).unwrap();
        let edwards = Ed25519KeyPair::generate_pkcs8(&chance).unwrap();
        Self {
            rsa: RsaKeyPair::from_der(&rsa).unwrap(),
            point: EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                point.as_ref(),
                &chance,
            )
            .unwrap(),
            edwards: Ed25519KeyPair::from_pkcs8(edwards.as_ref()).unwrap(),
        }
    }

    fn set(&self) -> Value {
        let public: ring::rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        let point = self.point.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": encoded(&public.n), "e": encoded(&public.e)},
            {"kty": "EC", "kid": "p", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..])},
            {"kty": "OKP", "kid": "e", "crv": "Ed25519", "x": encoded(self.edwards.public_key().as_ref())},
            {"kty": "oct", "kid": "o", "alg": "HS256", "k": encoded(b"a secret that everybody knows")},
            {"kty": "EC", "kid": "far", "crv": "P-521", "x": "AA", "y": "AA"},
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": encoded(&public.n), "e": encoded(&public.e)},
            {"what": "is this"},
        ]})
    }

    fn sign(&self, alg: &str, text: &[u8]) -> Vec<u8> {
        match alg {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)
                    .unwrap();
                signature
            }
            "ES256" => self.point.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec(),
            "EdDSA" => self.edwards.sign(text).as_ref().to_vec(),
            _ => Vec::new(),
        }
    }

    fn token(&self, header: Value, claims: &Value) -> String {
        let text = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), text.as_bytes());
        format!("{text}.{}", encoded(&signature))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"iss": "https://id", "aud": ["other", "strata"], "sub": "ann", "exp": now() + 600, "nbf": now() - 10,
        "iat": now(), "realm": {"roles": ["staff", "analysts"]}})
}

fn config(folder: &std::path::Path, jwks: &str) -> ServeConfig {
    let text = format!(
        "[[role]]\nname = \"analyst\"\nis = \"reader\"\nlocations = [\"/data/\"]\n[oidc]\nissuer = \"https://id\"\n\
         audience = \"strata\"\njwks = \"{jwks}\"\nrole_claim = \"realm.roles\"\n\
         [[oidc.grant]]\nvalue = \"admins\"\nrole = \"admin\"\n\
         [[oidc.grant]]\nvalue = \"analysts\"\nrole = \"analyst\"\n"
    );
    ServeConfig::parse(&folder.join("serve.toml"), text).unwrap()
}

fn opened(folder: &std::path::Path, jwks: &str) -> Result<Jwts> {
    let config = config(folder, jwks);
    let users = Users::new(&config).unwrap();
    Jwts::new(&config, config.oidc.as_ref().unwrap(), &users)
}

fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut all = claims();
    change(all.as_object_mut().unwrap());
    all
}

#[tokio::test]
async fn tokens_of_the_issuer_are_let_in_and_no_others() {
    let signers = Signers::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), signers.set().to_string()).unwrap();
    let jwts = opened(folder.path(), "keys.json").unwrap();
    for (alg, kid) in [("RS256", "r"), ("ES256", "p"), ("EdDSA", "e")] {
        for header in [json!({"alg": alg, "kid": kid, "typ": "JWT"}), json!({"alg": alg})] {
            let caller = jwts.caller(&signers.token(header, &claims())).await.unwrap();
            assert_eq!((caller.name.as_str(), caller.role), ("ann", Role::Reader), "{alg}");
            assert!(
                caller.allowed.locations.allow("/data/x.csv")
                    && !caller.allowed.locations.allow("/etc/passwd")
            );
        }
    }
    let good = json!({"alg": "ES256", "kid": "p"});
    let admin = with(|all| all["realm"] = json!({"roles": "admins"}));
    assert_eq!(jwts.caller(&signers.token(good.clone(), &admin)).await.unwrap().role, Role::Admin);

    // Its claims.
    for (what, bad) in [
        ("expired", with(|all| all["exp"] = json!(now() - 61))),
        ("when it expires", with(|all| drop(all.remove("exp")))),
        ("no numbers", with(|all| all["exp"] = json!("tomorrow"))),
        ("not good yet", with(|all| all["nbf"] = json!(now() + 120))),
        ("another audience", with(|all| all["aud"] = json!("other"))),
        ("another audience", with(|all| all["aud"] = json!(["strat", "stratab"]))),
        ("another audience", with(|all| drop(all.remove("aud")))),
        ("another issuer", with(|all| all["iss"] = json!("https://id/"))),
        ("another issuer", with(|all| drop(all.remove("iss")))),
        ("no name", with(|all| all["sub"] = json!(""))),
        ("no name", with(|all| all["sub"] = json!(7))),
        ("no role", with(|all| all["realm"] = json!({"roles": ["staff"]}))),
        ("no role", with(|all| all["realm"] = json!({"roles": "analysts admins"}))),
        ("no role", with(|all| drop(all.remove("realm")))),
    ] {
        let refused = jwts.caller(&signers.token(good.clone(), &bad)).await.unwrap_err();
        assert!(refused.message().contains(what), "{what}: {refused}");
    }
    let late = with(|all| all["exp"] = json!(now() - 30));
    assert!(jwts.caller(&signers.token(good.clone(), &late)).await.is_ok(), "clocks differ");
}

#[tokio::test]
async fn a_token_does_not_say_how_it_is_signed() {
    let signers = Signers::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), signers.set().to_string()).unwrap();
    let jwts = opened(folder.path(), "keys.json").unwrap();
    let claims = claims();
    let text = |header: &Value| {
        format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        )
    };
    let mut bad = Vec::new();
    // Not signed at all.
    for alg in ["none", "None", "NONE", ""] {
        bad.push(format!("{}.", text(&json!({"alg": alg, "kid": "r"}))));
    }
    // By a secret: what everybody knows of the keys.
    for (kid, secret) in [
        ("r", signers.set()["keys"][0]["n"].to_string().into_bytes()),
        ("r", signers.rsa.public().as_ref().to_vec()),
        ("p", signers.point.public_key().as_ref().to_vec()),
        ("e", signers.edwards.public_key().as_ref().to_vec()),
        ("o", b"a secret that everybody knows".to_vec()),
    ] {
        let text = text(&json!({"alg": "HS256", "kid": kid}));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let signature = ring::hmac::sign(&key, text.as_bytes());
        bad.push(format!("{text}.{}", encoded(signature.as_ref())));
    }
    // By a key of another kind, by one that is not for this, by one that nobody has, by somebody else's.
    for (alg, kid) in [
        ("RS256", "p"),
        ("RS256", "enc"),
        ("ES256", "r"),
        ("ES256", "far"),
        ("EdDSA", "p"),
        ("ES256", "x"),
    ] {
        bad.push(signers.token(json!({"alg": alg, "kid": kid}), &claims));
    }
    for (alg, kid) in [("ES256", "p"), ("EdDSA", "e")] {
        bad.push(Signers::new().token(json!({"alg": alg, "kid": kid}), &claims));
    }
    let header = json!({"alg": "ES256", "kid": "p"});
    bad.push(signers.token(json!({"alg": "ES256", "kid": "p", "crit": ["exp"]}), &claims));
    bad.push(
        signers.token(
            json!({"alg": "ES256", "kid": "p", "jwk": {"kty": "oct", "k": "AA"}}),
            &json!([]),
        ),
    );
    let token = signers.token(header, &claims);
    // Other claims under the same signature, a signature that is cut, and what is no token.
    let parts: Vec<&str> = token.split('.').collect();
    let other = encoded(with(|all| all["sub"] = json!("root")).to_string().as_bytes());
    bad.push(format!("{}.{other}.{}", parts[0], parts[2]));
    bad.push(format!("{}.{}.{}", parts[0], parts[1], &parts[2][..parts[2].len() - 4]));
    bad.push(format!("{}.{}.", parts[0], parts[1]));
    bad.push(format!("{}.{}.{}", parts[0], parts[1], encoded(&[0; 64])));
    bad.push("..".to_string());
    bad.push("a.b.c".to_string());
    bad.push(format!("{}.{}.{}", encoded(b"{}"), encoded(b"{}"), encoded(b"")));
    for token in bad {
        let refused = jwts.caller(&token).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unauthenticated, "{token}");
    }
    assert!(jwts.caller(&token).await.is_ok());
    assert!(
        !looks_like_one(&"a".repeat(LONGEST + 1))
            && !looks_like_one("abc")
            && looks_like_one(&token)
    );
}

/// A web server with one answer, which counts how often it gave it.
async fn served(answer: Arc<parking_lot::Mutex<String>>) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut asked).await;
            counted.fetch_add(1, Ordering::SeqCst);
            let body = answer.lock().clone();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, body.as_bytes()).await;
        }
    });
    (url, count)
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn keys_are_fetched_again_when_one_is_missing_and_not_too_often() {
    let (old, new) = (Signers::new(), Signers::new());
    let body = Arc::new(parking_lot::Mutex::new(answer(&old.set().to_string())));
    let (url, count) = served(Arc::clone(&body)).await;
    let folder = tempfile::tempdir().unwrap();
    let jwts = opened(folder.path(), &url).unwrap();
    let header = json!({"alg": "ES256", "kid": "p"});
    for _ in 0..3 {
        assert!(jwts.caller(&old.token(header.clone(), &claims())).await.is_ok());
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    // Whatever keys tokens name, the server is not asked again at once.
    for number in 0..50 {
        let unknown = old.token(json!({"alg": "ES256", "kid": format!("k{number}")}), &claims());
        assert!(jwts.caller(&unknown).await.is_err());
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    // Later it is, and has other keys.
    let Jwts { keys, .. } = jwts;
    let jwts = Jwts { keys: keys.without_pause(), ..opened(folder.path(), &url).unwrap() };
    *body.lock() = answer(&new.set().to_string().replace("\"p\"", "\"q\""));
    let turned = new.token(json!({"alg": "ES256", "kid": "q"}), &claims());
    assert!(jwts.caller(&turned).await.is_ok());
    assert!(jwts.caller(&old.token(header, &claims())).await.is_err());
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |jwks: &str| opened(folder.path(), jwks).unwrap_err().to_string();
    assert!(refused("missing.json").contains("missing.json"));
    for (text, part) in [
        ("", "no JSON"),
        ("{}", "no JSON"),
        ("{\"keys\": [{\"kty\": \"oct\", \"k\": \"AA\"}]}", "no key"),
    ] {
        std::fs::write(folder.path().join("keys.json"), text).unwrap();
        let error = refused("keys.json");
        assert!(error.contains(part), "{text}: {error}");
    }
    std::fs::write(folder.path().join("keys.json"), vec![b' '; 2 << 20]).unwrap();
    assert!(refused("keys.json").contains("no more than"));
    assert!(refused("http://id.example/keys").contains("https://"));
    let token = Signers::new().token(json!({"alg": "ES256", "kid": "p"}), &claims());
    for body in [
        answer("{}"),
        answer(&" ".repeat(2 << 20)),
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
            .to_string(),
        "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_string(),
        String::new(),
    ] {
        let (url, _) = served(Arc::new(parking_lot::Mutex::new(body))).await;
        let refused = opened(folder.path(), &url).unwrap().caller(&token).await.unwrap_err();
        assert!(refused.message().contains("cannot be had"), "{refused}");
        assert!(!refused.message().contains("127.0.0.1"), "{refused}");
    }
}
