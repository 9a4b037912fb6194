//! The document that names the sector of a client (OpenID Connect Core section 8.1).

use std::time::Duration;

use orrery_core::outbound::{OutboundClient, OutboundRequest, Trust};
use url::Url;

use super::wrong;
use crate::error::OAuth2Error;

/// The document is a short list.
const LARGEST: usize = 256 * 1024;
/// Whoever registers waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The document must be a JSON list that holds every redirect address. It is fetched through the guarded client,
/// because a caller chose its address.
pub(super) async fn check(
    outbound: &dyn OutboundClient,
    address: &str,
    redirect_uris: &[String],
) -> Result<(), OAuth2Error> {
    if !Url::parse(address).is_ok_and(|url| url.scheme() == "https" && url.has_host()) {
        return Err(wrong("The member sector_identifier_uri must be an https address."));
    }
    let request = OutboundRequest {
        method: "GET".to_owned(),
        url: address.to_owned(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
        trust: Trust::Caller,
        timeout: PATIENCE,
        max_response_bytes: LARGEST,
    };
    // One answer for all, because whoever asks may want to learn what is behind the address.
    let unreachable = || {
        wrong(
            "The document at sector_identifier_uri could not be fetched. It must be answered with 200, quickly and \
             without a redirect, at a public address.",
        )
    };
    let answer = outbound.send(request).await.ok().filter(|answer| answer.status == 200).ok_or_else(unreachable)?;
    let Ok(listed) = serde_json::from_slice::<Vec<String>>(&answer.body) else {
        return Err(wrong("The document at sector_identifier_uri is not a JSON list of addresses."));
    };
    if redirect_uris.iter().any(|uri| !listed.contains(uri)) {
        return Err(wrong("The document at sector_identifier_uri does not list every one of the redirect_uris."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use orrery_core::outbound::{OutboundError, OutboundResponse};

    use super::*;

    /// Answers every call alike.
    struct Answering(fn() -> Result<(u16, &'static str), OutboundError>);

    #[async_trait]
    impl OutboundClient for Answering {
        fn allows(&self, _: &str) -> bool {
            true
        }

        async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
            assert_eq!((request.trust, request.method.as_str()), (Trust::Caller, "GET"));
            let (status, body) = (self.0)()?;
            Ok(OutboundResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        }
    }

    async fn told(answer: fn() -> Result<(u16, &'static str), OutboundError>) -> Result<(), String> {
        let redirects = ["https://a.example/cb".to_owned(), "https://b.example/cb".to_owned()];
        let checked = check(&Answering(answer), "https://sector.example/list", &redirects).await;
        checked.map_err(|error| error.description.into_owned())
    }

    #[tokio::test]
    async fn the_document_lists_every_redirect_address() {
        let fine = || Ok((200, r#"["https://b.example/cb", "https://c.example/cb", "https://a.example/cb"]"#));
        assert_eq!(told(fine).await, Ok(()));
        let refused = [
            told(|| Ok((200, r#"["https://a.example/cb"]"#))).await,
            told(|| Ok((200, r#"{"redirect_uris": []}"#))).await,
        ];
        for refusal in refused {
            assert!(refusal.expect_err("refused").contains("sector_identifier_uri"));
        }
        let unreachable = [
            told(|| Ok((302, ""))).await,
            told(|| Err(OutboundError::Refused)).await,
            told(|| Err(OutboundError::Timeout)).await,
            told(|| Err(OutboundError::TooLarge)).await,
        ];
        assert!(unreachable.iter().all(|told| told.is_err() && *told == unreachable[0]), "nothing can be learned");
    }
}
