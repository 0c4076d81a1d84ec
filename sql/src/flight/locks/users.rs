//! Users with passwords, and roles with lists of what is theirs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use strata_connectors::Locations;
use toml::Spanned;

use super::config::{ServeConfig, refuse};
use super::passwords::{self, Hash};
use crate::error::{Error, Result};
use crate::flight::caller::{Allowed, Caller, Role, Schemas};

/// Names longer than this are nobody's.
const LONGEST: usize = 256;

/// Users and roles.
#[derive(Debug)]
pub(super) struct Users {
    users: HashMap<String, User>,
    roles: BTreeMap<String, Grade>,
}

/// Somebody with a password.
#[derive(Debug)]
pub(super) struct User {
    name: String,
    pub(super) hash: Hash,
    grade: Grade,
}

/// A role with its lists.
#[derive(Debug, Clone)]
pub(super) struct Grade {
    role: Role,
    schemas: Vec<String>,
    locations: Vec<String>,
    allowed: Arc<Allowed>,
}

impl Grade {
    fn new(role: Role, schemas: Vec<String>, locations: Vec<String>) -> Result<Self> {
        let allowed = Allowed {
            schemas: Schemas(schemas.clone()),
            locations: Locations::parse(locations.iter().map(String::as_str))?,
        };
        Ok(Self { role, schemas, locations, allowed: Arc::new(allowed) })
    }

    /// Somebody of this role.
    pub(super) fn caller(&self, name: &str) -> Caller {
        Caller {
            name: name.to_string(),
            role: self.role,
            login: None,
            session: format!("user {name}"),
            peer: None,
            allowed: Arc::clone(&self.allowed),
        }
    }
}

impl User {
    pub(super) fn caller(&self) -> Caller {
        self.grade.caller(&self.name)
    }
}

impl Users {
    pub(super) fn new(config: &ServeConfig) -> Result<Self> {
        let star = || vec!["*".to_string()];
        let mut roles = BTreeMap::new();
        for (role, locations) in
            [(Role::Reader, Vec::new()), (Role::Writer, Vec::new()), (Role::Admin, star())]
        {
            roles.insert(role.name().to_string(), Grade::new(role, star(), locations)?);
        }
        for own in &config.roles {
            let schemas = own.schemas.clone().unwrap_or_else(star);
            let locations = match (own.is, &own.locations) {
                (Role::Admin, None) => star(),
                (_, locations) => locations.clone().unwrap_or_default(),
            };
            if own.is == Role::Admin && (own.schemas.is_some() || own.locations.is_some()) {
                return Err(refuse(
                    &config.path,
                    format!(
                        "role '{}': an admin may do everything: leave schemas and locations out, or make it a writer",
                        own.name
                    ),
                ));
            }
            let grade = Grade::new(own.is, schemas, locations)
                .map_err(|error| refuse(&config.path, format!("role '{}': {error}", own.name)))?;
            if roles.insert(own.name.clone(), grade).is_some() {
                return Err(refuse(&config.path, format!("role '{}' is there already", own.name)));
            }
        }
        let mut all = Self { users: HashMap::new(), roles };
        for user in &config.own_users {
            let name = user.name.get_ref();
            if name.is_empty() || name.len() > LONGEST || name.contains([':', '\n', '\0']) {
                return Err(config.wrong_user(
                    user,
                    &user.name,
                    "a user's name is a short text without ':'",
                ));
            }
            let wrong = |what: &Spanned<String>, reason: String| {
                config.wrong_user(user, what, format!("user '{name}': {reason}"))
            };
            let hash = passwords::read(user.password.get_ref())
                .map_err(|reason| wrong(&user.password, reason))?;
            let grade = all.grade(user.role.get_ref(), &user.schemas, &user.locations);
            let grade = grade.map_err(|reason| wrong(&user.role, reason))?;
            let user_ = User { name: name.clone(), hash, grade };
            if all.users.insert(name.clone(), user_).is_some() {
                return Err(wrong(&user.name, "is there already".to_string()));
            }
        }
        Ok(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// A role by its name, with lists in the place of its own where they are given.
    pub(super) fn grade(
        &self,
        role: &str,
        schemas: &Option<Vec<String>>,
        locations: &Option<Vec<String>>,
    ) -> Result<Grade, String> {
        let Some(grade) = self.roles.get(role) else {
            let names: Vec<&str> = self.roles.keys().map(String::as_str).collect();
            return Err(format!("there is no role '{role}'; there are {}", names.join(", ")));
        };
        if schemas.is_none() && locations.is_none() {
            return Ok(grade.clone());
        }
        if grade.role == Role::Admin {
            return Err(
                "an admin may do everything: leave schemas and locations out, or make it a writer"
                    .to_string(),
            );
        }
        let schemas = schemas.clone().unwrap_or_else(|| grade.schemas.clone());
        let locations = locations.clone().unwrap_or_else(|| grade.locations.clone());
        Grade::new(grade.role, schemas, locations).map_err(|error: Error| error.to_string())
    }
}
