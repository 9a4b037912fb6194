//! The settings page: one tab for each group of nodes, as links, so that it needs no script.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use minijinja::value::Serde;
use orrery_web::Context;
use serde_json::Value;

use crate::frontend::FlowPage;
use crate::http::{Look, Visit};
use crate::page::Pages;
use crate::view::{Form, groups};

const BEGIN: &str = "/self-service/settings/browser";

/// `/ui/settings`. Without a flow in the address it begins one.
pub(crate) async fn show(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let Some(id) = visit.query("flow") else { return visit.redirect(BEGIN) };
    match pages.frontend.flow(&context, &request, FlowPage::Settings, &id).await {
        Ok(flow) => render(&visit, &id, &flow),
        Err(trouble) => visit.trouble(trouble, Some(BEGIN)),
    }
}

fn render(visit: &Visit<'_>, id: &str, flow: &Value) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let groups = groups(&flow["ui"]);
    let asked = visit.query("tab");
    // What was asked for, else what was changed last, else where a recovered account needs help first, else the first.
    let recovered = is_recovered(flow).then_some("password");
    let wanted = [asked.as_deref(), flow["active"].as_str(), recovered];
    let open = wanted.into_iter().flatten().find(|group| groups.contains(group)).or(groups.first().copied());
    let tabs: Vec<_> = groups
        .iter()
        .map(|group| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("flow", id)
                .append_pair("tab", group)
                .finish();
            let href = visit.url(&format!("/ui/settings?{query}"));
            context! { text => text(&format!("settings-tab-{group}")), href, current => open == Some(*group) }
        })
        .collect();
    let form = Form::of_group(&flow["ui"], &visit.pages.words(visit.language), open.unwrap_or("default"));
    let values = context! {
        title => text("settings-title"),
        section => open.map(|group| text(&format!("settings-tab-{group}"))),
        lead => open.map(|group| text(&format!("settings-lead-{group}"))),
        form => Serde(&form),
        tabs,
    };
    visit.page(StatusCode::OK, "settings.html", Look::Settings, values)
}

/// Whether a recovery led here.
fn is_recovered(flow: &Value) -> bool {
    flow["ui"]["messages"].as_array().is_some_and(|messages| messages.iter().any(|message| message["id"] == 1_060_001))
}
