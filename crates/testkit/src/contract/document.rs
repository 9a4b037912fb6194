//! One OpenAPI document: its operations and the schemas of their answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::schema;

/// Paths of the OAuth2 server, whose errors are flat whatever the contracts say.
const FLAT: [&str; 5] = ["/admin/clients", "/admin/oauth2/", "/admin/trust/", "/oauth2/", "/userinfo"];

/// Statuses that the edge answers by itself: no token, no such path, no such method, too large.
const EDGE: &[u16] = &[401, 404, 405, 413];

/// An OpenAPI document from `docs/api`.
#[derive(Debug)]
pub struct Contract {
    /// The file's name without its ending.
    pub name: &'static str,
    operations: Vec<Operation>,
    schemas: Map<String, Value>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One method of one path.
#[derive(Debug)]
pub struct Operation {
    /// `operationId`.
    pub id: String,
    /// Upper-case HTTP method.
    pub method: String,
    /// The path with its `{parameters}`.
    pub path: String,
    responses: Map<String, Value>,
}

impl Contract {
    /// Reads `docs/api/<name>.openapi.json`.
    pub(super) fn read(name: &'static str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api").join(format!("{name}.openapi.json"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let operations = operations(&document);
        let mut schemas = object(&document["components"]["schemas"]);
        schemas.values_mut().for_each(schema::to_json_schema);
        schema::follow_the_wire(&mut schemas);
        Self { name, operations, schemas, validators: Mutex::default() }
    }

    /// Every operation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation of a concrete path, without its query. A path that the contract writes out belongs to no pattern,
    /// whatever the method: `DELETE /sessions/whoami` is not `DELETE /sessions/{id}`.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let fitting = || self.operations.iter().filter(|operation| operation.fits(path));
        let written = fitting().map(|operation| operation.path.matches('{').count()).min()?;
        fitting().find(|operation| operation.method == method && operation.path.matches('{').count() == written)
    }

    /// What is wrong with an answer; empty when it keeps the contract.
    pub fn problems(&self, operation: &Operation, status: u16, body: Option<&Value>) -> Vec<String> {
        let answers = |status: u16| operation.responses.get(&status.to_string());
        // The products answer with 302 where a contract says 303, or the other way around, and so do we.
        let documented = answers(status).or_else(|| match status {
            302 => answers(303),
            303 => answers(302),
            _ => None,
        });
        if documented.is_none() && status < 400 {
            return vec![format!("the contract has no status {status} here")];
        }
        let promised = documented.and_then(content);
        match (promised, body) {
            (None, None) => Vec::new(),
            // The edge refuses before it is known whose operation it would have been.
            (None, Some(body)) if EDGE.contains(&status) && self.judge(&any_error(), body).is_empty() => Vec::new(),
            // Kratos shows the flow that has to be corrected, and its contract does not mention it.
            (None, Some(body)) if status == 422 && operation.id == "exchangeSessionToken" => {
                let flow = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
                self.judge(&json!({"anyOf": [flow("loginFlow"), flow("registrationFlow")]}), body)
            }
            (None, Some(body)) if status >= 400 => self.judge(&operation.failure(), body),
            (None, Some(_)) => vec![format!("the contract promises no body with status {status}")],
            (Some(_), None) => vec![format!("the contract promises a body with status {status}")],
            // A submit answers 400 with the flow, or with an error when there is no flow to show.
            (Some(_), Some(body)) if status == 400 && body.get("error").is_some() => {
                self.judge(&operation.failure(), body)
            }
            (Some(schema), Some(body)) => {
                let mut schema = schema.clone();
                schema::to_json_schema(&mut schema);
                self.judge(&schema, body)
            }
        }
    }

    fn judge(&self, schema: &Value, body: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator.iter_errors(body).map(|error| format!("  at {}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let key = schema.to_string();
        let mut validators = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let build = || {
            let root = json!({"components": {"schemas": self.schemas}, "allOf": [schema]});
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            Arc::new(options.build(&root).unwrap_or_else(|error| panic!("{}: {error}", self.name)))
        };
        Arc::clone(validators.entry(key).or_insert_with(build))
    }
}

impl Operation {
    /// What a failure looks like that the contract does not list: the flat error where the operation promises that
    /// one or belongs to the OAuth2 server, else the usual envelope.
    fn failure(&self) -> Value {
        if FLAT.iter().any(|prefix| self.path.starts_with(prefix)) {
            return json!({"$ref": schema::FLAT_ERROR});
        }
        let flat = |schema: &&Value| {
            let name = schema["$ref"].as_str().unwrap_or_default();
            name.ends_with("/errorOAuth2") || name.ends_with("/oAuth2ApiError")
        };
        self.responses.get("default").and_then(content).filter(flat).cloned().unwrap_or_else(any_error)
    }

    fn fits(&self, path: &str) -> bool {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                (_, _) => return false,
            }
        }
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in &object(&document["paths"]) {
        for (method, operation) in &object(methods) {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let mut responses = object(&operation["responses"]);
            for response in responses.values_mut() {
                if let Some(reference) = response["$ref"].as_str() {
                    let name = reference.rsplit('/').next().unwrap_or_default();
                    *response = document["components"]["responses"][name].clone();
                }
            }
            let method = method.to_uppercase();
            operations.push(Operation { id: id.into(), method, path: path.clone(), responses });
        }
    }
    operations
}

fn any_error() -> Value {
    json!({"$ref": schema::ANY_ERROR})
}

/// The schema of a response that has a JSON body.
fn content(response: &Value) -> Option<&Value> {
    response.pointer("/content/application~1json/schema")
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
