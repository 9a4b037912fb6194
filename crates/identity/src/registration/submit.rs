//! Submitting a registration: which step does it ask for?

use orrery_core::{RequestContext, TokenHash};
use serde_json::Value;

use super::{Memory, Registered, Registering, Screen, code, password, profile, typed};
use crate::IdentityService;
use crate::config::{CodeSignIn, RegistrationStyle};
use crate::flow::steps::{again, succeed};
use crate::flow::{
    Asked, BrowserSecrets, Flow, FlowError, FlowMethod, FlowState, Open, PlacedMessage, Submission, Submitted,
    catalogue, traits,
};

/// Submits a registration whose sender was found to be the one who began it. `browser` is who it is,
/// unless it is a native client.
///
/// # Errors
/// What the flow itself cannot say; see [`FlowError`].
pub async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    open: Open,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Registered>, FlowError> {
    let Open { mut flow, current, .. } = open;
    let config = service.config.load();
    if current.is_some() {
        return Err(FlowError::SessionAvailable);
    }
    if flow.is_expired(context.now) {
        return expired(service, context, flow, browser.map(|browser| browser.present)).await;
    }
    if !flow.reopen(&catalogue::REGISTRATION_COMPLETED) {
        return Ok(Submitted::Again(Box::new(flow)));
    }
    let schemas = service.schemas.load();
    let schema = flow.schema_id.as_deref().and_then(|id| schemas.get(id)).ok_or(FlowError::UnknownSchema)?;
    // A page without traits goes on with those of the page before.
    let traits = match traits::submitted(schema, submitted) {
        Ok(traits) => traits.unwrap_or_else(|| typed(&flow)),
        Err(message) => return again(service, context, flow, vec![message], None).await,
    };
    flow.transient_payload = submitted.transient_payload();
    let registering = Registering { service, context, config: &config, submitted, browser };
    let step = step(submitted, config.registration.style);
    if let Step::Method(FlowMethod::Code) = step
        && config.code.sign_in == CodeSignIn::FirstFactor
    {
        return code::submit(registering, flow, schema, traits).await;
    }
    // Whoever asked for a code and thinks better of it begins anew.
    flow.state = FlowState::ChooseMethod;
    flow.values.insert("traits".to_owned(), Value::Object(traits.clone()));
    match step {
        Step::Back => profile::back(registering, flow).await,
        Step::Profile => profile::submit(registering, flow, schema, traits).await,
        Step::Method(FlowMethod::Password) if config.password.enabled => {
            password::submit(registering, flow, schema, traits).await
        }
        Step::Method(method) => Err(FlowError::MethodDisabled(method)),
        Step::Nothing => {
            again(service, context, flow, vec![catalogue::REGISTRATION_NO_METHOD.message().on_form()], None).await
        }
    }
}

/// What a submit asks for.
enum Step {
    /// The first of two pages again.
    Back,
    /// The second of two pages.
    Profile,
    /// An account with this credential.
    Method(FlowMethod),
    /// Nothing that this knows.
    Nothing,
}

fn step(submitted: &Submission, style: RegistrationStyle) -> Step {
    if style == RegistrationStyle::ProfileFirst {
        // `profile:back` is how clients said it before there were screens.
        match (submitted.text("screen"), submitted.text("method")) {
            (Some("previous"), _) | (_, Some("profile:back")) => return Step::Back,
            (Some("credential-selection"), None | Some("profile" | "code")) => return Step::Profile,
            (Some(_) | None, _) => {}
        }
    }
    match (submitted.asked(), style) {
        (Asked::Method(FlowMethod::Profile), RegistrationStyle::ProfileFirst) => Step::Profile,
        (Asked::Method(FlowMethod::Profile), RegistrationStyle::Unified) | (Asked::Nothing | Asked::Identifier, _) => {
            Step::Nothing
        }
        (Asked::Method(method), _) => Step::Method(method),
    }
}

/// Back on the first page, the password's messages would have no field to stand at.
pub(super) fn show(flow: &mut Flow, screen: Screen, messages: &mut Vec<PlacedMessage>) {
    let memory = Memory { screen, sent: None, ..Memory::of(flow) };
    flow.state = FlowState::ChooseMethod;
    if screen == Screen::Profile {
        messages.retain(|placed| placed.node.as_deref() != Some("password"));
    }
    memory.store(flow);
}

async fn expired(
    service: &IdentityService,
    context: &RequestContext,
    expired: Flow,
    csrf: Option<TokenHash>,
) -> Result<Submitted<Registered>, FlowError> {
    let lifespan = service.config.load().lifespans.registration;
    let notice = &catalogue::REGISTRATION_EXPIRED;
    let mut fresh = expired.successor(csrf, lifespan, notice, context.now, &*service.entropy);
    Memory { screen: Screen::Profile, sent: None, ..Memory::of(&expired) }.store(&mut fresh);
    succeed(service, context, expired, fresh).await
}
