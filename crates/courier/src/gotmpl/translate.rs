//! From items to minijinja source.
//!
//! The current value is the variable `dot`, the template's argument `root`, a variable `$x` is `v_x` and a function
//! `f` is `go_f`. Literal braces and strings are emitted as quoted strings, so that nothing in a template can turn
//! into minijinja's own syntax.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::TemplateError;
use super::functions::arity;
use super::lex::{Item, Token, items};

/// Nested deeper than this is an error, of blocks and of parentheses.
const MAX_DEPTH: usize = 64;

/// A translated file.
#[derive(Debug)]
pub(crate) struct Translated {
    /// The file's own text.
    pub(crate) main: String,
    /// The named templates that it defines.
    pub(crate) defines: Vec<(String, String)>,
    /// The named templates that it uses, and on which line.
    pub(crate) uses: Vec<(String, usize)>,
}

/// Translates a file. `{{ template "x" }}` becomes an inclusion of `<namespace>//x`.
///
/// # Errors
/// When something is not understood, with its line.
pub(crate) fn translate(namespace: &str, file: &str, source: &str) -> Result<Translated, TemplateError> {
    let fail = |(line, reason)| TemplateError { file: file.to_owned(), line, reason };
    let items = items(source).map_err(fail)?;
    let mut translator = Translator {
        namespace,
        items: items.into_iter(),
        line: 1,
        variables: Vec::new(),
        defines: Vec::new(),
        uses: Vec::new(),
    };
    let mut main = String::new();
    match translator.block(&mut main, 0) {
        Ok(Stop::File) => Ok(Translated { main, defines: translator.defines, uses: translator.uses }),
        Ok(Stop::Else(_) | Stop::End) => Err(fail((translator.line, "there is no block to end here".to_owned()))),
        Err(reason) => Err(fail((translator.line, reason))),
    }
}

struct Translator<'a> {
    namespace: &'a str,
    items: IntoIter<Item>,
    line: usize,
    variables: Vec<String>,
    defines: Vec<(String, String)>,
    uses: Vec<(String, usize)>,
}

/// What ended a block.
enum Stop {
    File,
    End,
    /// `else`, with what follows the word.
    Else(Tokens),
}

type Tokens = Peekable<IntoIter<Token>>;

impl Translator<'_> {
    /// Translates until `end`, `else` or the end of the file. Variables declared inside are forgotten.
    fn block(&mut self, out: &mut String, depth: usize) -> Result<Stop, String> {
        if depth > MAX_DEPTH {
            return Err("blocks are nested too deeply".to_owned());
        }
        let visible = self.variables.len();
        while let Some(item) = self.items.next() {
            let (line, tokens) = match item {
                Item::Text(text) => {
                    literal(out, &text);
                    continue;
                }
                Item::Action { line, tokens } => (line, tokens),
            };
            self.line = line;
            if let Some(end) = self.action(out, tokens.into_iter().peekable(), depth)? {
                self.variables.truncate(visible);
                return Ok(end);
            }
        }
        self.variables.truncate(visible);
        Ok(Stop::File)
    }

    fn action(&mut self, out: &mut String, mut tokens: Tokens, depth: usize) -> Result<Option<Stop>, String> {
        let Some(Token::Word(word)) = tokens.peek().cloned() else {
            self.output(out, tokens)?;
            return Ok(None);
        };
        match word.as_str() {
            "end" => {
                tokens.next();
                self.nothing_more(&mut tokens)?;
                return Ok(Some(Stop::End));
            }
            "else" => {
                tokens.next();
                return Ok(Some(Stop::Else(tokens)));
            }
            "if" => {
                tokens.next();
                self.conditional(out, &mut tokens, depth)?;
                out.push_str("{% endif %}");
            }
            "range" => self.range(out, tokens, depth)?,
            "with" => self.with(out, tokens, depth)?,
            "define" => self.define(tokens, depth)?,
            "block" => self.named_block(out, tokens, depth)?,
            "template" => self.include(out, tokens)?,
            "break" | "continue" => return Err(format!("{word} is not supported")),
            _ => self.output(out, tokens)?,
        }
        Ok(None)
    }

    /// A pipeline whose value is printed, or a declaration.
    fn output(&mut self, out: &mut String, mut tokens: Tokens) -> Result<(), String> {
        if let Some(name) = declaration(&mut tokens)? {
            let value = self.whole_pipeline(&mut tokens)?;
            out.push_str(&format!("{{% set v_{name} = {value} %}}"));
            self.variables.push(name);
        } else {
            let value = self.whole_pipeline(&mut tokens)?;
            out.push_str(&format!("{{{{ {value} }}}}"));
        }
        Ok(())
    }

    /// `if` with its `else if` and `else` branches, without the closing `endif`.
    fn conditional(&mut self, out: &mut String, tokens: &mut Tokens, depth: usize) -> Result<(), String> {
        let condition = self.whole_pipeline(tokens)?;
        out.push_str(&format!("{{% if {condition} %}}"));
        let mut end = self.block(out, depth + 1)?;
        loop {
            match end {
                Stop::End => return Ok(()),
                Stop::File => return Err("a block is not closed with end".to_owned()),
                Stop::Else(mut tokens) => match tokens.next() {
                    None => {
                        out.push_str("{% else %}");
                        return self.expect_end(out, depth);
                    }
                    Some(Token::Word(word)) if word == "if" => {
                        let condition = self.whole_pipeline(&mut tokens)?;
                        out.push_str(&format!("{{% elif {condition} %}}"));
                        end = self.block(out, depth + 1)?;
                    }
                    Some(_) => return Err("after else only if is supported".to_owned()),
                },
            }
        }
    }

    fn range(&mut self, out: &mut String, mut tokens: Tokens, depth: usize) -> Result<(), String> {
        tokens.next();
        let visible = self.variables.len();
        let (mut key, mut element) = (None, None);
        if let Some(name) = variable_name(&mut tokens)? {
            element = Some(name);
            if tokens.next_if_eq(&Token::Comma).is_some() {
                key = element;
                element = Some(variable_name(&mut tokens)?.ok_or("after the comma a variable is expected")?);
            }
            tokens.next_if_eq(&Token::Declare).ok_or("after the variables of range := is expected")?;
        }
        let value = self.whole_pipeline(&mut tokens)?;
        out.push_str(&format!("{{% for go_pair in go_pairs({value}) %}}{{% with dot = go_pair[1]"));
        for (name, index) in [(key, 0), (element, 1)] {
            if let Some(name) = name {
                out.push_str(&format!(", v_{name} = go_pair[{index}]"));
                self.variables.push(name);
            }
        }
        out.push_str(" %}");
        let end = self.block(out, depth + 1)?;
        self.variables.truncate(visible);
        out.push_str("{% endwith %}");
        self.alternative(out, end, depth)?;
        out.push_str("{% endfor %}");
        Ok(())
    }

    fn with(&mut self, out: &mut String, mut tokens: Tokens, depth: usize) -> Result<(), String> {
        tokens.next();
        let visible = self.variables.len();
        let name = declaration(&mut tokens)?;
        let value = self.whole_pipeline(&mut tokens)?;
        out.push_str(&format!("{{% with go_value = {value} %}}{{% if go_value %}}{{% with dot = go_value"));
        if let Some(name) = name {
            out.push_str(&format!(", v_{name} = go_value"));
            self.variables.push(name);
        }
        out.push_str(" %}");
        let end = self.block(out, depth + 1)?;
        self.variables.truncate(visible);
        out.push_str("{% endwith %}");
        self.alternative(out, end, depth)?;
        out.push_str("{% endif %}{% endwith %}");
        Ok(())
    }

    /// The `else` of `range` and `with`, if there is one.
    fn alternative(&mut self, out: &mut String, end: Stop, depth: usize) -> Result<(), String> {
        match end {
            Stop::End => Ok(()),
            Stop::File => Err("a block is not closed with end".to_owned()),
            Stop::Else(mut tokens) => {
                self.nothing_more(&mut tokens)?;
                out.push_str("{% else %}");
                self.expect_end(out, depth)
            }
        }
    }

    fn expect_end(&mut self, out: &mut String, depth: usize) -> Result<(), String> {
        match self.block(out, depth + 1)? {
            Stop::End => Ok(()),
            Stop::File => Err("a block is not closed with end".to_owned()),
            Stop::Else(_) => Err("the block has an else already".to_owned()),
        }
    }

    fn define(&mut self, mut tokens: Tokens, depth: usize) -> Result<(), String> {
        if depth > 0 {
            return Err("define stands inside another block".to_owned());
        }
        tokens.next();
        let name = template_name(&mut tokens)?;
        self.nothing_more(&mut tokens)?;
        self.named_body(name, depth)
    }

    fn named_block(&mut self, out: &mut String, mut tokens: Tokens, depth: usize) -> Result<(), String> {
        self.include(out, tokens.clone())?;
        tokens.next();
        let name = template_name(&mut tokens)?;
        self.named_body(name, depth)
    }

    /// The body of a named template sees no variables from outside.
    fn named_body(&mut self, name: String, depth: usize) -> Result<(), String> {
        let outside = std::mem::take(&mut self.variables);
        let mut body = String::new();
        self.expect_end(&mut body, depth)?;
        self.variables = outside;
        self.defines.push((name, body));
        Ok(())
    }

    fn include(&mut self, out: &mut String, mut tokens: Tokens) -> Result<(), String> {
        tokens.next();
        let name = template_name(&mut tokens)?;
        let argument = if tokens.peek().is_some() { self.whole_pipeline(&mut tokens)? } else { "none".to_owned() };
        let target = string(&format!("{}//{name}", self.namespace));
        out.push_str(&format!(
            "{{% with go_value = {argument} %}}{{% with dot = go_value, root = go_value %}}\
             {{% include {target} %}}{{% endwith %}}{{% endwith %}}"
        ));
        self.uses.push((name, self.line));
        Ok(())
    }

    fn whole_pipeline(&self, tokens: &mut Tokens) -> Result<String, String> {
        let value = self.pipeline(tokens, 0)?;
        self.nothing_more(tokens)?;
        Ok(value)
    }

    fn nothing_more(&self, tokens: &mut Tokens) -> Result<(), String> {
        match tokens.next() {
            None => Ok(()),
            Some(token) => Err(format!("{} is not expected here", describe(&token))),
        }
    }

    fn pipeline(&self, tokens: &mut Tokens, depth: usize) -> Result<String, String> {
        let mut value = self.command(tokens, None, depth)?;
        while tokens.next_if_eq(&Token::Pipe).is_some() {
            value = self.command(tokens, Some(value), depth)?;
        }
        Ok(value)
    }

    /// A value, or a function with its arguments; `piped` becomes the last argument.
    fn command(&self, tokens: &mut Tokens, piped: Option<String>, depth: usize) -> Result<String, String> {
        if let Some(Token::Word(name)) = tokens.peek()
            && !matches!(name.as_str(), "true" | "false" | "nil")
        {
            let name = name.clone();
            tokens.next();
            let mut arguments = Vec::new();
            while !matches!(tokens.peek(), None | Some(Token::Pipe | Token::Close)) {
                arguments.push(self.operand(tokens, depth)?);
            }
            arguments.extend(piped);
            return call(&name, &arguments);
        }
        let value = self.operand(tokens, depth)?;
        match (piped, tokens.peek()) {
            (None, None | Some(Token::Pipe | Token::Close)) => Ok(value),
            (Some(_), _) => Err("only a function can stand after |".to_owned()),
            (None, Some(token)) => Err(format!("{} is not expected here", describe(token))),
        }
    }

    fn operand(&self, tokens: &mut Tokens, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("parentheses are nested too deeply".to_owned());
        }
        match tokens.next() {
            Some(Token::Path(fields)) => Ok(access("dot", &fields)),
            Some(Token::Variable(name, fields)) if name.is_empty() => Ok(access("root", &fields)),
            Some(Token::Variable(name, fields)) if self.variables.contains(&name) => {
                Ok(access(&format!("v_{name}"), &fields))
            }
            Some(Token::Variable(name, _)) => Err(format!("the variable ${name} is not declared")),
            Some(Token::Text(text)) => Ok(string(&text)),
            Some(Token::Number(number)) => Ok(number),
            Some(Token::Word(word)) => match word.as_str() {
                "true" | "false" => Ok(word),
                "nil" => Ok("none".to_owned()),
                _ => call(&word, &[]),
            },
            Some(Token::Open) => {
                let value = self.pipeline(tokens, depth + 1)?;
                tokens.next_if_eq(&Token::Close).ok_or("a parenthesis is not closed")?;
                Ok(value)
            }
            Some(token @ (Token::Close | Token::Pipe | Token::Comma | Token::Declare)) => {
                Err(format!("{} is not expected here", describe(&token)))
            }
            None => Err("a value is missing".to_owned()),
        }
    }
}

/// `$x :=` at the start of a pipeline.
fn declaration(tokens: &mut Tokens) -> Result<Option<String>, String> {
    let mut ahead = tokens.clone();
    let name = variable_name(&mut ahead)?;
    if name.is_none() || ahead.next() != Some(Token::Declare) {
        return Ok(None);
    }
    *tokens = ahead;
    Ok(name)
}

/// A plain variable, ready to be declared.
fn variable_name(tokens: &mut Tokens) -> Result<Option<String>, String> {
    let Some(Token::Variable(name, fields)) = tokens.peek() else { return Ok(None) };
    if name.is_empty() || !fields.is_empty() {
        return Ok(None);
    }
    if !name.is_ascii() {
        return Err(format!("the variable ${name} needs a name of ASCII letters and digits"));
    }
    let name = name.clone();
    tokens.next();
    Ok(Some(name))
}

fn template_name(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Text(name)) => Ok(name),
        _ => Err("the name of a template in quotation marks is expected".to_owned()),
    }
}

fn call(name: &str, arguments: &[String]) -> Result<String, String> {
    let allowed = arity(name).ok_or_else(|| format!("the function {name} is not supported"))?;
    if !allowed.contains(&arguments.len()) {
        return Err(format!("{name} does not take {} arguments", arguments.len()));
    }
    Ok(format!("go_{name}({})", arguments.join(", ")))
}

fn access(base: &str, fields: &[String]) -> String {
    fields.iter().fold(base.to_owned(), |value, field| format!("{value}[{}]", string(field)))
}

/// A string literal that both JSON and minijinja read the same.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Literal text; opening braces are quoted so that they never join up to a delimiter.
fn literal(out: &mut String, text: &str) {
    for (index, piece) in text.split('{').enumerate() {
        if index > 0 {
            out.push_str("{{ \"{\"|safe }}");
        }
        out.push_str(piece);
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Path(fields) => format!(".{}", fields.join(".")),
        Token::Variable(name, _) => format!("${name}"),
        Token::Text(text) => format!("{text:?}"),
        Token::Number(number) => number.clone(),
        Token::Open => "(".to_owned(),
        Token::Close => ")".to_owned(),
        Token::Pipe => "|".to_owned(),
        Token::Comma => ",".to_owned(),
        Token::Declare => ":=".to_owned(),
    }
}
