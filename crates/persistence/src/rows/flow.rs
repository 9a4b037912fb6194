//! Flows and the codes that were sent in them.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::{CodeId, FlowId, IdentityId, SessionId};
use orrery_identity::flow::{Flow, FlowKind, FlowMethod, FlowState, FlowType, PlacedMessage};
use orrery_identity::identity::Via;
use orrery_identity::session::Aal;
use orrery_identity::store::NewCode;
use serde_json::{Map, Value};

use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Failure;
use crate::schema::{flow_codes, flows};

/// A flow as an update writes it: everything but the count of submissions, which only a redemption changes.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = flows, primary_key(project_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct FlowRow {
    project_id: Uid<ProjectId>,
    id: Uid<FlowId>,
    kind: Word<FlowKind>,
    flow_type: Word<FlowType>,
    state: Word<FlowState>,
    active: Option<Word<FlowMethod>>,
    issued_at: At,
    expires_at: At,
    request_url: String,
    return_to: Option<String>,
    csrf: Option<Hash>,
    identity_id: Option<Uid<IdentityId>>,
    session_id: Option<Uid<SessionId>>,
    schema_id: Option<String>,
    requested_aal: Word<Aal>,
    refresh: bool,
    form: Document<Map<String, Value>>,
    messages: Document<Vec<PlacedMessage>>,
    transient_payload: Option<Document<Value>>,
    context: Document<Value>,
    completed_at: Option<At>,
    updated_at: At,
}

/// A flow as it is read and created.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = flows, treat_none_as_default_value = false)]
pub(crate) struct WholeFlowRow {
    #[diesel(embed)]
    flow: FlowRow,
    submissions: i32,
}

impl FlowRow {
    pub(crate) fn new(project: ProjectId, flow: &Flow) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(flow.id),
            kind: Word(flow.kind),
            flow_type: Word(flow.flow_type),
            state: Word(flow.state),
            active: flow.active.map(Word),
            issued_at: At(flow.issued_at),
            expires_at: At(flow.expires_at),
            request_url: flow.request_url.clone(),
            return_to: flow.return_to.clone(),
            csrf: flow.csrf.map(Hash),
            identity_id: flow.identity_id.map(Uid),
            session_id: flow.session_id.map(Uid),
            schema_id: flow.schema_id.clone(),
            requested_aal: Word(flow.requested_aal),
            refresh: flow.refresh,
            form: Document(flow.values.clone()),
            messages: Document(flow.messages.clone()),
            transient_payload: flow.transient_payload.clone().map(Document),
            context: Document(flow.context.clone()),
            completed_at: flow.completed_at.map(At),
            updated_at: At(flow.updated_at),
        }
    }
}

impl WholeFlowRow {
    pub(crate) fn new(project: ProjectId, flow: &Flow) -> Self {
        let submissions = i32::try_from(flow.submissions).unwrap_or(i32::MAX);
        Self { flow: FlowRow::new(project, flow), submissions }
    }

    pub(crate) fn into_flow(self) -> Result<Flow, Failure> {
        let submissions = u32::try_from(self.submissions).map_err(|_| Failure::Corrupt("flows.submissions"))?;
        let row = self.flow;
        Ok(Flow {
            id: row.id.0,
            kind: row.kind.0,
            flow_type: row.flow_type.0,
            state: row.state.0,
            active: row.active.map(|method| method.0),
            issued_at: row.issued_at.0,
            expires_at: row.expires_at.0,
            request_url: row.request_url,
            return_to: row.return_to,
            csrf: row.csrf.map(|hash| hash.0),
            identity_id: row.identity_id.map(|id| id.0),
            session_id: row.session_id.map(|id| id.0),
            schema_id: row.schema_id,
            requested_aal: row.requested_aal.0,
            refresh: row.refresh,
            values: row.form.0,
            messages: row.messages.0,
            transient_payload: row.transient_payload.map(|document| document.0),
            context: row.context.0,
            submissions,
            completed_at: row.completed_at.map(|at| at.0),
            updated_at: row.updated_at.0,
        })
    }
}

/// A code that was sent.
#[derive(Insertable)]
#[diesel(table_name = flow_codes, treat_none_as_default_value = false)]
pub(crate) struct CodeRow {
    project_id: Uid<ProjectId>,
    id: Uid<CodeId>,
    flow_id: Uid<FlowId>,
    code_hash: Hash,
    identity_id: Option<Uid<IdentityId>>,
    via: Option<Word<Via>>,
    address: Option<String>,
    created_at: At,
    expires_at: At,
}

impl CodeRow {
    pub(crate) fn new(project: ProjectId, code: &NewCode) -> Self {
        let (via, address) = code.address.clone().map(|(via, address)| (Word(via), address)).unzip();
        Self {
            project_id: Uid(project),
            id: Uid(code.id),
            flow_id: Uid(code.flow_id),
            code_hash: Hash(code.code),
            identity_id: code.identity.map(Uid),
            via,
            address,
            created_at: At(code.created_at),
            expires_at: At(code.expires_at),
        }
    }
}
