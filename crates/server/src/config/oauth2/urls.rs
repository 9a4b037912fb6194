//! `oauth2.urls`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::value::Opaque;

/// The issuer, and where browsers are sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Urls {
    /// The server's own addresses.
    #[serde(rename = "self")]
    pub own: Own,
    /// The login application. The built-in page when unset.
    pub login: Option<Url>,
    /// The registration application, for `prompt=create`. The built-in page when unset.
    pub registration: Option<Url>,
    /// The consent application. The built-in page when unset.
    pub consent: Option<Url>,
    /// The logout application. The built-in page when unset.
    pub logout: Option<Url>,
    /// The page that shows errors which no client may be told of. The built-in page when unset.
    pub error: Option<Url>,
    /// Where a browser lands after a logout that names nothing else. The built-in page when unset.
    pub post_logout_redirect: Option<Url>,
    /// Pages for approving devices.
    pub device: DeviceUrls,
    /// Hydra: the Kratos whose sessions end with a logout. Here it is the same server.
    pub identity_provider: Option<Opaque>,
}

/// The server's own addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Own {
    /// The issuer, exactly as clients and tokens shall name it. The public address without its final slash when unset.
    pub issuer: Option<String>,
    /// The address below which clients reach the endpoints. The issuer when unset, else `serve.public.base_url`.
    pub public: Option<Url>,
    /// The address of the admin listener. `serve.admin.base_url` when unset.
    pub admin: Option<Url>,
}

/// Pages for approving devices.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceUrls {
    /// Where a user code is entered. The built-in page when unset.
    pub verification: Option<Url>,
    /// Where a browser lands afterwards. The built-in page when unset.
    pub success: Option<Url>,
}
