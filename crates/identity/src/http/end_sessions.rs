//! Ending many sessions at once, or everybody's.

use actix_web::HttpResponse;
use actix_web::web::Data;
use orrery_core::id::IdentityId;
use orrery_web::{ApiError, Context, JsonBody, response};
use serde::Deserialize;
use serde_json::json;

use crate::IdentityService;
use crate::store::{SessionEnding, SessionSelection};

/// The most ids in one request.
const MAX_IDS: usize = 500;
/// So many of everybody's sessions are ended by one request, so that others can write in between.
const BATCH: u32 = 5000;
/// What stands for everybody.
const EVERYBODY: &str = "*";

/// The body: exactly one of the two lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    action: Action,
    #[serde(default)]
    identities: Option<Vec<String>>,
    #[serde(default)]
    sessions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Disable,
    Delete,
}

/// Disables or deletes sessions: these, those of these identities, or some of everybody's. The answer says how many, and
/// whether to ask again because there may be more.
pub(super) async fn end(
    service: Data<IdentityService>,
    context: Context,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<HttpResponse, ApiError> {
    let selection = asked.selection()?;
    let ending = match asked.action {
        Action::Disable => SessionEnding::Disable,
        Action::Delete => SessionEnding::Delete,
    };
    let processed = service.sessions.sessions_end(context.project, &selection, ending).await?;
    let more = matches!(selection, SessionSelection::Everybodys { at_most } if processed >= u64::from(at_most));
    response::ok(&json!({"processed": processed, "more": more}))
}

impl Asked {
    fn selection(&self) -> Result<SessionSelection, ApiError> {
        match (&self.identities, &self.sessions) {
            (Some(identities), None) if *identities == [EVERYBODY] => {
                Ok(SessionSelection::Everybodys { at_most: BATCH })
            }
            (Some(identities), None) => ids::<IdentityId>("identities", identities).map(SessionSelection::OfIdentities),
            (None, Some(sessions)) => ids("sessions", sessions).map(SessionSelection::Sessions),
            (Some(_), Some(_)) | (None, None) => {
                Err(ApiError::bad_request("Send exactly one of the members \"identities\" and \"sessions\"."))
            }
        }
    }
}

fn ids<T: std::str::FromStr>(member: &str, texts: &[String]) -> Result<Vec<T>, ApiError> {
    if texts.is_empty() || texts.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("The member \"{member}\" must have one to {MAX_IDS} ids.")));
    }
    let id = |text: &String| {
        text.parse().map_err(|_| {
            let everybody = if text == EVERYBODY { " \"*\" stands alone, and in \"identities\" only." } else { "" };
            ApiError::bad_request(format!("The member \"{member}\" has an item that is not a UUID.{everybody}"))
        })
    };
    texts.iter().map(id).collect()
}
