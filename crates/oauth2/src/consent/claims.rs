//! Which claims about a person a grant carries (OpenID Connect Core sections 5.4 and 5.5).

use serde_json::{Map, Value};

use crate::challenge::AuthorizationRequest;

/// Claims by the scope that asks for them.
const SCOPES: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// What is `known` about a person, as far as the granted scopes or the `claims` parameter ask for it.
pub(super) fn asked_for(
    request: &AuthorizationRequest,
    granted: &[String],
    known: &Map<String, Value>,
) -> Map<String, Value> {
    let by_scope = |name: &str| {
        SCOPES.iter().any(|(scope, claims)| claims.contains(&name) && granted.iter().any(|granted| granted == scope))
    };
    let by_name = |name: &str| {
        ["id_token", "userinfo"]
            .iter()
            .any(|place| request.claims.as_ref().and_then(|claims| claims.get(place)?.get(name)).is_some())
    };
    let asked = known.iter().filter(|(name, _)| by_scope(name) || by_name(name));
    asked.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::authorize::{Parameters, check, samples};

    #[test]
    fn scopes_and_the_claims_parameter_ask_and_nothing_else_is_told() {
        let known = json!({"email": "ada@example.org", "email_verified": true, "name": "Ada", "phone_number": "+1"});
        let known = known.as_object().expect("an object");
        let names = |claims: &str, granted: &[&str]| {
            let pairs = [
                ("client_id", "app"),
                ("response_type", "code"),
                ("state", "12345678"),
                ("claims", claims),
                ("redirect_uri", "https://app.example/callback"),
            ];
            let parameters = Parameters::new(pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))).expect("within bounds");
            let request = check(&parameters, &samples::client(), &samples::config()).expect("a good request");
            let granted: Vec<_> = granted.iter().map(|scope| (*scope).to_owned()).collect();
            asked_for(&request, &granted, known).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("", &["openid"]), [""; 0]);
        assert_eq!(names("", &["openid", "email"]), ["email", "email_verified"]);
        assert_eq!(names(r#"{"userinfo":{"name":null},"id_token":{"other":null}}"#, &["openid"]), ["name"]);
    }
}
