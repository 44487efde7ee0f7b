//! `xtask documents`: every relative link of a Markdown file leads somewhere, and where its text is a name in code and its
//! target a source file, that file has a function of this name. So a page of conformance cannot name a test that is gone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::workspace::Workspace;

/// Where Markdown files are.
const PLACES: &[&str] = &[".", "docs", "docs/adr", "docs/conformance", "docs/en", "docs/fr"];

/// Checks every document.
pub fn run() -> anyhow::Result<()> {
    let root = Workspace::read()?.workspace_root;
    let (mut broken, mut checked) = (Vec::new(), 0);
    for file in documents(&root)? {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let dir = file.parent().context("a file is in a directory")?;
        for link in links(&text) {
            checked += 1;
            if let Some(reason) = wrong(dir, &link) {
                let file = file.strip_prefix(&root).unwrap_or(&file).display();
                broken.push(format!("{file}: [{}]({}) {reason}", link.text, link.target));
            }
        }
    }
    for line in &broken {
        eprintln!("documents: {line}");
    }
    if !broken.is_empty() {
        bail!("{} of {checked} links lead nowhere", broken.len());
    }
    println!("documents: {checked} links lead somewhere");
    Ok(())
}

fn documents(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for place in PLACES
        .iter()
        .map(|place| root.join(place))
        .filter(|place| place.is_dir())
    {
        for entry in fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `[text](target)` to a place in this repository.
#[derive(Debug, PartialEq)]
struct Link<'a> {
    text: &'a str,
    target: &'a str,
}

fn links(text: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if is_code {
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](") {
            let Some((target, next)) = after.split_once(')') else {
                break;
            };
            let text = before.rsplit('[').next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with('#') {
                found.push(Link { text, target });
            }
            rest = next;
        }
    }
    found
}

fn wrong(dir: &Path, link: &Link<'_>) -> Option<&'static str> {
    let path = dir.join(link.target.split('#').next().unwrap_or_default());
    if !path.exists() {
        return Some("is not there");
    }
    let is_source = path
        .extension()
        .is_some_and(|extension| extension == "rs" || extension == "py");
    let name = link.text.strip_prefix('`')?.strip_suffix('`')?;
    if !is_source {
        return None;
    }
    let source = fs::read_to_string(&path).unwrap_or_default();
    let is_there = [format!("fn {name}("), format!("def {name}(")]
        .iter()
        .any(|head| source.contains(head));
    (!is_there).then_some("has no function of this name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_repository_are_found_and_others_left() {
        let text = "[a](b.md), [`t`](../x.rs#L3) [web](https://example.org/) [here](#here)\n```\n[no](no.md)\n```\n";
        let targets: Vec<_> = links(text).into_iter().map(|link| (link.text, link.target)).collect();
        assert_eq!(targets, [("a", "b.md"), ("`t`", "../x.rs#L3")]);
    }

    #[test]
    fn a_test_that_is_gone_is_found() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let said = |text, target| wrong(&dir, &Link { text, target });
        assert_eq!(said("`run`", "documents.rs"), None);
        assert_eq!(said("`walk`", "documents.rs"), Some("has no function of this name"));
        assert_eq!(said("`run`", "nowhere.rs"), Some("is not there"));
        assert_eq!(said("the chores", "main.rs"), None);
    }
}
