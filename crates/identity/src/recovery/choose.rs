//! Choosing where the code goes (`choose_recovery_address`): any name of the account, then one of its addresses, which
//! is shown masked and has to be typed in full unless it is the one that was typed already.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use orrery_core::secret::Purpose;
use serde_json::{Value, json};

use super::enter::enter;
use super::send::{Recipient, Sender};
use super::{Choice, Memory, Outcome};
use crate::credentials::code::CodeAddress;
use crate::flow::message::Message;
use crate::flow::steps::{again, invalid, required};
use crate::flow::{BrowserSecrets, Flow, FlowError, FlowState, Submission, Submitted, catalogue, one_time};
use crate::identity::{Identity, RecoveryAddress, Via};
use crate::schema::normalize::normalize;

/// The name that was typed first.
pub(super) const TYPED: &str = "recovery_address";
/// The masked address that was chosen.
pub(super) const SELECTED: &str = "recovery_select_address";
/// The address in full.
pub(super) const CONFIRMED: &str = "recovery_confirm_address";
/// Longest name that is looked up, in bytes.
const MAX_BYTES: usize = 320;

/// One step of this recovery.
pub(super) async fn submit(
    sender: Sender<'_>,
    flow: Flow,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Outcome>, FlowError> {
    let Sender { service, context, .. } = sender;
    let back = submitted.text("screen") == Some("previous");
    let text = |name: &str| submitted.text(name);
    match flow.state {
        FlowState::RecoveryAwaitingAddressChoice if !back => match text(SELECTED) {
            Some(name) => select(sender, flow, name).await,
            None => again(service, context, flow, vec![required(SELECTED)], None).await,
        },
        FlowState::RecoveryConfirmingAddress if !back => match text(CONFIRMED) {
            Some(typed) => confirm(sender, flow, typed).await,
            None => again(service, context, flow, vec![required(CONFIRMED)], None).await,
        },
        FlowState::RecoveryAwaitingCode if !back => match text("code") {
            Some(code) if text(CONFIRMED).is_none() => enter(sender, flow, code, browser).await,
            Some(_) | None => resend(sender, flow).await,
        },
        FlowState::RecoveryAwaitingAddressChoice
        | FlowState::RecoveryConfirmingAddress
        | FlowState::RecoveryAwaitingCode => previous(sender, flow).await,
        FlowState::RecoveryAwaitingAddress
        | FlowState::ChooseMethod
        | FlowState::SentEmail
        | FlowState::PassedChallenge
        | FlowState::ShowForm
        | FlowState::Success => match text(TYPED) {
            Some(typed) if typed.len() <= MAX_BYTES => ask(sender, flow, typed).await,
            Some(_) => again(service, context, flow, vec![invalid("This is too long to be an address.")], None).await,
            None => again(service, context, flow, vec![required(TYPED)], None).await,
        },
    }
}

/// Looks for the account. One address that is what was typed, or no account at all: a code is sent. Else: which one?
async fn ask(sender: Sender<'_>, mut flow: Flow, typed: &str) -> Result<Submitted<Outcome>, FlowError> {
    let Sender { service, context, .. } = sender;
    let (via, value) = recognise(typed);
    let spellings = std::collections::BTreeSet::from([value.clone(), typed.to_owned()]).into_iter().collect::<Vec<_>>();
    let found = service.flows.recoverable(context.project, &spellings).await?;
    flow.values.clear();
    flow.values.insert(TYPED.to_owned(), Value::from(typed));
    let mut memory = Memory { choices: Vec::new(), chosen: None, ..Memory::of(&flow) };
    let addresses = found.as_ref().map_or(&[][..], |identity| &identity.recovery_addresses);
    let several = match addresses {
        [] => None,
        [only] if only.value == value => None,
        several => Some(several),
    };
    let Some(several) = several else {
        memory.store(&mut flow);
        let owner = found.as_ref().filter(|_| !addresses.is_empty());
        return send(sender, flow, via, &value, owner).await;
    };
    memory.choices = several.iter().map(|address| choice(sender, &flow, address)).collect();
    memory.store(&mut flow);
    flow.identity_id = found.as_ref().map(|identity| identity.id);
    show(sender, flow, FlowState::RecoveryAwaitingAddressChoice, &catalogue::RECOVERY_CHOOSE.message()).await
}

/// One of the masked addresses. The one that was typed needs no second typing.
async fn select(sender: Sender<'_>, mut flow: Flow, name: &str) -> Result<Submitted<Outcome>, FlowError> {
    let mut memory = Memory::of(&flow);
    let Some(chosen) = memory.choices.iter().find(|choice| choice.name == name).cloned() else {
        let message = vec![invalid("This is none of the addresses to choose from.")];
        return again(sender.service, sender.context, flow, message, None).await;
    };
    let typed = flow.values.get(TYPED).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (via, value) = recognise(&typed);
    let is_typed = chosen.name == choice_name(sender, &flow, &value);
    memory.chosen = Some(chosen);
    memory.store(&mut flow);
    if is_typed {
        let owner = owner_of(sender, via, &value).await?;
        return send(sender, flow, via, &value, owner.as_ref()).await;
    }
    let told = catalogue::RECOVERY_CONFIRM_ADDRESS.message();
    show(sender, flow, FlowState::RecoveryConfirmingAddress, &told).await
}

/// The address in full. The answer is the same whether or not it is one of the account's.
async fn confirm(sender: Sender<'_>, flow: Flow, typed: &str) -> Result<Submitted<Outcome>, FlowError> {
    let (via, value) = recognise(typed);
    let owner = owner_of(sender, via, &value).await?;
    send(sender, flow, via, &value, owner.as_ref()).await
}

async fn resend(sender: Sender<'_>, flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let value = super::address(&flow).unwrap_or_default().to_owned();
    confirm(sender, flow, &value).await
}

async fn previous(sender: Sender<'_>, mut flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let mut memory = Memory::of(&flow);
    memory.chosen = None;
    memory.store(&mut flow);
    if memory.choices.is_empty() || flow.state == FlowState::RecoveryAwaitingAddressChoice {
        flow.state = FlowState::RecoveryAwaitingAddress;
        return again(sender.service, sender.context, flow, Vec::new(), None).await;
    }
    show(sender, flow, FlowState::RecoveryAwaitingAddressChoice, &catalogue::RECOVERY_CHOOSE.message()).await
}

async fn send(
    sender: Sender<'_>,
    mut flow: Flow,
    via: Via,
    value: &str,
    owner: Option<&Identity>,
) -> Result<Submitted<Outcome>, FlowError> {
    // Never looked at again when a code is sent: whose it is, is in the code.
    flow.values.insert(CONFIRMED.to_owned(), Value::from(value));
    let masked = one_time::mask(via, value);
    let told = catalogue::RECOVERY_CODE_SENT_MASKED.with([("masked_address", json!(masked))]);
    let to = Recipient { to: CodeAddress::new(via, value), owner };
    sender.send(flow, &to, FlowState::RecoveryAwaitingCode, told, Outcome::Shown).await
}

async fn show(
    sender: Sender<'_>,
    mut flow: Flow,
    state: FlowState,
    message: &Message,
) -> Result<Submitted<Outcome>, FlowError> {
    flow.state = state;
    flow.messages = vec![message.clone().on_form()];
    flow.updated_at = sender.context.now;
    sender.service.flows.flow_update(sender.context.project, &flow, None).await?;
    Ok(Submitted::Done(Box::new(Outcome::Shown(flow))))
}

/// Whose address this is. Another account than the one that was looked for gets its own code, as if it had been asked for.
async fn owner_of(sender: Sender<'_>, via: Via, value: &str) -> Result<Option<Identity>, FlowError> {
    Ok(sender.service.flows.recovery_address(sender.context.project, via, value).await?)
}

fn choice(sender: Sender<'_>, flow: &Flow, address: &RecoveryAddress) -> Choice {
    Choice {
        name: choice_name(sender, flow, &address.value),
        masked: one_time::mask(address.via, &address.value),
        via: address.via,
    }
}

/// Names an address to one flow. A plain hash would let anybody find the address by trying likely ones.
fn choice_name(sender: Sender<'_>, flow: &Flow, address: &str) -> String {
    let name = format!("recovery-address:{}:{address}", flow.id);
    STANDARD.encode(sender.service.keyring.hash(Purpose::OneTimeCode, &name).0)
}

/// As it is stored; what is neither mail address nor phone number may be a sign-in name.
fn recognise(typed: &str) -> (Via, String) {
    one_time::recognise(typed).unwrap_or_else(|| (Via::Email, normalize(typed)))
}
