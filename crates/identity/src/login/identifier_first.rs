//! Asking for the identifier alone, then for the credential.
//!
//! The second page offers whatever is switched on, whoever it is: what an account has would tell that it exists.

use serde_json::Value;

use super::code::{self, IDENTIFIER};
use super::{Login, Memory, Outcome, Screen, password};
use crate::flow::steps::{again, required};
use crate::flow::{Flow, FlowError, FlowState, Submitted};

/// Goes to the second page, or on to the code where nothing else signs in.
pub(super) async fn submit(login: Login<'_>, mut flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let (service, context, config) = (login.service, login.context, login.config);
    // No client knows this word as a method.
    flow.active = None;
    flow.state = FlowState::ChooseMethod;
    let Some(typed) = password::identifier(login.submitted) else {
        return again(service, context, flow, vec![required(IDENTIFIER)], None).await;
    };
    let memory = Memory { screen: Screen::Credentials, sent: None, ..Memory::of(&flow) };
    if memory.offers_code(&flow, config) && !memory.offers_password(&flow, config) {
        return code::send(&login, flow, Some(typed)).await;
    }
    if typed.len() <= super::submit::MAX_IDENTIFIER {
        flow.values.insert(IDENTIFIER.to_owned(), Value::from(typed));
    }
    memory.store(&mut flow);
    again(service, context, flow, Vec::new(), None).await
}
