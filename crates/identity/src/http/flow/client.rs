//! Who gets the answer: an app, a page's script, or a browser that navigates.

use actix_web::HttpRequest;
use orrery_web::negotiate::{Preferred, preferred, wants_json};

use crate::flow::FlowType;

/// Who gets the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A native app.
    Api,
    /// A page's script.
    Script,
    /// A browser that navigates.
    Browser,
}

impl Client {
    /// Who begins a flow: the path says which type, `Accept` whether a script asks.
    #[must_use]
    pub fn of_init(request: &HttpRequest, flow_type: FlowType) -> Self {
        match (flow_type, preferred(request)) {
            (FlowType::Api, _) => Self::Api,
            (FlowType::Browser, Preferred::Json) => Self::Script,
            (FlowType::Browser, Preferred::Html) => Self::Browser,
        }
    }

    /// The type of the flows that it begins.
    #[must_use]
    pub const fn flow_type(self) -> FlowType {
        match self {
            Self::Api => FlowType::Api,
            Self::Script | Self::Browser => FlowType::Browser,
        }
    }

    /// Who submits a flow.
    #[must_use]
    pub fn of_submit(request: &HttpRequest, flow_type: FlowType) -> Self {
        match (flow_type, wants_json(request)) {
            (FlowType::Api, _) => Self::Api,
            (FlowType::Browser, true) => Self::Script,
            (FlowType::Browser, false) => Self::Browser,
        }
    }
}
