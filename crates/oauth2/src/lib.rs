//! OAuth2 and OpenID Connect: the contract of Ory Hydra, both client generations, and the profiles it lacks.
//!
//! Rooms: `client/`, `grant/`, `token/` and `challenge/` are the things that last; `http/` is the edge.
//!
//! **Architecture invariant:** a use case reads, decides, and hands one plain value to one store method, which commits
//! it in one transaction. Signing, hooks and calls to other servers never happen inside that transaction. Only `http/`
//! knows actix; nothing here knows identities: who is signed in comes through a trait that the server connects.

pub mod assertion;
pub mod audience;
pub mod authorize;
pub mod challenge;
pub mod client;
pub mod client_auth;
pub mod config;
pub mod consent;
pub mod credential;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod endpoint;
pub mod error;
pub mod exchange;
pub mod grant;
pub mod grant_type;
pub mod http;
pub mod hydra;
pub mod logout;
mod nonce;
pub mod parameters;
pub mod pkce;
pub mod scope;
pub mod service;
pub mod session;
pub mod store;
pub mod subject;
pub mod token;
pub mod trust;
pub mod userinfo;

pub use config::Config;
pub use error::{ErrorCode, OAuth2Error};
pub use service::OAuth2Service;
