//! The configuration of another server, read as it is: each key moves to its place here, and what has no meaning is said.

use config::{Value, ValueKind};

use self::Fate::{Becomes, Ends};

/// The configuration of another server and its rules. A key that no rule knows keeps its name, and is then refused
/// like any unknown key.
pub(super) struct Dialect {
    /// What a file is called whose name is not known.
    pub(super) name: &'static str,
    /// What becomes of each key.
    pub(super) rules: &'static [(&'static str, Fate)],
}

/// What becomes of a key and everything beneath it, unless a longer rule fits.
pub(super) enum Fate {
    /// It has this name here.
    Becomes(&'static str),
    /// It has no meaning here, for this reason.
    Ends(&'static str),
}

/// Such a file as a configuration source.
pub(super) struct Translated {
    /// The same values under our names.
    pub(super) source: config::Config,
    /// Keys without a meaning here, and why.
    pub(super) warnings: Vec<String>,
}

impl Dialect {
    /// Moves every key to its place.
    pub(super) fn translate(&self, original: &config::Config) -> Translated {
        let mut source = config::Config::default();
        source.cache = empty();
        let mut translated = Translated { source, warnings: Vec::new() };
        self.place(&original.cache, &mut Vec::new(), &mut translated);
        translated.warnings.sort();
        translated
    }

    /// The path in the other server's file that a path here came from.
    pub(super) fn original_path(&self, path: &[String]) -> Vec<String> {
        let path = path.join(".");
        let sources = self.rules.iter().filter_map(|(theirs, fate)| match fate {
            Becomes(ours) => Some((theirs, beneath(ours, &path)?)),
            Ends(_) => None,
        });
        let nearest = sources.min_by_key(|(_, rest)| rest.len());
        nearest.map_or(path.clone(), |(theirs, rest)| format!("{theirs}{rest}")).split('.').map(str::to_owned).collect()
    }

    fn place(&self, value: &Value, path: &mut Vec<String>, translated: &mut Translated) {
        let key = path.join(".");
        let divided =
            key.is_empty() || self.rules.iter().any(|(name, _)| *name != key && beneath(&key, name).is_some());
        if let (true, ValueKind::Table(table)) = (divided, &value.kind) {
            for (name, inner) in table {
                path.push(name.clone());
                self.place(inner, path, translated);
                path.pop();
            }
            return;
        }
        let fitting = self.rules.iter().filter_map(|(name, fate)| Some((beneath(name, &key)?, fate)));
        let target = match fitting.min_by_key(|(rest, _)| rest.len()) {
            Some((rest, Becomes(ours))) => format!("{ours}{rest}"),
            Some((_, Ends(why))) => {
                let file = value.origin().unwrap_or(self.name);
                translated.warnings.push(format!("{file}: `{key}` has no effect: {why}"));
                return;
            }
            None => key,
        };
        insert(&mut translated.source.cache, &target.split('.').collect::<Vec<_>>(), value.clone());
    }
}

/// The rest of `path` after `prefix`, when it lies at or under it. Everything lies under the empty prefix.
pub(super) fn beneath<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    (prefix.is_empty() || rest.is_empty() || rest.starts_with('.')).then_some(rest)
}

fn insert(tree: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return merge(tree, value) };
    if let ValueKind::Table(table) = &mut tree.kind {
        insert(table.entry((*first).to_owned()).or_insert_with(empty), rest, value);
    }
}

/// Sections meet: what Kratos keeps in `identity` and in `session` is all below `identity` here.
fn merge(tree: &mut Value, value: Value) {
    match (&mut tree.kind, value) {
        (ValueKind::Table(present), Value { kind: ValueKind::Table(added), .. }) if !present.is_empty() => {
            for (key, value) in added {
                merge(present.entry(key).or_insert_with(empty), value);
            }
        }
        (_, value) => *tree = value,
    }
}

fn empty() -> Value {
    Value::new(None, ValueKind::Table(config::Map::new()))
}
