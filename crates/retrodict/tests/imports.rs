//! Imports point one way, down the list of wings, and nowhere in a circle; a type name means one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The wings of the library, the lowest first: each imports only those before it.
const WINGS: &[&str] = &[
    "error",
    "duration",
    "interrupt",
    "memory",
    "options",
    "linalg",
    "core",
    "spectral",
    "losses",
    "priors",
    "models",
    "compose",
    "problem",
    "simulators",
    "inverse",
    "updates",
    "solver",
    "uncertainty",
    "network",
    "training",
    "registry",
    "spec",
    "check",
    "audit",
    "prelude",
];

/// A file by its module path, and the files that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, found),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The code of a file without comments, unit tests and names that it only hands on.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\n").next().unwrap();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    let mut code = String::new();
    for statement in lines.split_inclusive(';') {
        let start = statement.trim_start();
        // What a file hands on of its own parts is no import.
        let hands_on = (start.starts_with("pub use")
            || start.starts_with("pub(") && start.contains(") use "))
            && !start.contains("use crate::");
        if !hands_on {
            code.push_str(statement);
        }
    }
    code
}

/// The paths that begin at `crate` or `super`, groups in braces taken apart.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
                expand("", &code[at..], &mut found);
            }
        }
    }
    found
}

/// Reads a path, or all those of a group, after what was read already; returns how long it is.
fn expand(head: &str, text: &str, found: &mut Vec<String>) -> usize {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .unwrap_or(text.len());
    let path = format!("{head}{}", &text[..end]);
    if !text[end..].starts_with('{') || !path.ends_with("::") {
        found.push(path);
        return end;
    }
    let mut at = end + 1;
    while at < text.len() {
        match text.as_bytes()[at] {
            b'}' => return at + 1,
            b',' | b' ' | b'\n' => at += 1,
            _ => at += expand(&path, &text[at..], found).max(1),
        }
    }
    at
}

/// What a file hands on, by name: the module path that it stands for.
type HandedOn = BTreeMap<String, BTreeMap<String, String>>;

/// The module path that a path means where it is written, without `crate` and `super`; a path that begins with neither
/// is one of the file's own parts.
fn absolute(own: &str, path: &str) -> String {
    let mut parts: Vec<&str> = own.split("::").filter(|part| *part != "lib").collect();
    for part in path.split("::").filter(|part| !part.is_empty()) {
        match part {
            "crate" => parts.clear(),
            "super" => drop(parts.pop()),
            "self" => {}
            name => parts.push(name),
        }
    }
    parts.join("::")
}

/// The `pub use` of a file, taken apart.
fn handed_on(own: &str, text: &str) -> BTreeMap<String, String> {
    let text = text.split("\n#[cfg(test)]\n").next().unwrap();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect();
    let lines = lines.join("\n");
    let mut found = Vec::new();
    for (at, _) in lines
        .match_indices("pub use ")
        .chain(lines.match_indices("pub(crate) use "))
    {
        let path = lines[at..].split_once(" use ").unwrap().1;
        expand("", path.trim_start(), &mut found);
    }
    let last = |path: &String| path.rsplit("::").next().unwrap_or_default().to_owned();
    found
        .iter()
        .map(|path| (last(path), absolute(own, path)))
        .collect()
}

/// The file that a module path leads to, through whatever hands it on.
fn file_of(path: &str, names: &BTreeSet<String>, handed_on: &HandedOn) -> Option<String> {
    let mut path = path.to_owned();
    // Names are handed on a few times at most.
    for _ in 0..9 {
        let parts: Vec<&str> = path.split("::").collect();
        let length = (1..=parts.len())
            .rev()
            .find(|length| names.contains(&parts[..*length].join("::")))?;
        let file = parts[..length].join("::");
        let Some(name) = parts.get(length) else {
            return Some(file);
        };
        match handed_on.get(&file).and_then(|names| names.get(*name)) {
            Some(meant) if *meant != path => {
                let rest = parts[length + 1..].iter().map(|part| format!("::{part}"));
                path = format!("{meant}{}", rest.collect::<String>());
            }
            _ => return Some(file),
        }
    }
    None
}

fn imports(source: &Path) -> Imports {
    let mut files = Vec::new();
    files_below(source, &mut files);
    let module = |path: &Path| {
        let inner = path.strip_prefix(source).unwrap().with_extension("");
        inner.to_string_lossy().replace('/', "::")
    };
    let names: BTreeSet<String> = files.iter().map(|path| module(path)).collect();
    let texts = files
        .iter()
        .map(|path| (module(path), fs::read_to_string(path).unwrap()));
    let texts: BTreeMap<String, String> = texts.collect();
    let handed_on: HandedOn = texts
        .iter()
        .map(|(own, text)| (own.clone(), handed_on(own, text)))
        .collect();
    let mut imports = Imports::new();
    for (own, text) in &texts {
        let found = paths(&code(text))
            .iter()
            .filter_map(|path| file_of(&absolute(own, path), &names, &handed_on))
            .filter(|file| file != own)
            .collect();
        imports.insert(own.clone(), found);
    }
    imports
}

/// A circle through this file, if there is one.
fn circle<'i>(
    file: &'i str,
    imports: &'i Imports,
    way: &mut Vec<&'i str>,
    done: &mut BTreeSet<&'i str>,
) -> Option<String> {
    if let Some(at) = way.iter().position(|seen| *seen == file) {
        return Some(format!("{} -> {file}", way[at..].join(" -> ")));
    }
    if !done.insert(file) {
        return None;
    }
    way.push(file);
    for next in &imports[file] {
        if let Some(found) = circle(next, imports, way, done) {
            return Some(found);
        }
    }
    way.pop();
    None
}

fn no_circle(name: &str) {
    let imports = imports(&crates().join(name).join("src"));
    assert!(imports.len() > 10, "{name}: {} files", imports.len());
    let mut done = BTreeSet::new();
    for file in imports.keys() {
        let found = circle(file, &imports, &mut Vec::new(), &mut done);
        assert_eq!(found, None, "files of {name} import each other");
    }
}

#[test]
fn names_lead_through_what_hands_them_on() {
    let handed = handed_on(
        "room",
        "pub use inner::{Kept, deep::er::Found};\npub use crate::other::Thing;\n",
    );
    assert_eq!(handed["Kept"], "room::inner::Kept");
    assert_eq!(handed["Found"], "room::inner::deep::er::Found");
    assert_eq!(handed["Thing"], "other::Thing");
    let names = ["room", "room::inner", "other"].map(str::to_owned).into();
    let handed_on = HandedOn::from([("room".to_owned(), handed)]);
    let file = |path: &str| file_of(path, &names, &handed_on);
    assert_eq!(file("room::Kept").as_deref(), Some("room::inner"));
    assert_eq!(file("room::Thing").as_deref(), Some("other"));
    assert_eq!(file("room::own").as_deref(), Some("room"));
    assert_eq!(file("elsewhere"), None);
}

#[test]
fn no_file_of_the_library_imports_itself_in_a_circle() {
    no_circle("retrodict");
}

#[test]
fn no_file_of_the_command_line_imports_itself_in_a_circle() {
    no_circle("retrodict-cli");
}

#[test]
fn no_file_of_the_python_package_imports_itself_in_a_circle() {
    no_circle("retrodict-py");
}

#[test]
fn wings_import_only_what_lies_below_them() {
    let rank = |file: &str| {
        let wing = file.split("::").next().unwrap();
        WINGS.iter().position(|w| *w == wing)
    };
    let imports = imports(&crates().join("retrodict/src"));
    for (file, imported) in &imports {
        if file == "lib" {
            continue;
        }
        let own = rank(file).unwrap_or_else(|| panic!("{file} stands in no wing"));
        for other in imported.iter().filter(|other| *other != "lib") {
            let below = rank(other).unwrap();
            assert!(
                below <= own,
                "{file} imports {other}, which stands above it"
            );
        }
    }
}

/// `GaussNewton` of `gauss_newton`.
fn type_of(file: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    file.split('_').map(capital).collect()
}

#[test]
fn simulators_and_update_rules_import_no_other() {
    let imports = imports(&crates().join("retrodict/src"));
    let lines = fs::read_to_string(crates().join("retrodict/src/registry.rs")).unwrap();
    for (file, imported) in &imports {
        for wing in ["simulators", "updates"] {
            let Some(own) = file.strip_prefix(wing).and_then(|f| f.strip_prefix("::")) else {
                continue;
            };
            let own = own.split("::").next().unwrap();
            let registered = |file: &str| lines.contains(&format!(" {},", type_of(file)));
            for other in imported {
                let inner = other.strip_prefix(wing).and_then(|o| o.strip_prefix("::"));
                let Some(other) = inner.and_then(|o| o.split("::").next()) else {
                    continue;
                };
                assert!(
                    other == own || !registered(other) || !registered(own),
                    "{file} imports {wing}::{other}"
                );
            }
        }
    }
}

#[test]
fn the_reader_of_imports_sees_groups_and_parents() {
    let text =
        "use crate::a::{b::{C, d}, E};\npub use own::Part;\nfn f() { super::g::h() } // crate::no";
    let mut found = paths(&code(text));
    found.sort();
    let expected = [
        "crate::a::E",
        "crate::a::b::C",
        "crate::a::b::d",
        "super::g::h",
    ];
    assert_eq!(found, expected);
    let looped: Imports = [("a", "b"), ("b", "c"), ("c", "a")]
        .map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])))
        .into();
    let found = circle("a", &looped, &mut Vec::new(), &mut BTreeSet::new());
    assert_eq!(found.as_deref(), Some("a -> b -> c -> a"));
}

/// Type names that mean two things in a crate, and why they do.
const TWICE: &[(&str, &str, &str)] = &[
    (
        "retrodict",
        "Checkpoint",
        "the state of a run: of a solver, and of a training",
    ),
    (
        "retrodict",
        "Model",
        "what a user writes: of a curve f(t; p), or beside a program or server",
    ),
    (
        "retrodict",
        "Progress",
        "what the observer of a run sees: of a solver, and of a training",
    ),
    (
        "retrodict",
        "Real",
        "the scalars of matrices, and those of a network, which are sealed",
    ),
    (
        "retrodict",
        "StopWhen",
        "when a run ends: of a solver, and of a training",
    ),
    (
        "retrodict-py",
        "Array",
        "what NumPy gets, by the shape that each file hands out",
    ),
];

/// The names of the types that a file defines outside of its unit tests.
fn types(text: &str) -> Vec<String> {
    let text = text.split("\n#[cfg(test)]\n").next().unwrap();
    let named = |line: &str| {
        // A type within an implementation or a trait belongs to that.
        let associated = line.starts_with(' ') && line.trim_start().starts_with("type ");
        let line = line.trim_start();
        let line = match line.strip_prefix("pub(") {
            Some(rest) => rest.split_once(") ")?.1,
            None => line.strip_prefix("pub ").unwrap_or(line),
        };
        let mut kinds = ["struct ", "enum ", "trait ", "type ", "union "].iter();
        let name = kinds.find_map(|kind| line.strip_prefix(kind))?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
        let name = &name[..end.unwrap_or(name.len())];
        let is_type = name.starts_with(|c: char| c.is_uppercase()) && !associated;
        is_type.then(|| name.to_owned())
    };
    text.lines().filter_map(named).collect()
}

#[test]
fn a_type_name_means_one_thing() {
    for name in ["retrodict", "retrodict-cli", "retrodict-py"] {
        let source = crates().join(name).join("src");
        let mut files = Vec::new();
        files_below(&source, &mut files);
        let mut places = BTreeMap::<String, Vec<String>>::new();
        for file in files {
            for found in types(&fs::read_to_string(&file).unwrap()) {
                let file = file.strip_prefix(&source).unwrap().display().to_string();
                places.entry(found).or_default().push(file);
            }
        }
        places.retain(|_, files| files.len() > 1);
        for (found, files) in &places {
            let reason = TWICE
                .iter()
                .find(|(krate, known, _)| *krate == name && known == found);
            assert!(
                reason.is_some(),
                "{name} defines {found} in {}",
                files.join(" and ")
            );
        }
        // What became one thing leaves the list.
        for (_, known, _) in TWICE.iter().filter(|(krate, ..)| *krate == name) {
            assert!(
                places.contains_key(*known),
                "{name} defines {known} only once"
            );
        }
    }
}

#[test]
fn the_reader_of_types_sees_all_kinds() {
    let text = "pub struct A;\npub(super) enum B<T> {}\n    struct C {\ntype D = E;\n    type F = A;\npub trait G: A {}\n\
                struct {}\n#[cfg(test)]\nmod tests { struct H; }";
    assert_eq!(types(text), ["A", "B", "C", "D", "G"]);
}
