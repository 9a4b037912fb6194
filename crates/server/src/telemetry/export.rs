//! Traces leave by OTLP over HTTP, through the one outbound client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use orrery_core::outbound::{OutboundClient, OutboundRequest, Trust};
use tokio::runtime::Handle;

use crate::config::operations::Tracing;

/// A collector that takes longer is given up.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Collectors answer with a few bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The exporter of a configuration; none when no collector is named.
pub(super) fn provider(
    config: &Tracing,
    outbound: Arc<dyn OutboundClient>,
) -> anyhow::Result<Option<SdkTracerProvider>> {
    let Some(endpoint) = &config.endpoint else { return Ok(None) };
    let traces = endpoint.expose().join("v1/traces").context("tracing.endpoint cannot be a base URL")?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client { outbound, runtime: Handle::current() })
        .with_endpoint(traces.as_str())
        .with_timeout(TIMEOUT)
        .build()
        .context("the exporter of traces cannot be built")?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sampling_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(config.service_name.clone()).build())
        .build();
    Ok(Some(provider))
}

/// The exporter runs on a thread of its own, outside the runtime that network calls need.
struct Client {
    outbound: Arc<dyn OutboundClient>,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let headers = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let call = OutboundRequest {
            method: parts.method.to_string(),
            url: parts.uri.to_string(),
            headers,
            body: body.to_vec(),
            trust: Trust::Operator,
            timeout: TIMEOUT,
            max_response_bytes: MAX_ANSWER,
        };
        let outbound = Arc::clone(&self.outbound);
        let answer = self.runtime.spawn(async move { outbound.send(call).await }).await??;
        Ok(Response::builder().status(answer.status).body(Bytes::from(answer.body))?)
    }
}
