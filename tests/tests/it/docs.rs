//! Keeps the book in step with the code: its examples are run, what is said about verbs, settings,
//! commands and arguments is what the code says, and its links lead somewhere.
//!
//! ```text
//! ```sql run             is run, in one session a page; the ```text block below it is its output
//! <!-- verb filter -->   up to <!-- end -->: a verb's signature and description
//! <!-- help config -->   up to <!-- end -->: what `strata config --help` prints
//! ```
//!
//! `STRATA_BLESS=1 cargo test -p strata-tests docs` writes all of it into the pages.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use datafusion::execution::context::SessionContext;
use futures::TryStreamExt;
use strata::shell::output::{Format, Style};
use strata::shell::{Report, Source};
use strata::{Outcome, Settings};
use strata_engine::{LocalRunner, Origin, Runner};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const END: &str = "<!-- end -->";
const EXAMPLE: &str = "```sql run";
const OUTPUT: &str = "```text";
const FENCE: &str = "```";

#[tokio::test]
async fn the_book_is_what_the_code_says() -> Done {
    let bless = std::env::var_os("STRATA_BLESS").is_some();
    let mut wrong = Vec::new();
    for page in pages()? {
        let is = fs::read_to_string(&page)?;
        let wanted = if page.ends_with("settings.md") {
            strata::cli::settings_page()
        } else {
            run_examples(&fill_blocks(&is)?).await?
        };
        if is != wanted && bless {
            fs::write(&page, wanted)?;
        } else if is != wanted {
            wrong.push(difference(&page, &is, &wanted));
        }
    }
    let remedy = "STRATA_BLESS=1 cargo test -p strata-tests docs writes the pages anew";
    assert!(wrong.is_empty(), "{}\n{remedy}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_verb_has_its_place() -> Done {
    let page = fs::read_to_string(book().join("verbs.md"))?;
    for (name, _, _) in strata::verbs() {
        assert!(page.contains(&format!("\n### {name}\n")), "verbs.md has no heading for {name}");
        assert!(page.contains(&verb_mark(name)), "verbs.md has no `{}`", verb_mark(name));
    }
    Ok(())
}

#[test]
fn every_page_is_in_the_summary() -> Done {
    let summary = fs::read_to_string(book().join("SUMMARY.md"))?;
    for page in pages()? {
        let name = page.strip_prefix(book())?.display().to_string();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name}");
    }
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> Done {
    let mut files = pages()?;
    files.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut broken = Vec::new();
    for file in files {
        for link in links(&fs::read_to_string(&file)?) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = file.parent().unwrap_or(Path::new("."));
            let target = if path.is_empty() { file.clone() } else { folder.join(path) };
            let leads = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target)?).contains(anchor));
            if !leads {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn book() -> PathBuf {
    root().join("docs/src")
}

/// Every page of the book, in the order of their names.
fn pages() -> Done<Vec<PathBuf>> {
    let mut pages = Vec::new();
    let mut folders = vec![book()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// The first line in which two texts differ.
fn difference(page: &Path, is: &str, wanted: &str) -> String {
    let (mut left, mut right) = (is.lines(), wanted.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (is, wanted) = (left.next(), right.next());
        if is != wanted || is.is_none() {
            let shown = |text: Option<&str>| text.unwrap_or("(the end)").to_string();
            let page = page.display();
            return format!("{page}:{line}:\n  is      {}\n  wanted  {}", shown(is), shown(wanted));
        }
    }
}

fn verb_mark(name: &str) -> String {
    format!("<!-- verb {name} -->")
}

/// Writes what the code says between the marks that ask for it.
fn fill_blocks(page: &str) -> Done<String> {
    let mut filled = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let mark = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
        let Some(text) = mark.and_then(generated) else { continue };
        filled.push_str(&text?);
        lines.find(|line| *line == END).ok_or_else(|| format!("{line}: there is no {END}"))?;
        filled.push_str(END);
        filled.push('\n');
    }
    Ok(filled)
}

/// What a mark asks for; none where it is a comment like any other.
fn generated(mark: &str) -> Option<Done<String>> {
    let mut words = mark.split(' ');
    let kind = words.next()?;
    let words: Vec<&str> = words.collect();
    let fenced = |text: &str| {
        let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        format!("{OUTPUT}\n{}\n{FENCE}\n", lines.join("\n"))
    };
    let found = match kind {
        "verb" => strata::verbs()
            .find(|(name, _, _)| words == [*name])
            .map(|(_, signature, doc)| format!("{}\n{doc}\n", fenced(signature))),
        "help" => strata::cli::help(&words).map(|help| fenced(&help)),
        "shell" => Some(fenced(&strata::shell::command_list())),
        "rules" => {
            let rows = strata_engine::ArrayRule::ALL.iter();
            let rows = rows.map(|rule| format!("| `{}` | {} |\n", rule.name(), rule.about()));
            Some(format!("\n| rule | what it does |\n|---|---|\n{}\n", rows.collect::<String>()))
        }
        _ => return None,
    };
    Some(found.ok_or_else(|| format!("<!-- {mark} -->: there is no such thing").into()))
}

/// Runs a page's examples, one after the other, and writes their outputs below them.
async fn run_examples(page: &str) -> Done<String> {
    // What plans look like depends on how many cores there are.
    let mut settings = Settings::default();
    settings.set("datafusion.execution.target_partitions", "2", Origin::Session)?;
    let session = strata::session(settings)?;
    let mut run = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        run.push_str(line);
        run.push('\n');
        if line != EXAMPLE {
            continue;
        }
        let example: Vec<&str> = lines.by_ref().take_while(|line| *line != FENCE).collect();
        let example = example.join("\n");
        let answer = answer(&session, &example).await?;
        run.push_str(&format!("{example}\n{FENCE}\n"));
        if lines.peek() == Some(&"") {
            lines.next();
            run.push('\n');
        }
        if lines.peek() == Some(&OUTPUT) {
            lines.by_ref().find(|line| *line == FENCE);
            run.push_str(&format!("{OUTPUT}\n{answer}{FENCE}\n"));
        } else if !answer.is_empty() {
            return Err(format!("{example}\nhas an output, and no block for it:\n{answer}").into());
        }
    }
    Ok(run)
}

/// What the shell would print.
async fn answer(session: &SessionContext, text: &str) -> Done<String> {
    let printed = Printed::default();
    if let Err(error) = print(session, text, &printed).await {
        let source = Source { text, ..Source::default() };
        let report = Report::of(&error).render(source, false);
        printed.clone().write_all(report.as_bytes())?;
    }
    let bytes = printed.0.lock().map_err(|error| error.to_string())?.clone();
    Ok(String::from_utf8(bytes)?)
}

async fn print(session: &SessionContext, text: &str, to: &Printed) -> strata::Result<()> {
    let style = Style { max_rows: 0, ..Style::default() };
    let broken = |error: io::Error| strata::Error::File {
        path: "memory".to_string(),
        reason: error.to_string(),
    };
    for statement in strata::parse(text)? {
        let Outcome::Rows(plan) = strata::execute(session, &statement).await? else { continue };
        let stream = LocalRunner.run(session, plan).await?.stream;
        let schema = stream.schema();
        let batches: Vec<_> = stream.try_collect().await?;
        if schema.fields().is_empty() {
            continue;
        }
        let mut writer = Format::Table.writer(&style, Box::new(to.clone()));
        writer.begin(&schema).map_err(broken)?;
        for batch in &batches {
            writer.batch(batch).map_err(broken)?;
        }
        writer.finish().map_err(broken)?;
    }
    Ok(())
}

/// A text that grows.
#[derive(Debug, Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|error| io::Error::other(error.to_string()))?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A page without its code: links and headings in there are none.
fn prose(page: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.starts_with(FENCE) {
            inside = !inside;
        } else if !inside {
            text.extend(line.split('`').step_by(2).chain(["\n"]));
        }
    }
    text
}

/// The targets of a page's links, without those that lead out of the source tree.
fn links(page: &str) -> Vec<String> {
    let text = prose(page).replace('\n', " ");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(str::to_string).collect()
}

/// What a page's headings are called in links.
fn anchors(page: &str) -> HashSet<String> {
    let mut inside = false;
    let headings = page.lines().filter(|line| {
        inside ^= line.starts_with(FENCE);
        !inside && line.starts_with('#')
    });
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept =
                words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
