//! Which claims about a person a grant carries (OpenID Connect Core sections 5.4 and 5.5).

use serde_json::{Map, Value};

use crate::challenge::AuthorizationRequest;
use crate::grant::SessionClaims;

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

/// The scopes that ask for any of these claims.
pub(crate) fn scopes_of(claims: &[&'static str]) -> impl Iterator<Item = &'static str> {
    SCOPES.iter().filter(|(_, asked)| asked.iter().any(|name| claims.contains(name))).map(|(scope, _)| *scope)
}

/// Adds what is `known` about a person to what an application says of them, as far as the granted scopes or the `claims`
/// parameter ask for it; what that asks for in userinfo goes there alone. What the application says counts.
pub(super) fn add(
    session: &mut SessionClaims,
    request: &AuthorizationRequest,
    granted: &[String],
    known: &Map<String, Value>,
) {
    let by_scope = |name: &str| {
        SCOPES.iter().any(|(scope, claims)| claims.contains(&name) && granted.iter().any(|granted| granted == scope))
    };
    let by_name =
        |name: &str, place: &str| request.claims.as_ref().and_then(|claims| claims.get(place)?.get(name)).is_some();
    for (name, value) in known {
        let place = if by_scope(name) || by_name(name, "id_token") {
            &mut session.id_token
        } else if by_name(name, "userinfo") {
            &mut session.userinfo
        } else {
            continue;
        };
        place.entry(name.clone()).or_insert_with(|| value.clone());
    }
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
        let names = |claims: &str, granted: &[&str]| -> [Vec<String>; 2] {
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
            let mut session = SessionClaims::default();
            add(&mut session, &request, &granted, known);
            [session.id_token, session.userinfo].map(|claims| claims.into_iter().map(|(name, _)| name).collect())
        };
        let none: [&str; 0] = [];
        assert_eq!(names("", &["openid"]), [none, none]);
        assert_eq!(names("", &["openid", "email"]), [&["email", "email_verified"][..], &none]);
        let claims = r#"{"userinfo":{"name":null,"phone_number":null},"id_token":{"other":null,"phone_number":null}}"#;
        assert_eq!(names(claims, &["openid"]), [["phone_number"], ["name"]]);
        let claims = r#"{"userinfo":{"email":null}}"#;
        assert_eq!(
            names(claims, &["openid", "email"]),
            [&["email", "email_verified"][..], &none],
            "the scope asks too"
        );
    }

    #[test]
    fn an_application_has_the_last_word() {
        let mut session = SessionClaims::default();
        session.id_token.insert("email".to_owned(), json!("countess@example.org"));
        let granted = ["openid".to_owned(), "email".to_owned()];
        let known = Map::from_iter([("email".to_owned(), json!("ada@example.org"))]);
        let pairs = [
            ("client_id", "app"),
            ("response_type", "code"),
            ("state", "12345678"),
            ("redirect_uri", "https://app.example/callback"),
        ];
        let parameters = Parameters::new(pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))).expect("within bounds");
        let request = check(&parameters, &samples::client(), &samples::config()).expect("a good request");
        add(&mut session, &request, &granted, &known);
        assert_eq!(session.of_userinfo()["email"], "countess@example.org");
    }
}
