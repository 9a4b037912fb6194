//! Where the browser comes back to: one path on a loopback port (RFC 8252 section 7.3).

use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use actix_web::web::{Data, Query};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use minijinja::{AutoEscape, Environment, context};
use openidconnect::{AuthorizationCode, CsrfToken};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

use crate::cli::CALLBACK;
use crate::commands::client::plain;

/// Styles of the page's own, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
/// Seconds that answers may take when everything is over.
const SHUTDOWN: u64 = 2;

/// What the server refused with (RFC 6749 section 4.1.2.1).
#[derive(Debug, thiserror::Error)]
#[error("the server refused ({}){}", plain(error), description.as_ref().map(|text| format!(": {}", plain(text))).unwrap_or_default())]
pub(super) struct Refusal {
    error: String,
    description: Option<String>,
}

/// The browser, come back.
pub(super) struct Arrival {
    /// What it brought.
    pub(super) answer: Result<AuthorizationCode, Refusal>,
    /// Who says that it sent it (RFC 9207).
    pub(super) issuer: Option<String>,
    /// It waits for this.
    pub(super) page: Waiting,
}

/// A browser that waits for its page.
pub(super) struct Waiting(oneshot::Sender<Page>);

impl Waiting {
    /// Shows it; whether it still waits does not matter.
    pub(super) fn show(self, page: Page) {
        drop(self.0.send(page));
    }
}

/// What it is shown.
pub(super) enum Page {
    /// There are tokens.
    Done {
        /// Of whom, where that is known.
        subject: Option<String>,
    },
    /// There are none.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What waits for the browser.
pub(super) struct Callback {
    server: ServerHandle,
    arrival: oneshot::Receiver<Arrival>,
}

/// What a request needs. The first one with the right `state` takes the sender.
struct Expected {
    state: String,
    arrival: Mutex<Option<oneshot::Sender<Arrival>>>,
}

/// What the address says.
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Callback {
    /// Begins to wait.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(super) fn listen(socket: TcpListener, state: &CsrfToken) -> anyhow::Result<Self> {
        let (sender, receiver) = oneshot::channel();
        let expected = Data::new(Expected { state: state.secret().clone(), arrival: Mutex::new(Some(sender)) });
        let server = HttpServer::new(move || {
            App::new().app_data(Data::clone(&expected)).route(CALLBACK, web::get().to(receive))
        })
        .workers(1)
        .disable_signals()
        .keep_alive(KeepAlive::Disabled)
        .shutdown_timeout(SHUTDOWN)
        .listen(socket)
        .context("the port cannot be listened on")?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { server: handle, arrival: receiver })
    }

    /// The browser, when it comes.
    ///
    /// # Errors
    /// When it cannot come any more.
    pub(super) async fn next(&mut self) -> anyhow::Result<Arrival> {
        (&mut self.arrival).await.context("nobody waits for the browser any more")
    }

    /// Waits no longer, once the page is there.
    pub(super) async fn close(self) {
        self.server.stop(true).await;
    }
}

async fn receive(expected: Data<Expected>, Query(answer): Query<Answer>) -> HttpResponse {
    let state = answer.state.unwrap_or_default();
    // Anybody's page can send a browser here. Only who was asked knows the state.
    if !bool::from(state.as_bytes().ct_eq(expected.state.as_bytes())) {
        return page(400, "This is not the sign-in that was begun here", "Begin again at the command line.");
    }
    let outcome = match (answer.error, answer.code) {
        (Some(error), _) => Err(Refusal { error, description: answer.error_description }),
        (None, Some(code)) => Ok(AuthorizationCode::new(code)),
        (None, None) => return page(400, "There is no code in this address", "Begin again at the command line."),
    };
    let sender = expected.arrival.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(sender) = sender else {
        return page(410, "This sign-in is over", "Each code is good once. Begin again at the command line.");
    };
    let (shown, waiting) = oneshot::channel();
    drop(sender.send(Arrival { answer: outcome, issuer: answer.iss, page: Waiting(shown) }));
    match waiting.await {
        Ok(Page::Done { subject: Some(subject) }) => page(
            200,
            "You are signed in",
            &format!("As {subject}. The tokens are at the command line; close this page."),
        ),
        Ok(Page::Done { subject: None }) => {
            page(200, "Access was granted", "The tokens are at the command line; close this page.")
        }
        Ok(Page::Failed { reason }) => page(400, "That did not work", &reason),
        Err(_) => page(503, "That did not work", "The command line waits no longer. Begin again there."),
    }
}

fn page(status: u16, title: &str, text: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html(title, text))
}

/// Escaped: both may hold what a stranger said.
fn html(title: &str, text: &str) -> String {
    let mut environment = Environment::empty();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let rendered = environment.render_str(include_str!("callback.html"), context! { title, text });
    rendered.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_says_stays_text() {
        let shown = html("Title", "<script>alert(1)</script>");
        assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script"), "{shown}");
    }
}
