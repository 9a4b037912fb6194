//! `orrery oauth2 code`: a relying party for one sign-in.
//!
//! `openidconnect` reads the specifications independently of us: what it accepts, other clients accept.

mod callback;
mod exchange;
mod print;
mod provider;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, Scope};
use orrery_web::Listener;

use self::callback::{Arrival, Callback, Page};
use self::exchange::Begun;
use super::client::Caller;
use crate::cli::{CALLBACK, Code, OAuth2, OAuth2Action};

pub(super) async fn oauth2(arguments: OAuth2) -> anyhow::Result<()> {
    match arguments.action {
        OAuth2Action::Code(arguments) => code(&arguments).await,
    }
}

async fn code(arguments: &Code) -> anyhow::Result<()> {
    let caller = Caller::new(&arguments.server.endpoint, Listener::Public)?;
    let provider = provider::discover(&caller, &arguments.server.endpoint).await?;
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).with_context(|| {
        format!("nobody can be waited for on port {}; name another with --port, or 0 for any", arguments.port)
    })?;
    let redirect_uri = format!("http://127.0.0.1:{}{}", socket.local_addr()?.port(), CALLBACK);
    let client = provider::client(&provider, &arguments.oauth2, &redirect_uri)?;

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .set_pkce_challenge(challenge);
    let asked: Vec<_> = arguments.scope.iter().flat_map(|scopes| scopes.split_whitespace()).collect();
    for scope in &asked {
        request = request.add_scope(Scope::new((*scope).to_owned()));
    }
    for prompt in &arguments.prompt {
        request = request.add_prompt(CoreAuthPrompt::Extension(prompt.clone()));
    }
    if let Some(seconds) = arguments.max_age {
        request = request.set_max_age(Duration::from_secs(seconds.into()));
    }
    if !arguments.audience.is_empty() {
        request = request.add_extra_param("audience", arguments.audience.join(" "));
    }
    let (url, state, nonce) = request.url();

    let mut callback = Callback::listen(socket, &state)?;
    greet(url.as_str(), &redirect_uri);
    if !arguments.no_open {
        open(url.as_str());
    }
    let Arrival { answer, issuer, page } = callback.next().await?;
    let asked_for_openid = asked.contains(&"openid");
    let begun =
        Begun { client: &client, caller: &caller, verifier, nonce, asked_for_openid, max_age: arguments.max_age };
    let outcome = match answer {
        // RFC 9207: an answer of another server must not reach this one.
        Ok(_) if issuer.is_some_and(|issuer| issuer != provider.issuer().as_str()) => {
            Err(anyhow::anyhow!("the answer came from another server than was asked"))
        }
        Ok(code) => exchange::exchange(begun, code).await,
        Err(refusal) => Err(refusal.into()),
    };
    page.show(match &outcome {
        Ok(tokens) => Page::Done { subject: tokens.subject() },
        Err(why) => Page::Failed { reason: format!("{why:#}") },
    });
    callback.close().await;
    print::print(arguments.format, &outcome?)
}

#[expect(clippy::print_stderr, reason = "for the person who signs in; standard output is for the tokens")]
fn greet(url: &str, redirect_uri: &str) {
    eprintln!("Sign in at\n\n  {url}\n");
    eprintln!("Waiting at {redirect_uri} (Ctrl-C gives up) …");
}

/// Opens a browser where there is one. The address was printed, so that nothing is lost where there is none.
fn open(url: &str) {
    let (program, first) = match std::env::consts::OS {
        "macos" => ("open", None),
        "windows" => ("rundll32", Some("url.dll,FileProtocolHandler")),
        _ => ("xdg-open", None),
    };
    let mut command = tokio::process::Command::new(program);
    command.args(first).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(command.spawn());
}
