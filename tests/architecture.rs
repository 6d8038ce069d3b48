//! The shape of the crate, as tests: who may import whom, what the pure modules may not know, and what no
//! file may contain. The rules are functions over text, so that each is also shown to fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::path::{Path, PathBuf};

/// Module, and what it may name. `a::B` permits one item of a module.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("media", &["media"]),
    ("source", &["domain", "source"]),
    ("agora", &["domain", "source", "agora"]),
    ("archive", &["domain", "archive", "hash"]),
    ("documents", &["domain", "documents"]),
    ("event", &["domain", "event", "source::Error", "source::Operation"]),
    ("hash", &["hash"]),
    ("batch", &["domain", "agora", "archive", "batch", "engine::Target", "engine::TargetError"]),
    ("engine", &["domain", "media", "source", "archive", "documents", "event", "hash", "engine"]),
];

/// Modules that take facts and return decisions: no I/O, no clock, no wire format.
const PURE: &[&str] = &["domain", "hash", "media"];

/// Words that a pure module does not know, as the start of a path or alone.
const IMPURE: &[&str] =
    &["tokio", "reqwest", "tracing", "serde", "serde_json", "schemars", "SystemTime", "Instant", "async"];

/// The only places that ask for the time of day: the engine for all that a run decides and reports, and one
/// small file for the signatures of requests, which carry the time at which they are made.
const CLOCKS: [&str; 2] = ["src/engine/mod.rs", "src/source/clock.rs"];

const LINES_AT_MOST: usize = 600;

/// What a file of `src` does that it must not.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.lines().count() >= LINES_AT_MOST {
        found.push(format!("{path} has {} lines", text.lines().count()));
    }
    let tokens = tokens(text);
    if path.starts_with("src/bin/") {
        for (i, token) in tokens.iter().enumerate() {
            let path_attribute = token.is("path") && i >= 2 && tokens[i - 1].is("[") && tokens[i - 2].is("#");
            if path_attribute || (token.is("include") && next_is(&tokens, i, "!")) {
                found.push(format!("{path}:{} takes in a file by its path", token.line));
            }
        }
        return found;
    }
    let here = module_path(path);
    let module = here.first().map_or("", String::as_str);
    let row = MAY_NAME.iter().find(|(name, _)| *name == module);
    if row.is_none() && path != "src/lib.rs" {
        found.push(format!("{path}: module `{module}` has no row"));
    }
    let may_name = row.map_or(&[][..], |(_, may)| may);
    for named in names_in_crate(&tokens, &here) {
        let target = named.path.first().map_or("", String::as_str);
        let item = named.path.iter().take(2).cloned().collect::<Vec<_>>().join("::");
        if !may_name.contains(&target) && !may_name.contains(&item.as_str()) {
            found.push(format!("{path}:{}: `{module}` may not name `{item}`", named.line));
        }
    }
    found.extend(forbidden_words(path, module, &tokens));
    found
}

fn forbidden_words(path: &str, module: &str, tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    let in_test_file = path.ends_with("/tests.rs") || path.contains("/tests/");
    let code = tokens.iter().enumerate().filter(|(_, token)| !token.test && !in_test_file);
    for (i, token) in code {
        let mut complain = |what: &str| found.push(format!("{path}:{}: `{what}` in `{module}`", token.line));
        let bang = next_is(tokens, i, "!");
        if bang && ["println", "eprintln", "print", "eprint", "dbg"].contains(&token.text.as_str()) {
            complain(&format!("{}!", token.text));
        }
        if PURE.contains(&module) && IMPURE.contains(&token.text.as_str()) {
            complain(&token.text);
        }
        if token.is("process") && path_goes_on(tokens, i, "exit") {
            complain("process::exit");
        }
        if token.is("SystemTime") && path_goes_on(tokens, i, "now") && !CLOCKS.contains(&path) {
            complain("SystemTime::now");
        }
        if (token.is("std") || token.is("tokio")) && next_is(tokens, i, "::") {
            let mut named = Vec::new();
            use_tree(tokens, i + 2, &mut Vec::new(), &mut named);
            for first in named.iter().filter_map(|path| path.first()) {
                let wrong = match first.as_str() {
                    "env" => true,
                    "fs" => !["archive", "source"].contains(&module),
                    "net" => PURE.contains(&module),
                    _ => false,
                };
                if wrong {
                    complain(&format!("{}::{first}", token.text));
                }
            }
        }
    }
    found
}

/// What no file of the tree may contain.
fn traces(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file does not contain them either.
    let machine = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "wt")];
    let mut found: Vec<_> = machine
        .iter()
        .filter(|trace| text.contains(**trace))
        .map(|trace| format!("{path} names {trace}, a path of one machine"))
        .collect();
    if path.ends_with(".rs") {
        let tokens = tokens(text);
        for (i, token) in tokens.iter().enumerate() {
            let unfinished = ["todo", "unimplemented"].contains(&token.text.as_str());
            let ignored = token.is("ignore") && i >= 2 && tokens[i - 1].is("[") && tokens[i - 2].is("#");
            if ignored || (unfinished && next_is(&tokens, i, "!")) {
                found.push(format!("{path}:{}: `{}`", token.line, token.text));
            }
        }
    }
    found
}

/// Files that are part of no program: no file that would declare them does.
fn forsaken(files: &[(String, String)]) -> Vec<&str> {
    let declares = |declaring: &str, module: &str| {
        files.iter().filter(|(path, _)| path == declaring).any(|(_, text)| {
            let tokens = tokens(text);
            (2..tokens.len())
                .any(|i| tokens[i - 2].is("mod") && tokens[i - 1].is(module) && tokens[i].is(";"))
        })
    };
    let is_declared = |path: &str| {
        let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let Some((folder, module)) = stem.rsplit_once('/') else { return false };
        let above = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"];
        above.iter().any(|end| declares(&format!("{folder}{end}"), module))
    };
    let is_root = |path: &str| path.ends_with("/lib.rs") || path.ends_with("/main.rs");
    let paths = files.iter().map(|(path, _)| path.as_str());
    paths.filter(|path| !is_root(path) && !is_declared(path)).collect()
}

/// A word or a sign of Rust.
#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
    /// Inline modules around it.
    depth: usize,
    /// Whether one of them is only there for tests.
    test: bool,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

fn next_is(tokens: &[Token], i: usize, text: &str) -> bool {
    tokens.get(i + 1).is_some_and(|token| token.is(text))
}

fn path_goes_on(tokens: &[Token], i: usize, text: &str) -> bool {
    next_is(tokens, i, "::") && next_is(tokens, i + 1, text)
}

/// The tokens of a file without comments, strings and characters.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    // For each open brace: is it a module's, and is that one for tests?
    let mut braces: Vec<(bool, bool)> = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let start = i;
        let next = chars.get(i + 1).copied().unwrap_or(' ');
        let word = |c: char| c.is_alphanumeric() || c == '_';
        match chars[i] {
            c if c.is_whitespace() => i += 1,
            '/' if next == '/' => i = end_of_line(&chars, i),
            '/' if next == '*' => i = end_of_comment(&chars, i),
            '"' => i = end_of_string(&chars, i),
            '\'' => i = end_of_quote(&chars, i),
            c if word(c) => {
                while i < chars.len() && word(chars[i]) {
                    i += 1;
                }
                let text: String = chars[start..i].iter().collect();
                if ["r", "b", "br", "c", "cr"].contains(&text.as_str())
                    && let Some(end) = end_of_prefixed(&chars, i, text.ends_with('r'))
                {
                    i = end;
                } else {
                    push(&mut tokens, &braces, text, line);
                }
            }
            ':' if next == ':' => {
                push(&mut tokens, &braces, "::".to_owned(), line);
                i += 2;
            }
            sign => {
                if sign == '{' {
                    braces.push(module_that_opens(&tokens));
                } else if sign == '}' {
                    braces.pop();
                }
                push(&mut tokens, &braces, sign.to_string(), line);
                i += 1;
            }
        }
        line += chars[start..i].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn push(tokens: &mut Vec<Token>, braces: &[(bool, bool)], text: String, line: usize) {
    let depth = braces.iter().filter(|(module, _)| *module).count();
    tokens.push(Token { text, line, depth, test: braces.iter().any(|(_, test)| *test) });
}

/// Whether `mod name` was just read, and whether `#[cfg(test)]` stood before it.
fn module_that_opens(tokens: &[Token]) -> (bool, bool) {
    let [.., keyword, _name] = tokens else { return (false, false) };
    let before: String = tokens[..tokens.len() - 2].iter().map(|token| token.text.as_str()).collect();
    let module = keyword.is("mod");
    (module, module && before.ends_with("#[cfg(test)]"))
}

fn end_of_line(chars: &[char], from: usize) -> usize {
    (from..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn end_of_comment(chars: &[char], from: usize) -> usize {
    let (mut i, mut depth) = (from, 0);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut i = from + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// A character, or the sign of a lifetime.
fn end_of_quote(chars: &[char], from: usize) -> usize {
    match (chars.get(from + 1), chars.get(from + 2)) {
        (Some('\\'), _) => (from + 3..chars.len()).find(|i| chars[*i] == '\'').map_or(chars.len(), |i| i + 1),
        (Some(_), Some('\'')) => from + 3,
        (_, _) => from + 1,
    }
}

/// The end of a string after its prefix; `None` where the prefix was a name.
fn end_of_prefixed(chars: &[char], from: usize, raw: bool) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|c| **c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    if !raw {
        return (hashes == 0).then(|| end_of_string(chars, from));
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = from + hashes + 1;
    let end = chars[body..].windows(closing.len()).position(|window| window == closing)?;
    Some(body + end + closing.len())
}

/// Something of this crate that a file names.
struct Named {
    path: Vec<String>,
    line: usize,
}

/// Every path that starts with `crate`, or climbs with `super` to the top of the crate.
fn names_in_crate(tokens: &[Token], here: &[String]) -> Vec<Named> {
    let mut named = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let continues = i > 0 && tokens[i - 1].is("::");
        let at = if token.is("crate") && next_is(tokens, i, "::") {
            i + 2
        } else if token.is("super") && next_is(tokens, i, "::") && !continues {
            let mut at = i;
            let mut climbed = here.len() + token.depth;
            while tokens.get(at).is_some_and(|token| token.is("super")) && next_is(tokens, at, "::") {
                at += 2;
                climbed = climbed.saturating_sub(1);
            }
            // Inside a module of its own it goes nowhere else.
            if climbed > 0 {
                continue;
            }
            at
        } else {
            continue;
        };
        let mut paths = Vec::new();
        use_tree(tokens, at, &mut Vec::new(), &mut paths);
        named.extend(paths.into_iter().map(|path| Named { path, line: token.line }));
    }
    named
}

/// The paths of `a::{b, c::d}` from token `at` on. Returns where it ends.
fn use_tree(tokens: &[Token], at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    if token.is("{") {
        let mut next = at + 1;
        while let Some(token) = tokens.get(next).filter(|token| !token.is("}")) {
            if token.is("as") {
                next += 2;
                continue;
            }
            let end = use_tree(tokens, next, prefix, found);
            next = end.max(next + 1);
        }
        return next + 1;
    }
    let word = token.text.chars().all(|c| c.is_alphanumeric() || c == '_') || token.is("*");
    if !word {
        return at;
    }
    prefix.push(token.text.clone());
    let end = if next_is(tokens, at, "::") && !tokens.get(at + 2).is_some_and(|token| token.is("<")) {
        use_tree(tokens, at + 2, prefix, found)
    } else {
        found.push(prefix.clone());
        at + 1
    };
    prefix.pop();
    end
}

/// `src/domain/playlist/uri.rs` is `domain::playlist::uri`.
fn module_path(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(root().join(path)).unwrap()).into_owned()
}

fn files_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let path = if folder.as_os_str() == "." { PathBuf::from(&name) } else { folder.join(&name) };
            if entry.file_type().unwrap().is_dir() {
                if !["target", ".git"].contains(&name.to_str().unwrap_or_default()) {
                    folders.push(path);
                }
            } else {
                files.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

/// What git knows, or, where this is no working copy, everything.
fn tracked_files() -> Vec<String> {
    let git = std::process::Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = git.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    match listed {
        Some(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            // A file that was removed and not yet committed is still listed.
            text.split_terminator('\0').filter(|p| root().join(p).is_file()).map(str::to_owned).collect()
        }
        None => files_below("."),
    }
}

#[test]
fn modules_name_only_what_they_may() {
    let files: Vec<_> = files_below("src").into_iter().filter(|path| path.ends_with(".rs")).collect();
    let found: Vec<_> = files.iter().flat_map(|path| violations(path, &read(path))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let modules: std::collections::BTreeSet<_> =
        files.iter().filter_map(|path| module_path(path).into_iter().next()).collect();
    for (module, _) in MAY_NAME {
        assert!(modules.contains(*module), "row `{module}` is of no module");
    }
}

#[test]
fn every_file_belongs_to_a_module() {
    let files = files_below("src").into_iter().filter(|path| path.ends_with(".rs"));
    let files: Vec<_> = files.map(|path| (path.clone(), read(&path))).collect();
    assert_eq!(forsaken(&files), Vec::<&str>::new());
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let small = [
        file("src/lib.rs", "mod a; // mod c;\n"),
        file("src/a.rs", "pub(crate) mod b;"),
        file("src/a/b.rs", ""),
        file("src/a/c.rs", ""),
        file("src/c/mod.rs", ""),
        file("src/bin/x/main.rs", "mod b;"),
        file("src/bin/x/b.rs", ""),
    ];
    assert_eq!(forsaken(&small), ["src/a/c.rs", "src/c/mod.rs"]);
}

#[test]
fn the_time_of_day_is_asked_for_once_by_each_clock() {
    let asks = |path: &String| {
        let tokens = tokens(&read(path));
        let places = 0..tokens.len();
        places.filter(|i| tokens[*i].is("SystemTime") && path_goes_on(&tokens, *i, "now")).count()
    };
    let library = files_below("src").into_iter().filter(|path| !path.starts_with("src/bin/"));
    let asked: Vec<_> = library.filter(|path| asks(path) > 0).collect();
    assert_eq!(asked, CLOCKS);
    for clock in asked {
        assert_eq!(asks(&clock), 1, "{clock}");
    }
}

#[test]
fn the_tree_has_no_traces_of_a_machine_and_nothing_unfinished() {
    let files = tracked_files();
    assert!(files.iter().any(|path| path == "src/lib.rs"), "{} files were found", files.len());
    let found: Vec<_> = files.iter().flat_map(|path| traces(path, &read(path))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_kind_of_violation_is_found() {
    for (path, text) in [
        // Edges.
        ("src/domain/a.rs", "use crate::engine::Fetcher;"),
        ("src/media/a.rs", "use crate::domain::key::ObjectKey;"),
        ("src/source/a.rs", "fn f() { crate::archive::verify() }"),
        ("src/archive/a.rs", "use crate::{domain::key, source::Error};"),
        ("src/archive/a.rs", "use crate::{\n    domain::{key, place},\n    engine,\n};"),
        ("src/event.rs", "use crate::source::HttpSource;"),
        ("src/event.rs", "use super::engine::Fetcher;"),
        ("src/domain/a/b.rs", "use super::super::super::engine::Fetcher;"),
        ("src/domain/a.rs", "mod inner { use super::super::super::archive; }"),
        ("src/domain/a.rs", "use crate::*;"),
        ("src/domain/a.rs", "#[cfg(test)]\nmod tests { use crate::engine::Fetcher; }"),
        // A module without a row, and a name of one.
        ("src/render.rs", ""),
        ("src/engine/a.rs", "use crate::render::Bar;"),
        // Words in pure modules.
        ("src/domain/a.rs", "use tokio::sync::Mutex;"),
        ("src/domain/a.rs", "use std::fs;"),
        ("src/domain/a.rs", "use std::{collections::BTreeMap, env};"),
        ("src/media/a.rs", "fn f() -> std::net::IpAddr {}"),
        ("src/media/a.rs", "use std::time::{Duration, Instant};"),
        ("src/media/a.rs", "fn f(t: std::time::SystemTime) {}"),
        ("src/media/a.rs", "pub async fn f() {}"),
        ("src/domain/a.rs", "#[derive(serde::Serialize)] struct A;"),
        ("src/domain/a.rs", "fn f() { tracing::info!(\"x\") }"),
        ("src/domain/a.rs", "fn f(e: reqwest::Error) {}"),
        // The library neither prints nor exits nor reads the environment.
        ("src/engine/a.rs", "fn f() { println!(\"x\") }"),
        ("src/engine/a.rs", "fn f() { eprintln!(\"x\") }"),
        ("src/source/a.rs", "fn f() { print!(\"x\") }"),
        ("src/engine/a.rs", "fn f() { std::process::exit(1) }"),
        ("src/engine/a.rs", "use std::process; fn f() { process::exit(1) }"),
        ("src/source/a.rs", "fn f() { std::env::var(\"X\") }"),
        // Files and the clock have their places.
        ("src/engine/a.rs", "fn f() { std::fs::read(\"x\") }"),
        ("src/engine/a.rs", "use tokio::{fs, sync::Mutex};"),
        ("src/archive/a.rs", "fn f() { SystemTime::now() }"),
        ("src/engine/a.rs", "fn f() { std::time::SystemTime::now() }"),
        ("src/source/a.rs", "fn f() { SystemTime::now() }"),
        // The program goes through the public API.
        ("src/bin/recfetch/a.rs", "#[path = \"../../engine/mod.rs\"] mod engine;"),
        ("src/bin/recfetch/a.rs", "include!(\"../../engine/mod.rs\");"),
        ("src/domain/a.rs", &"// a line\n".repeat(600)),
    ] {
        assert_eq!(violations(path, text).len(), 1, "{path}: {text}\n{:?}", violations(path, text));
    }
}

#[test]
fn what_is_allowed_or_only_looks_wrong_is_not_reported() {
    for (path, text) in [
        ("src/engine/a.rs", "use crate::{archive::Archive, domain::key as k, source};"),
        ("src/event.rs", "use crate::source::{Error, Operation};"),
        ("src/domain/a/b.rs", "use super::super::key::ObjectKey;"),
        ("src/domain/a.rs", "#[cfg(test)]\nmod tests { use super::super::key; use std::time::Instant; }"),
        ("src/domain/a/tests.rs", "use std::time::Instant;"),
        ("src/domain/a.rs", "//! No `async`, no `tokio`.\n/* std::fs /* async */ println!() */ fn f() {}"),
        ("src/domain/a.rs", "const A: &str = \"async \\\" tokio\"; const B: &str = r#\"use \"std::fs\"\"#;"),
        ("src/domain/a.rs", "fn f<'a>(c: char) -> bool { c == '\"' || c == '\\'' || c == 'a' }"),
        ("src/domain/a.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");"),
        ("src/archive/a.rs", "use std::fs::File;"),
        ("src/source/a.rs", "fn f() { tokio::fs::read(\"x\") }"),
        ("src/engine/mod.rs", "fn f() { std::time::SystemTime::now() }"),
        ("src/source/clock.rs", "fn f() { std::time::SystemTime::now() }"),
        ("src/bin/recfetch/main.rs", "fn main() { println!(\"{}\", crate::args::f()); std::env::args(); }"),
        ("src/domain/a.rs", &"// a line\n".repeat(599)),
    ] {
        assert_eq!(violations(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn each_kind_of_trace_is_found() {
    for (path, text) in [
        ("README.md", concat!("see /wo", "rk/notes")),
        ("scripts/x", concat!("cd /ro", "ot/x")),
        ("a.toml", concat!("path = \"/tmp/", "wt/x\"")),
        ("src/a.rs", "fn f() { todo!() }"),
        ("tests/a.rs", "fn f() { unimplemented!(\"later\") }"),
        ("tests/a.rs", "#[test]\n#[ignore]\nfn f() {}"),
        ("tests/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
    ] {
        assert_eq!(traces(path, text).len(), 1, "{path}: {text}");
    }
    assert_eq!(traces("src/a.rs", "// todo!() and #[ignore]\nfn todo() { ignore() }"), Vec::<String>::new());
}
