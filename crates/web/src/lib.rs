//! HTTP helpers that every surface shares: the edge middleware, the error envelope, bodies, cookies, CSRF, pages.
//!
//! A surface's `http/` folder declares its routes with [`routes::Routes`], reads the request through the
//! extractors here ([`Context`], [`JsonBody`], [`Submitted`]), calls a use case and answers with [`response::json`]
//! or an [`ApiError`].
//!
//! **Architecture invariant:** knows HTTP and `core`, no domain, no storage and no configuration file. Settings
//! arrive as plain values.

pub mod body;
pub mod context;
pub mod cookie;
pub mod csrf;
pub mod edge;
pub mod error;
pub mod negotiate;
pub mod origins;
pub mod page;
pub mod pairs;
pub mod response;
pub mod return_to;
pub mod routes;

pub use body::{AdminJsonBody, FormBody, JsonBody, Submitted};
pub use context::Context;
pub use error::ApiError;
pub use origins::Origins;
pub use pairs::Pairs;
pub use routes::{Listener, Route, Routes};
