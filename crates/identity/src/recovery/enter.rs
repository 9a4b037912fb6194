//! Entering a code: the right one signs in and begins the settings flow, in one step.

use std::collections::BTreeSet;

use orrery_core::TokenHash;
use orrery_core::id::IdentityId;
use orrery_core::secret::Purpose;
use serde_json::json;

use super::send::Sender;
use super::submit::replaced;
use super::{Memory, Outcome, Recovered, address, begin_again};
use crate::config::Hook;
use crate::flow::steps::{again, invalid};
use crate::flow::{
    BrowserSecrets, Flow, FlowError, FlowMethod, FlowState, Origin, PlacedMessage, Submitted, catalogue, one_time,
};
use crate::hooks::{self, Caller, Changes};
use crate::identity::Identity;
use crate::limits::{Door, Entry};
use crate::session::{self, Aal, AuthenticationMethod, UsedMethod};
use crate::settings;
use crate::store::{Recovery, RecoveryDone};

/// Enters a code that somebody typed.
pub(super) async fn enter(
    sender: Sender<'_>,
    flow: Flow,
    code: &str,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Outcome>, FlowError> {
    let Sender { service, context, config } = sender;
    let (project, code) = (context.project, one_time::compact(code));
    let flow_id = flow.id.to_string();
    let door = Door::code(project, address(&flow).unwrap_or(&flow_id), &service.keyring);
    let lookup = || async {
        let attempts = service.attempts.attempts(project, door.counter()).await?;
        Ok::<_, FlowError>(((), attempts))
    };
    let pass = match service.doors.attempt(door, &config.limits, context.now, lookup).await? {
        Entry::Admitted(attempt) => attempt.pass,
        Entry::Refused { .. } => {
            let reason = "Too many wrong codes were entered for this address. Please try again later.";
            return again(service, context, flow, vec![invalid(reason)], None).await;
        }
    };
    let secret = if one_time::is_plausible(&code) { code.as_str() } else { "" };
    let mut attempt = prepare(sender, &flow, secret, browser, config.code.max_submissions);
    if let Some(messages) = attempt.consult(sender, &flow).await? {
        return again(service, context, flow, messages, None).await;
    }
    let csrf = browser.map(|browser| browser.present);
    match service.flows.recovery_complete(project, &attempt.done).await? {
        Recovery::Done => {
            if let Some(counter) = pass.counter_to_clear() {
                service.attempts.attempts_clear(project, counter).await?;
            }
            service.outbox.recorded(attempt.done.events.len());
            Ok(attempt.recovered())
        }
        Recovery::Wrong => {
            let mut flow = flow;
            flow.messages = vec![catalogue::RECOVERY_CODE_INVALID.message().on_form()];
            flow.updated_at = context.now;
            let failure = door.failure(&config.limits, context.now);
            service.flows.flow_update(project, &flow, Some(&failure)).await?;
            drop(pass);
            Ok(Submitted::Done(Box::new(Outcome::Shown(flow))))
        }
        Recovery::Inactive => {
            again(service, context, flow, vec![catalogue::IDENTITY_DISABLED.message().on_form()], None).await
        }
        Recovery::TooMany => {
            let why = catalogue::RECOVERY_CODE_INVALID.message().on_form();
            replaced(service, context, begin_again(service, context, config, &flow, csrf, why)).await
        }
        Recovery::FlowClosed => {
            let why = catalogue::RECOVERY_COMPLETED.message().on_form();
            replaced(service, context, begin_again(service, context, config, &flow, csrf, why)).await
        }
    }
}

/// Everything that the right code would lead to.
pub(super) struct Attempt {
    pub(super) done: RecoveryDone,
    session: session::Issued,
}

impl Attempt {
    /// Asks the hooks, if this is the right code; what they object is the value. Nothing is used up by that.
    pub(super) async fn consult(
        &mut self,
        sender: Sender<'_>,
        flow: &Flow,
    ) -> Result<Option<Vec<PlacedMessage>>, FlowError> {
        let Sender { service, context, config } = sender;
        let method = flow.active.unwrap_or(FlowMethod::Code);
        let hooks = hooks::After { caller: Caller { service, context, config }, flow: &self.done.flow, method };
        let Some(owner) = flow.identity_id.filter(|_| !hooks.is_empty()) else { return Ok(None) };
        let (project, now) = (context.project, context.now);
        if flow.submissions >= self.done.max_submissions
            || !service.flows.verification_code_fits(project, flow.id, &self.done.codes, now).await?
        {
            return Ok(None);
        }
        let found = service.identities.identity_by_id(project, owner, &BTreeSet::new()).await?;
        let Some(mut identity) = found.filter(Identity::is_active) else { return Ok(None) };
        let session = &self.session.session;
        if let Some(messages) = hooks.ask(&mut identity, Some(session), Changes::Ignored).await? {
            return Ok(Some(messages));
        }
        self.done.events = hooks.tell(&identity, Some(session)).await?;
        Ok(None)
    }

    /// It was the right one.
    pub(super) fn recovered(self) -> Submitted<Outcome> {
        let RecoveryDone { flow, settings, .. } = self.done;
        let skip_settings = Memory::of(&flow).skip_settings;
        let session = (self.session.session, self.session.token);
        let recovered = Recovered { flow, settings, session, skip_settings };
        Submitted::Done(Box::new(Outcome::Recovered(Box::new(recovered))))
    }
}

/// The session and the settings flow for whoever turns out to have the right code or token.
pub(super) fn prepare(
    sender: Sender<'_>,
    flow: &Flow,
    secret: &str,
    browser: Option<BrowserSecrets>,
    max_submissions: u32,
) -> Attempt {
    let Sender { service, context, config } = sender;
    let entropy = &*service.entropy;
    // Codes for addresses of nobody never match, so this one is never used.
    let identity = flow.identity_id.unwrap_or_else(|| IdentityId::generate(entropy));
    let method = match flow.active {
        Some(FlowMethod::Link) => AuthenticationMethod::LinkRecovery,
        Some(_) | None => AuthenticationMethod::CodeRecovery,
    };
    let method = UsedMethod::now(method, Aal::Aal1, context.now);
    let issued = session::issue(identity, method, &config.session, context, entropy);
    let csrf: Option<TokenHash> = browser.map(|browser| browser.next);
    let mut settings = settings::start::begin(config, Origin::of(flow, csrf), &issued.session, context.now, entropy);
    let until = issued.session.authenticated_at + config.settings.privileged_max_age;
    let told = catalogue::RECOVERY_DONE.with([
        ("privilegedSessionExpiresAt", json!(until)),
        ("privileged_session_expires_at", json!(until)),
        ("privileged_session_expires_at_unix", json!(until.as_seconds())),
    ]);
    settings.messages.push(told.on_form());
    let mut passed = flow.clone();
    passed.state = FlowState::PassedChallenge;
    passed.messages.clear();
    passed.identity_id = Some(identity);
    passed.session_id = Some(issued.session.id);
    passed.completed_at = Some(context.now);
    passed.updated_at = context.now;
    passed.values.clear();
    let hooks = config.recovery.after.hooks(flow.active.map_or("code", FlowMethod::as_str));
    let done = RecoveryDone {
        flow: passed,
        codes: service.keyring.candidates(Purpose::OneTimeCode, &one_time::name(flow, secret)).collect(),
        max_submissions,
        session: issued.write(&service.keyring),
        settings,
        revoke_others: hooks.contains(&Hook::RevokeActiveSessions),
        events: Vec::new(),
    };
    Attempt { done, session: issued }
}
