//! Consent: whether somebody has to be asked, and what comes of the answer.

mod claims;
mod decide;
mod issue;
mod need;

pub(crate) use claims::scopes_of;
pub use decide::{AcceptConsent, ConsentRequest, accept, read, read_for_browser, reject};
pub use issue::{Issued, LONGEST, Terms, issue};
pub use need::{Need, depends_on_history, need};
