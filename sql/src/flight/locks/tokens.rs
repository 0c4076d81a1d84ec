//! Tokens that do not change, for tools. Only their hashes are kept.

use strata_engine::Token;

use super::config::ServeConfig;
use super::users::Users;
use crate::error::Result;
use crate::flight::caller::Caller;

#[derive(Debug)]
pub(super) struct Tokens(Vec<(blake3::Hash, Caller)>);

impl Tokens {
    pub(super) fn new(config: &ServeConfig, users: &Users) -> Result<Self> {
        let mut all: Vec<(blake3::Hash, Caller)> = Vec::new();
        for own in &config.tokens {
            let name = own.name.get_ref();
            let wrong =
                |reason: String| config.wrong(&own.name, format!("token '{name}': {reason}"));
            let hash = match (&own.file, &own.hash) {
                (Some(file), None) => {
                    let token = Token::from_file(&config.at(file))
                        .map_err(|error| wrong(error.to_string()))?;
                    blake3::hash(token.reveal().as_bytes())
                }
                (None, Some(hash)) => blake3::Hash::from_hex(hash).map_err(|_| {
                    wrong(
                        "its hash is not 64 hexadecimal digits: `strata passwd --token` makes one"
                            .to_string(),
                    )
                })?,
                _ => {
                    return Err(wrong(
                        "it is either in a file = \"…\", or has a hash = \"…\"".to_string(),
                    ));
                }
            };
            let grade = users.grade(own.role.get_ref(), &own.schemas, &own.locations);
            let grade = grade
                .map_err(|reason| config.wrong(&own.role, format!("token '{name}': {reason}")))?;
            if all.iter().any(|(other, _)| *other == hash) {
                return Err(wrong("another has the same".to_string()));
            }
            let caller = Caller { session: format!("token {name}"), ..grade.caller(name) };
            all.push((hash, caller));
        }
        Ok(Self(all))
    }

    /// One more, which is in no file of ours.
    pub(super) fn add(&mut self, token: &Token, caller: Caller) {
        self.0.push((blake3::hash(token.reveal().as_bytes()), caller));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token it is. All are compared, each in constant time.
    pub(super) fn find(&self, token: &str) -> Option<Caller> {
        let shown = blake3::hash(token.as_bytes());
        let fits = self.0.iter().fold(None, |found, (hash, caller)| match *hash == shown {
            true => Some(caller),
            false => found,
        });
        fits.cloned()
    }
}
