//! The built-in pages: login, registration, verification, account, error and the development inbox.
//!
//! Server-rendered, without JavaScript, and fed with the same flow JSON that any other front end receives, so that
//! replacing them is a line of configuration. `view.rs` turns a flow's nodes into a form, `locale.rs` finds the words,
//! `templates.rs` renders; `http/` holds one file per page.
//!
//! **Architecture invariant:** no page knows storage or a rule of a flow. What a page shows comes through
//! [`Frontend`]; what a person sends goes to the public flow endpoints.

mod account;
pub mod authorization;
pub mod config;
pub mod frontend;
pub mod http;
mod inbox;
pub mod locale;
mod oauth2_platform;
mod page;
mod platform;
mod templates;
mod view;

pub use config::UiConfig;
pub use frontend::Frontend;
pub use oauth2_platform::OAuth2Platform;
pub use page::Pages;
pub use platform::Platform;
