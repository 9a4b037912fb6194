//! The functions that translated templates may call: Go's own and the basics of sprig, with sprig's order of
//! arguments. Nothing here reads a clock, draws randomness or touches the system.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior, Value, escape_formatter};

/// No function returns more text than this many bytes.
const MAX_TEXT: usize = 64 * 1024;

type Function = fn(&[Value]) -> Result<Value, Error>;

const ANY: usize = 64;

/// Name, number of arguments, implementation.
const FUNCTIONS: &[(&str, RangeInclusive<usize>, Function)] = &[
    // text/template
    ("and", 1..=ANY, |args| Ok(args.iter().find(|arg| !arg.is_true()).or(args.last()).cloned().unwrap_or_default())),
    ("or", 1..=ANY, |args| Ok(args.iter().find(|arg| arg.is_true()).or(args.last()).cloned().unwrap_or_default())),
    ("not", 1..=1, |args| Ok(Value::from(!args[0].is_true()))),
    ("eq", 2..=ANY, |args| Ok(Value::from(args[1..].contains(&args[0])))),
    ("ne", 2..=2, |args| Ok(Value::from(args[0] != args[1]))),
    ("lt", 2..=2, |args| compare(args, &[Ordering::Less])),
    ("le", 2..=2, |args| compare(args, &[Ordering::Less, Ordering::Equal])),
    ("gt", 2..=2, |args| compare(args, &[Ordering::Greater])),
    ("ge", 2..=2, |args| compare(args, &[Ordering::Greater, Ordering::Equal])),
    ("len", 1..=1, |args| {
        Ok(Value::from(match args[0].as_str() {
            Some(text) => text.len(),
            None => args[0].len().unwrap_or(0),
        }))
    }),
    ("index", 2..=ANY, |args| {
        args[1..].iter().try_fold(args[0].clone(), |value, key| Ok(value.get_item(key).unwrap_or_default()))
    }),
    ("print", 0..=ANY, |args| bounded(args.iter().map(text).collect())),
    ("println", 0..=ANY, |args| bounded(args.iter().map(text).collect::<Vec<_>>().join(" ") + "\n")),
    ("printf", 1..=ANY, |args| printf(&text(&args[0]), &args[1..])),
    ("html", 1..=1, |args| Ok(Value::from_safe_string(HtmlEscape(&text(&args[0])).to_string()))),
    ("urlquery", 1..=1, |args| bounded(url::form_urlencoded::byte_serialize(text(&args[0]).as_bytes()).collect())),
    // sprig: strings
    ("upper", 1..=1, |args| bounded(text(&args[0]).to_uppercase())),
    ("lower", 1..=1, |args| bounded(text(&args[0]).to_lowercase())),
    ("title", 1..=1, |args| bounded(title(&text(&args[0])))),
    ("trim", 1..=1, |args| bounded(text(&args[0]).trim().to_owned())),
    ("trimAll", 2..=2, |args| {
        let cut: Vec<char> = text(&args[0]).chars().collect();
        bounded(text(&args[1]).trim_matches(cut.as_slice()).to_owned())
    }),
    ("trimPrefix", 2..=2, |args| {
        let (affix, whole) = (text(&args[0]), text(&args[1]));
        bounded(whole.strip_prefix(&affix).unwrap_or(&whole).to_owned())
    }),
    ("trimSuffix", 2..=2, |args| {
        let (affix, whole) = (text(&args[0]), text(&args[1]));
        bounded(whole.strip_suffix(&affix).unwrap_or(&whole).to_owned())
    }),
    ("trunc", 2..=2, |args| {
        let length = args[0].as_usize().ok_or_else(|| wrong("trunc needs a length of zero or more"))?;
        bounded(text(&args[1]).chars().take(length).collect())
    }),
    ("nospace", 1..=1, |args| bounded(text(&args[0]).split_whitespace().collect())),
    ("replace", 3..=3, |args| {
        let (old, new, whole) = (text(&args[0]), text(&args[1]), text(&args[2]));
        // Each replacement can only grow the text by `new`, so the product bounds the result before it is made.
        if whole.len().saturating_add((whole.matches(&old).count()).saturating_mul(new.len())) > MAX_TEXT {
            return Err(wrong("the text is too long"));
        }
        Ok(Value::from(whole.replace(&old, &new)))
    }),
    ("contains", 2..=2, |args| Ok(Value::from(text(&args[1]).contains(&text(&args[0]))))),
    ("hasPrefix", 2..=2, |args| Ok(Value::from(text(&args[1]).starts_with(&text(&args[0]))))),
    ("hasSuffix", 2..=2, |args| Ok(Value::from(text(&args[1]).ends_with(&text(&args[0]))))),
    ("quote", 1..=1, |args| bounded(format!("{:?}", text(&args[0])))),
    ("squote", 1..=1, |args| bounded(format!("'{}'", text(&args[0])))),
    ("toString", 1..=1, |args| bounded(text(&args[0]))),
    // sprig: defaults
    ("default", 1..=2, |args| Ok(args.get(1).filter(|value| value.is_true()).unwrap_or(&args[0]).clone())),
    ("empty", 1..=1, |args| Ok(Value::from(!args[0].is_true()))),
    ("coalesce", 0..=ANY, |args| Ok(args.iter().find(|arg| arg.is_true()).cloned().unwrap_or(Value::from(())))),
    ("ternary", 3..=3, |args| Ok(args[if args[2].is_true() { 0 } else { 1 }].clone())),
    // sprig: lists, dictionaries, numbers
    ("list", 0..=ANY, |args| Ok(Value::from(args.to_vec()))),
    ("first", 1..=1, |args| Ok(args[0].try_iter()?.next().unwrap_or(Value::from(())))),
    ("last", 1..=1, |args| Ok(args[0].try_iter()?.last().unwrap_or(Value::from(())))),
    ("join", 2..=2, |args| {
        let items: Vec<String> = args[1].try_iter()?.map(|item| text(&item)).collect();
        bounded(items.join(&text(&args[0])))
    }),
    ("get", 2..=2, |args| Ok(args[0].get_item(&args[1]).unwrap_or_default())),
    ("hasKey", 2..=2, |args| Ok(Value::from(args[0].get_item(&args[1]).is_ok_and(|value| !value.is_undefined())))),
    ("add", 1..=ANY, |args| {
        let mut sum = 0_i64;
        for arg in args {
            sum = sum.saturating_add(integer(arg)?);
        }
        Ok(Value::from(sum))
    }),
    ("sub", 2..=2, |args| Ok(Value::from(integer(&args[0])?.saturating_sub(integer(&args[1])?)))),
    ("int", 1..=1, |args| Ok(Value::from(integer(&args[0]).unwrap_or(0)))),
];

/// How many arguments a function takes; none for an unknown function.
pub(super) fn arity(name: &str) -> Option<&'static RangeInclusive<usize>> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, arity, _)| arity)
}

/// The names of all functions.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// Gives an environment the functions and the habits of Go: absent values are empty, booleans are lower case,
/// the last line break stays.
pub(crate) fn prepare(environment: &mut Environment<'static>) -> Result<(), Error> {
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    environment.set_formatter(|out, state, value| {
        if matches!(value.kind(), ValueKind::Bool | ValueKind::None) {
            return escape_formatter(out, state, &Value::from(text(value)));
        }
        escape_formatter(out, state, value)
    });
    for (name, _, function) in FUNCTIONS {
        environment.add_function(format!("go_{name}"), move |args: Rest<Value>| function(&args));
    }
    environment.add_function("go_pairs", pairs);
    Ok(())
}

/// What `range` walks over: index and element of a list, key and value of a map in the order of its keys.
fn pairs(value: Value) -> Result<Value, Error> {
    let kind = value.kind();
    if matches!(kind, ValueKind::Undefined | ValueKind::None) {
        return Ok(Value::from(Vec::<Value>::new()));
    }
    if kind == ValueKind::Map {
        let mut keys: Vec<Value> = value.try_iter()?.collect();
        keys.sort();
        let pairs = keys.into_iter().map(|key| {
            let element = value.get_item(&key)?;
            Ok(Value::from(vec![key, element]))
        });
        return Ok(Value::from(pairs.collect::<Result<Vec<_>, Error>>()?));
    }
    if matches!(kind, ValueKind::Seq | ValueKind::Iterable) {
        let pairs =
            value.try_iter()?.enumerate().map(|(index, element)| Value::from(vec![Value::from(index), element]));
        return Ok(Value::from(pairs.collect::<Vec<_>>()));
    }
    Err(wrong("range needs a list or a map"))
}

/// A value as Go prints it, but what is absent is empty.
fn text(value: &Value) -> String {
    if value.is_undefined() || value.is_none() {
        String::new()
    } else if value.kind() == ValueKind::Bool {
        value.is_true().to_string()
    } else {
        value.to_string()
    }
}

fn bounded(text: String) -> Result<Value, Error> {
    if text.len() > MAX_TEXT { Err(wrong("the text is too long")) } else { Ok(Value::from(text)) }
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

fn integer(value: &Value) -> Result<i64, Error> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(|| wrong("a whole number is needed"))
}

fn compare(args: &[Value], wanted: &[Ordering]) -> Result<Value, Error> {
    let comparable = args[0].is_number() && args[1].is_number() || args[0].kind() == args[1].kind();
    if !comparable {
        return Err(wrong("only values of the same kind can be compared"));
    }
    Ok(Value::from(wanted.contains(&args[0].cmp(&args[1]))))
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if start {
            out.extend(character.to_uppercase())
        } else {
            out.push(character)
        }
        start = character.is_whitespace();
    }
    out
}

/// `%s`, `%v`, `%d`, `%q` and `%%`; widths and the rest are not supported.
fn printf(format: &str, args: &[Value]) -> Result<Value, Error> {
    let mut args = args.iter();
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(character) = chars.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let verb = chars.next();
        if verb == Some('%') {
            out.push('%');
            continue;
        }
        let arg = args.next().ok_or_else(|| wrong("printf has too few arguments"))?;
        match verb {
            Some('s' | 'v' | 'd') => out.push_str(&text(arg)),
            Some('q') => out.push_str(&format!("{:?}", text(arg))),
            Some(_) | None => return Err(wrong("printf knows only %s, %v, %d, %q and %%")),
        }
    }
    bounded(out)
}
