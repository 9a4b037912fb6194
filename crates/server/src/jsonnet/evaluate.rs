//! The language itself.

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::InternedStr;
use rsjsonnet_lang::program::{
    Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError, NativeError, Program as Machine, Thunk,
    Value, ValueKind,
};
use rsjsonnet_lang::span::SpanId;
use serde_json::Map;

use super::{Job, Reply};

/// Longest text of a failure, in characters.
const LONGEST_FAILURE: usize = 1_000;

/// Runs a program to its value. Nothing here bounds time or memory.
pub(super) fn evaluate(job: &Job) -> Reply {
    match value(job) {
        Ok(text) => serde_json::from_str(&text)
            .map_or_else(|_| Reply::Failed("the value is nested too deeply".to_owned()), Reply::Value),
        Err(why) => Reply::Failed(why.chars().take(LONGEST_FAILURE).collect()),
    }
}

fn value(job: &Job) -> Result<String, String> {
    let arena = Arena::new();
    let mut machine = Machine::new(&arena);
    for (name, thunk) in given(&mut machine, &job.variables)? {
        machine.add_ext_var(name, &thunk);
    }
    let arguments = given(&mut machine, &job.arguments)?;
    let program = load(&mut machine, job.source.as_bytes(), "the program")?;
    let value = machine.eval_value(&program, &mut Closed).map_err(|error| told(&error))?;
    let value = if matches!(value.kind(), ValueKind::Function) {
        machine.eval_call(&program, &[], &arguments, &mut Closed).map_err(|error| told(&error))?
    } else {
        value
    };
    machine.manifest_json(&value, false).map_err(|error| told(&error))
}

/// Values under their names. JSON is Jsonnet.
fn given<'p>(
    machine: &mut Machine<'p>,
    values: &Map<String, serde_json::Value>,
) -> Result<Vec<(InternedStr<'p>, Thunk<'p>)>, String> {
    let mut given = Vec::new();
    for (name, value) in values {
        let thunk = load(machine, value.to_string().as_bytes(), "what the program is given")?;
        given.push((machine.intern_str(name), thunk));
    }
    Ok(given)
}

fn load<'p>(machine: &mut Machine<'p>, source: &[u8], name: &str) -> Result<Thunk<'p>, String> {
    let (context, _) = machine.span_manager_mut().insert_source_context(source.len());
    machine.load_source(context, source, true, name).map_err(|error| format!("{name} is not Jsonnet: {error:?}"))
}

fn told(error: &EvalError) -> String {
    if let EvalErrorKind::ExplicitError { message, .. } = &error.kind {
        return message.clone();
    }
    format!("{:?}", error.kind)
}

/// A program reaches nothing outside of itself.
struct Closed;

impl<'p> Callbacks<'p> for Closed {
    fn import(&mut self, _: &mut Machine<'p>, _: SpanId, _: &str) -> Result<Thunk<'p>, ImportError> {
        Err(ImportError)
    }

    fn import_str(&mut self, _: &mut Machine<'p>, _: SpanId, _: &str) -> Result<String, ImportError> {
        Err(ImportError)
    }

    fn import_bin(&mut self, _: &mut Machine<'p>, _: SpanId, _: &str) -> Result<Vec<u8>, ImportError> {
        Err(ImportError)
    }

    fn trace(&mut self, _: &mut Machine<'p>, _: &str, _: &[EvalStackTraceItem]) {}

    fn native_call(
        &mut self,
        _: &mut Machine<'p>,
        _: InternedStr<'p>,
        _: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(source: &str) -> Reply {
        let object = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
        let arguments = object(json!({"ctx": {"flow": {"id": "f"}, "identity": {"traits": {"email": "é\"\u{2028}"}}}}));
        evaluate(&Job { source: source.into(), arguments, variables: object(json!({"claims": {"sub": "s"}})) })
    }

    #[test]
    fn programs_are_functions_or_values() {
        let taken = run("function(ctx) {mail: ctx.identity.traits.email, [if 'x' in ctx then 'x']: 1}");
        assert_eq!(taken, Reply::Value(json!({"mail": "é\"\u{2028}"})));
        assert_eq!(run("{claims: std.extVar('claims')}"), Reply::Value(json!({"claims": {"sub": "s"}})));
        assert_eq!(run("local f(n) = if n == 0 then 0 else 1 + f(n - 1); f(20)"), Reply::Value(json!(20)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(run("function(ctx) error 'cancel'"), Reply::Failed("cancel".to_owned()));
        let long = "function(ctx) error std.repeat('x', 5000)";
        assert!(matches!(run(long), Reply::Failed(why) if why.len() == LONGEST_FAILURE));
        for source in [
            "{",
            "function(other) 1",
            "local f(x) = f(x); f(1)",
            "std.extVar('nothing')",
            "function(ctx) function(x) x",
        ] {
            assert!(matches!(run(source), Reply::Failed(_)), "{source}");
        }
    }

    #[test]
    fn nothing_outside_is_reached() {
        for source in
            ["import '/etc/passwd'", "importstr '/etc/passwd'", "importbin '/etc/passwd'", "std.native('x')()"]
        {
            assert!(matches!(run(source), Reply::Failed(_)), "{source}");
        }
    }
}
