//! The authorization endpoint, its challenges, sessions and logout.

mod attacks;
mod budget;
mod built_in;
mod credentials;
mod device;
mod device_pages;
mod ended;
mod errors;
mod external;
mod hybrid;
mod levels;
mod logout;
mod outage;
mod pairwise;
mod pushed;
mod relying_party;
mod request_objects;
mod sessions;
mod stateless;
mod token_hooks;
mod tokens;
pub(crate) mod world;
