//! From a key to the line of the file that holds it.

use yaml_rust2::Event;
use yaml_rust2::parser::{MarkedEventReceiver, Parser};
use yaml_rust2::scanner::Marker;

/// The line, counted from one, of the key `path` in a file named `name` with this content.
///
/// When only the beginning of the path is there (a member is missing), that beginning's line; and with it, how many
/// parts of the path are not there.
pub(super) fn line_of(name: &str, content: &str, path: &[String]) -> Option<(usize, usize)> {
    let keys = if name.ends_with(".toml") { toml_keys(content) } else { yaml_keys(content) };
    (1..=path.len())
        .rev()
        .find_map(|length| keys.iter().find(|(key, _)| key.as_slice() == &path[..length]).map(|key| (length, key)))
        .map(|(length, &(_, line))| (path.len() - length, line))
}

type Keys = Vec<(Vec<String>, usize)>;

/// Every key of a YAML document (JSON is one too) with its line.
fn yaml_keys(content: &str) -> Keys {
    let mut collector = Collector::default();
    // A document that does not parse was reported before; whatever came before the fault is still right.
    let _: Result<(), _> = Parser::new_from_str(content).load(&mut collector, false);
    collector.keys
}

enum Container {
    Sequence { next: usize },
    Mapping { key: Option<String> },
}

#[derive(Default)]
struct Collector {
    open: Vec<Container>,
    keys: Keys,
}

impl Collector {
    fn path(&self) -> Vec<String> {
        let part = |container: &Container| match container {
            Container::Sequence { next } => next.to_string(),
            Container::Mapping { key } => key.clone().unwrap_or_default(),
        };
        self.open.iter().map(part).collect()
    }

    /// A node ended: the container that holds it moves on.
    fn advance(&mut self) {
        match self.open.last_mut() {
            Some(Container::Sequence { next }) => *next += 1,
            Some(Container::Mapping { key }) => *key = None,
            None => {}
        }
    }

    fn begin(&mut self, container: Container, line: usize) {
        if matches!(self.open.last(), Some(Container::Sequence { .. })) {
            self.keys.push((self.path(), line));
        }
        self.open.push(container);
    }
}

impl MarkedEventReceiver for Collector {
    fn on_event(&mut self, event: Event, mark: Marker) {
        match event {
            Event::MappingStart(..) => self.begin(Container::Mapping { key: None }, mark.line()),
            Event::SequenceStart(..) => self.begin(Container::Sequence { next: 0 }, mark.line()),
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
                self.advance();
            }
            Event::Scalar(text, ..) => match self.open.last_mut() {
                Some(Container::Mapping { key: key @ None }) => {
                    *key = Some(text);
                    self.keys.push((self.path(), mark.line()));
                }
                Some(Container::Sequence { .. }) => {
                    self.keys.push((self.path(), mark.line()));
                    self.advance();
                }
                Some(Container::Mapping { .. }) | None => self.advance(),
            },
            Event::Alias(_) => self.advance(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart | Event::DocumentEnd => {}
        }
    }
}

/// Every key of a TOML document with its line.
fn toml_keys(content: &str) -> Keys {
    let mut keys = Keys::new();
    let (table, _) = toml::de::DeTable::parse_recoverable(content);
    toml_table(content, table.get_ref(), &mut Vec::new(), &mut keys);
    keys
}

fn toml_table(content: &str, table: &toml::de::DeTable<'_>, path: &mut Vec<String>, keys: &mut Keys) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        keys.push((path.clone(), content[..key.span().start].matches('\n').count() + 1));
        toml_value(content, value.get_ref(), path, keys);
        path.pop();
    }
}

fn toml_value(content: &str, value: &toml::de::DeValue<'_>, path: &mut Vec<String>, keys: &mut Keys) {
    if let Some(table) = value.as_table() {
        toml_table(content, table, path, keys);
    } else if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            path.push(index.to_string());
            toml_value(content, item.get_ref(), path, keys);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, content: &str, path: &str) -> Option<usize> {
        line_of(name, content, &path.split('.').map(str::to_owned).collect::<Vec<_>>()).map(|(_, line)| line)
    }

    #[test]
    fn keys_are_found_in_every_format() {
        let yaml = "# comment\nserve:\n  public:\n    port: 1\nidentity:\n  schemas:\n    - id: a\n      url: b\n    - id: c\n";
        assert_eq!(at("x.yml", yaml, "serve.public.port"), Some(4));
        assert_eq!(at("x.yml", yaml, "identity.schemas.1.id"), Some(9));
        assert_eq!(at("x.yml", yaml, "identity.schemas.1.url"), Some(9), "the item that lacks it");
        assert_eq!(at("x.yml", yaml, "nothing"), None);
        let toml = "title = 1\n\n[serve.public]\nport = 1\nhost = \"x\"\n";
        assert_eq!(at("x.toml", toml, "serve.public.host"), Some(5));
        assert_eq!(at("x.json", "{\n \"a\": {\n  \"b\": 1\n }\n}", "a.b"), Some(3));
    }
}
