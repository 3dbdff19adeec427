//! What the documents at the root say is true: paths exist, links lead somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_paths_that_architecture_names_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let tree = text.split("```").nth(1).unwrap();
    let mut crate_folder = PathBuf::new();
    let mut named = 0;
    for line in tree.lines().skip(1) {
        for word in line.split_whitespace() {
            let inner =
                line.starts_with("  ") && (word.starts_with("src/") || word.starts_with("tests/"));
            let outer = !line.starts_with(' ') && word.contains('/') && word.ends_with('/');
            if outer {
                crate_folder = root().join(word);
            }
            let word = word.trim_end_matches([',', ';']);
            let path = if inner {
                crate_folder.join(word)
            } else {
                root().join(word)
            };
            if inner || outer {
                assert!(path.exists(), "{word} in `{line}`");
                named += 1;
            }
        }
    }
    assert!(named > 30, "only {named} paths were found");
}

/// Every file and folder directly in a `src` stands on the map, by the room that it is in.
#[test]
fn the_map_of_architecture_is_complete() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let tree = text.split("```").nth(1).unwrap();
    let mut rooms = std::collections::BTreeMap::<String, String>::new();
    let mut room = String::new();
    for line in tree.lines() {
        if let Some(name) = line
            .split(' ')
            .next()
            .filter(|word| word.starts_with("crates/"))
        {
            name.clone_into(&mut room);
        }
        rooms.entry(room.clone()).or_default().push_str(line);
    }
    for name in ["retrodict", "retrodict-cli", "retrodict-py"] {
        let map = &rooms[&format!("crates/{name}/")];
        for entry in fs::read_dir(root().join("crates").join(name).join("src")).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let shown = format!("src/{file}{}", if path.is_dir() { "/" } else { "" });
            // A folder is the inside of the file of its name.
            let known =
                map.contains(&shown) || path.is_dir() && map.contains(&format!("src/{file}.rs"));
            assert!(known, "crates/{name}/{shown} is not on the map");
        }
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    fn look(folder: &Path, seen: &mut usize) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, seen);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let first = text.lines().next().unwrap_or_default();
                let words = first.strip_prefix("//! ").unwrap_or_default();
                assert!(words.len() > 4, "{}: {first}", path.display());
                *seen += 1;
            }
        }
    }
    let mut seen = 0;
    for name in ["retrodict", "retrodict-cli", "retrodict-py"] {
        look(&root().join("crates").join(name).join("src"), &mut seen);
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut pages = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for folder in ["docs/src", "docs/src/theory"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                pages.push(
                    path.strip_prefix(root())
                        .unwrap()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    for page in &pages {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for piece in text.split("](").skip(1) {
            let target = piece.split(')').next().unwrap().split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = root().join(page).parent().unwrap().join(target);
            assert!(path.exists(), "{page}: {target}");
        }
    }
    assert!(pages.len() > 15);
}
