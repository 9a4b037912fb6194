//! Templates in the language of Kratos' overrides, translated to minijinja.
//!
//! Understood: variables and dotted paths, `$` and `$name := …`, `if`/`else if`/`else`, `range` (with one or two
//! variables), `with`, `define`/`template`/`block`, comments, `{{-`/`-}}`, pipes, parentheses and the functions of
//! [`functions`]. Whatever else stands in a template is an error that names the file and the line: a template that
//! cannot be understood is refused at start-up, not in the middle of somebody's sign-in.

pub(crate) mod functions;
mod lex;
mod translate;

pub(crate) use translate::translate;

/// A template that cannot be used, where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct TemplateError {
    /// The file as its path was handed in.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// What is wrong, in one sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, Value, context};
    use proptest::prelude::*;

    use super::*;

    /// Translates and renders as the library does.
    fn render(source: &str, data: &Value) -> Result<String, String> {
        let translated = translate("main.txt", "main.txt", source).map_err(|error| error.to_string())?;
        let mut environment = Environment::new();
        environment.set_fuel(Some(100_000));
        functions::prepare(&mut environment).map_err(|error| error.to_string())?;
        environment.add_template_owned("main.txt", translated.main).map_err(|error| error.to_string())?;
        for (name, body) in translated.defines {
            environment
                .add_template_owned(format!("main.txt//{name}.txt"), body.clone())
                .and_then(|()| environment.add_template_owned(format!("main.txt//{name}"), body))
                .map_err(|error| error.to_string())?;
        }
        let template = environment.get_template("main.txt").map_err(|error| error.to_string())?;
        template.render(context! { dot => data, root => data }).map_err(|error| error.to_string())
    }

    #[test]
    fn templates_render_as_in_go() {
        let data = context! {
            Code => "123456",
            Name => "",
            N => 3,
            Yes => true,
            Identity => context! { traits => context! { email => "a@b.c", roles => vec!["x", "y"] } },
            Map => context! { b => 2, a => 1 },
        };
        for (source, expected) in [
            ("Code: {{ .Code }}.", "Code: 123456."),
            ("{{.Identity.traits.email}}", "a@b.c"),
            ("{{ .Missing.deep.path }}|{{ nil }}", "|"),
            ("a {{- /* gone */ -}} b", "ab"),
            ("{{ if .Name }}n{{ else if .Yes }}y{{ else }}z{{ end }}", "y"),
            ("{{ if and .Yes (eq .Code \"123456\" \"x\") }}ok{{ end }}", "ok"),
            ("{{ if not (or .Name .Missing) }}none{{ end }}", "none"),
            ("{{ range .Identity.traits.roles }}[{{ . }}{{ $.N }}]{{ end }}", "[x3][y3]"),
            ("{{ range $i, $r := .Identity.traits.roles }}{{ $i }}{{ $r }} {{ end }}", "0x 1y "),
            ("{{ range $k, $v := .Map }}{{ $k }}={{ $v }};{{ end }}", "a=1;b=2;"),
            ("{{ range .Missing }}x{{ else }}empty{{ end }}", "empty"),
            ("{{ with .Identity.traits }}{{ .email }}{{ $.Code }}{{ end }}", "a@b.c123456"),
            ("{{ with .Name }}x{{ else }}{{ .Code }}{{ end }}", "123456"),
            ("{{ with $t := .Identity.traits }}{{ $t.email }}{{ end }}", "a@b.c"),
            ("{{ $x := .Code }}{{ $x | printf \"%s-%s\" \"A\" }}", "A-123456"),
            ("{{ .Name | default \"friend\" | upper }}", "FRIEND"),
            ("{{ trunc 3 .Code }}{{ len .Code }}", "1236"),
            ("{{ index .Identity.traits \"email\" }}{{ index .Identity.traits.roles 1 }}", "a@b.cy"),
            ("{{ join \"-\" .Identity.traits.roles }}", "x-y"),
            ("{{ replace \"1\" \"one\" .Code | trimSuffix \"6\" }}", "one2345"),
            ("{{ ternary \"a\" \"b\" .Yes }}{{ hasKey .Map \"a\" }}{{ gt .N 2 }}", "atruetrue"),
            ("{{ html \"<a>\" }} {{ urlquery \"a b&c\" }} {{ quote .Code }}", "&lt;a&gt; a+b%26c \"123456\""),
            ("{{ define \"t\" }}<{{ .email }}>{{ end }}{{ template \"t\" .Identity.traits }}", "<a@b.c>"),
            ("{{ block \"t\" . }}{{ $.Code }}{{ end }}", "123456"),
            ("{% raw %} {# x #} { {{- .Code }}{", "{% raw %} {# x #} {123456{"),
            ("p { color: red }", "p { color: red }"),
            ("{{ \"{{ .Code }}\" }}{{ `{% x %}` }}", "{{ .Code }}{% x %}"),
        ] {
            assert_eq!(render(source, &data).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        for (source, expected) in [
            ("\n{{ env \"HOME\" }}", "main.txt:2: the function env is not supported"),
            ("{{ now }}", "main.txt:1: the function now is not supported"),
            ("{{ upper }}", "main.txt:1: upper does not take 0 arguments"),
            ("{{ $y }}", "main.txt:1: the variable $y is not declared"),
            ("{{ range $a := .A }}{{ end }}\n{{ $a }}", "main.txt:2: the variable $a is not declared"),
            ("{{ end }}", "main.txt:1: there is no block to end here"),
            ("{{ if .A }}\n{{ else }}\n{{ else }}{{ end }}", "main.txt:3: the block has an else already"),
            ("{{ .A .B }}", "main.txt:1: .B is not expected here"),
            ("{{ .A | \"x\" }}", "main.txt:1: only a function can stand after |"),
            ("{{ template x }}", "main.txt:1: the name of a template in quotation marks is expected"),
            ("{{ range .A }}{{ break }}{{ end }}", "main.txt:1: break is not supported"),
            ("{{ (upper .A }}", "main.txt:1: a parenthesis is not closed"),
        ] {
            assert_eq!(render(source, &Value::from(())), Err(expected.to_owned()), "{source}");
        }
        let deep = format!("{{{{ {}.A{} }}}}", "(".repeat(100), ")".repeat(100));
        assert!(render(&deep, &Value::from(())).is_err_and(|error| error.contains("too deeply")));
    }

    #[test]
    fn every_function_is_registered() {
        for name in functions::names() {
            let arguments = " \"1\"".repeat(*functions::arity(name).expect("known").start());
            match render(&format!("{{{{ {name}{arguments} }}}}"), &Value::from(())) {
                Ok(_) => {}
                Err(error) => assert!(!error.contains("unknown"), "{name}: {error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_template_panics_or_becomes_another_language(
            source in r#"([a-z {}%#\n]|\{\{ ?|-? ?\}\}|\.A|\$x|:=|"q"|if |end|else|range |upper |\|){0,30}"#
        ) {
            // Refused by the translator with a line, or valid for minijinja: never a syntax error of the second.
            if let Ok(translated) = translate("m", "m", &source) {
                let mut environment = Environment::new();
                functions::prepare(&mut environment).expect("prepares");
                prop_assert!(environment.add_template_owned("m", translated.main.clone()).is_ok(), "{}", translated.main);
            }
        }

        #[test]
        fn literal_text_comes_out_unchanged(source in "[^\\{]{0,20}\\{?[^\\{]{0,20}") {
            prop_assert_eq!(render(&source, &Value::from(())), Ok(source));
        }
    }
}
