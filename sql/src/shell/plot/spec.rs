//! What a person asks to have drawn: `\plot line x=day y=low,high title='Temperatures' out.svg`.

use std::path::PathBuf;

use super::refuse;
use crate::error::Result;

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A bar for each row.
    Bar,
    /// Points joined in the order of x.
    Line,
    /// Points.
    Scatter,
    /// A shaded cell for each pair.
    Heat,
}

impl Kind {
    const NAMES: [(&'static str, Self); 4] = [
        ("bar", Self::Bar),
        ("line", Self::Line),
        ("scatter", Self::Scatter),
        ("heat", Self::Heat),
    ];

    /// The word by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Scatter => "scatter",
            Self::Heat => "heat",
        }
    }
}

/// What to draw. Whatever is not said is chosen by the columns' types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlotSpec {
    /// How to draw.
    pub kind: Option<Kind>,
    /// The column along the horizontal axis, or of the bars' names.
    pub x: Option<String>,
    /// The columns that are drawn. For heat: the vertical axis and the value.
    pub y: Vec<String>,
    /// What stands above.
    pub title: Option<String>,
    /// The `.svg` or `.html` file to write, instead of drawing in the terminal.
    pub output: Option<PathBuf>,
}

const USAGE: &str = "\\plot [bar|line|scatter|heat] [x=column] [y=column,column] \
                     [title='text'] [file.svg|file.html]";

impl PlotSpec {
    /// Reads the words after `\plot`. A name or title with spaces stands in quotes.
    pub fn parse(words: &str) -> Result<Self> {
        let mut spec = Self::default();
        for word in split(words)? {
            match word.key_and_value() {
                Some((key, value)) => match key.as_str() {
                    "x" => spec.x = Some(value.text()),
                    "y" => spec.y.extend(value.list()),
                    "title" => spec.title = Some(value.text()),
                    "kind" => spec.kind = Some(kind(&value.text())?),
                    other => {
                        return Err(refuse(format!("a plot has no setting '{other}'"), USAGE));
                    }
                },
                None => {
                    let text = word.text();
                    match PathBuf::from(&text).extension().and_then(|ending| ending.to_str()) {
                        Some("svg" | "html" | "htm") => spec.output = Some(text.into()),
                        Some(ending) => {
                            return Err(refuse(
                                format!("a plot cannot be written as '{ending}'"),
                                "name a file that ends in .svg or .html",
                            ));
                        }
                        None => spec.kind = Some(kind(&text)?),
                    }
                }
            }
        }
        Ok(spec)
    }
}

fn kind(word: &str) -> Result<Kind> {
    let word = word.to_lowercase();
    if let Some((_, kind)) = Kind::NAMES.iter().find(|(name, _)| *name == word) {
        return Ok(*kind);
    }
    let nearest = Kind::NAMES
        .iter()
        .map(|(name, _)| (strsim::damerau_levenshtein(&word, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let message = format!("'{word}' is no kind of plot");
    Err(match nearest {
        Some((_, name)) => refuse(message, format!("did you mean '{name}'? {USAGE}")),
        None => refuse(message, USAGE),
    })
}

/// A word; each character with whether it stood in quotes, where it means only itself.
struct Word(Vec<(char, bool)>);

impl Word {
    fn text(&self) -> String {
        self.0.iter().map(|(c, _)| c).collect()
    }

    fn key_and_value(&self) -> Option<(String, Self)> {
        let at = self.0.iter().position(|c| *c == ('=', false))?;
        let (key, value) = self.0.split_at(at);
        let key: String = key.iter().map(|(c, _)| c.to_ascii_lowercase()).collect();
        Some((key, Self(value.iter().skip(1).copied().collect())))
    }

    fn list(&self) -> impl Iterator<Item = String> {
        self.0
            .split(|c| *c == (',', false))
            .map(|part| part.iter().map(|(c, _)| c).collect::<String>())
            .filter(|part| !part.is_empty())
    }
}

fn split(words: &str) -> Result<Vec<Word>> {
    let mut found = Vec::new();
    let mut word: Option<Vec<(char, bool)>> = None;
    let mut chars = words.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        // A doubled quote stands for itself.
                        Some(next) if next == c => match chars.next_if_eq(&c) {
                            Some(_) => word.push((c, true)),
                            None => break,
                        },
                        Some(next) => word.push((next, true)),
                        None => return Err(refuse("a quote is not closed", USAGE)),
                    }
                }
            }
            c if c.is_whitespace() => found.extend(word.take().map(Word)),
            c => word.get_or_insert_default().push((c, false)),
        }
    }
    found.extend(word.map(Word));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn everything_can_be_said() -> Result<()> {
        let spec = PlotSpec::parse(
            "LINE x=day y=low,\"the high, really\" title='It''s hot = fun' out.svg",
        )?;
        assert_eq!(
            spec,
            PlotSpec {
                kind: Some(Kind::Line),
                x: Some("day".into()),
                y: vec!["low".into(), "the high, really".into()],
                title: Some("It's hot = fun".into()),
                output: Some("out.svg".into()),
            }
        );
        assert_eq!(PlotSpec::parse("  ")?, PlotSpec::default());
        Ok(())
    }

    #[test]
    fn mistakes_are_met_with_help() {
        for (words, message, hint) in [
            ("scater", "'scater' is no kind of plot", "did you mean 'scatter'?"),
            ("z=1", "a plot has no setting 'z'", "\\plot [bar"),
            ("a.png", "a plot cannot be written as 'png'", ".svg or .html"),
            ("title='open", "a quote is not closed", "\\plot [bar"),
        ] {
            match PlotSpec::parse(words) {
                Err(Error::Text { message: found, hint: Some(help), .. }) => {
                    assert_eq!(found, message);
                    assert!(help.contains(hint), "{help}");
                }
                other => unreachable!("{words}: {other:?}"),
            }
        }
    }
}
