//! Globs over the segments of a path: `*`, `?` and `[a-z]` within a segment, `**` for any number of
//! folders, `{a,b}` for either. A `*` never crosses a `/`.

/// One glob without braces, by segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<String>,
}

/// Whether `text` has a character that means something in a glob.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let segments = text.split('/').filter(|part| !part.is_empty()).map(str::to_string);
        Self { segments: segments.collect() }
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether the segments of a path match from end to end.
    pub(crate) fn matches(&self, path: &[&str]) -> bool {
        matches_segments(&self.segments, path)
    }

    /// Whether a segment is hidden, that is begins with `.` or `_`, without the pattern asking for
    /// such a name.
    pub(crate) fn hides(&self, path: &[&str]) -> bool {
        let asks = |mark: char| self.segments.iter().any(|segment| segment.starts_with(mark));
        path.iter().any(|segment| is_hidden(segment) && !segment.starts_with(asks))
    }
}

/// Hidden names: `.x`, `_SUCCESS`, `_delta_log`; but not a partition such as `_day=1`.
pub(crate) fn is_hidden(segment: &str) -> bool {
    segment.starts_with('.') || segment.starts_with('_') && !segment.contains('=')
}

fn matches_segments(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((first, rest)), _) if first == "**" => {
            matches_segments(rest, path)
                || path.split_first().is_some_and(|(_, tail)| matches_segments(pattern, tail))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((name, tail))) => {
            let pattern: Vec<char> = first.chars().collect();
            let name: Vec<char> = name.chars().collect();
            matches_name(&pattern, &name) && matches_segments(rest, tail)
        }
    }
}

fn matches_name(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => {
            (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|n| matches_name(rest, n)))
        }
        Some(('?', rest)) => name.split_first().is_some_and(|(_, tail)| matches_name(rest, tail)),
        Some(('[', rest)) => match class(rest) {
            Some((class, after)) => name
                .split_first()
                .is_some_and(|(letter, tail)| class.contains(*letter) && matches_name(after, tail)),
            None => {
                name.split_first().is_some_and(|(l, tail)| *l == '[' && matches_name(rest, tail))
            }
        },
        Some((letter, rest)) => {
            name.split_first().is_some_and(|(l, tail)| l == letter && matches_name(rest, tail))
        }
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn contains(&self, letter: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != self.negated
    }
}

/// The class that follows a `[`, and what follows its `]`.
fn class(text: &[char]) -> Option<(Class, &[char])> {
    let negated = matches!(text.first(), Some('!' | '^'));
    let text = if negated { text.get(1..)? } else { text };
    // A `]` in the first place stands for itself.
    let end = 1 + text.get(1..)?.iter().position(|letter| *letter == ']')?;
    let mut inside = text.get(..end)?;
    let mut ranges = Vec::new();
    while let Some((low, rest)) = inside.split_first() {
        match rest {
            ['-', high, tail @ ..] => {
                ranges.push((*low, *high));
                inside = tail;
            }
            _ => {
                ranges.push((*low, *low));
                inside = rest;
            }
        }
    }
    Some((Class { negated, ranges }, text.get(end + 1..)?))
}

/// Every text that braces stand for: `a{b,c}d` is `abd` and `acd`. Unbalanced ones stand for
/// themselves.
pub(crate) fn expand_braces(text: &str) -> Vec<String> {
    let Some((before, inside, after)) = first_braces(text) else { return vec![text.to_string()] };
    let tails = expand_braces(after);
    inside
        .iter()
        .flat_map(|choice| expand_braces(choice))
        .flat_map(|choice| {
            tails.iter().map(move |tail| format!("{before}{choice}{tail}")).collect::<Vec<_>>()
        })
        .collect()
}

fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let open = text.find('{')?;
    let mut depth = 0usize;
    let mut begin = open + 1;
    let mut choices = Vec::new();
    for (at, letter) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match letter {
            '{' => depth += 1,
            ',' if depth == 1 => {
                choices.push(text.get(begin..at)?);
                begin = at + 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    choices.push(text.get(begin..at)?);
                    return Some((text.get(..open)?, choices, text.get(at + 1..)?));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).matches(&path.split('/').collect::<Vec<_>>())
    }

    #[test]
    fn stars_stay_within_a_folder() {
        assert!(matches("*.csv", "a.csv"));
        assert!(!matches("*.csv", "b/a.csv"));
        assert!(matches("**/*.csv", "a.csv"));
        assert!(matches("**/*.csv", "b/c/a.csv"));
        assert!(matches("b/**", "b/c/a.csv"));
        assert!(matches("a?[0-9].csv", "ab7.csv"));
        assert!(!matches("a[!0-9].csv", "a7.csv"));
        assert!(matches("year=*/x", "year=2020/x"));
        assert!(matches("[]x].csv", "].csv"));
    }

    #[test]
    fn braces_stand_for_each_choice() {
        assert_eq!(expand_braces("a{b,c{d,e}}f"), ["abf", "acdf", "acef"]);
        assert_eq!(expand_braces("{a,b}{1,2}"), ["a1", "a2", "b1", "b2"]);
        assert_eq!(expand_braces("a{b"), ["a{b"]);
    }

    #[test]
    fn hidden_names_must_be_asked_for() {
        assert!(Pattern::new("**/*.csv").hides(&["_tmp", "a.csv"]));
        assert!(!Pattern::new("_tmp/*.csv").hides(&["_tmp", "a.csv"]));
        assert!(Pattern::new("_tmp/*.csv").hides(&["_tmp", ".a.csv"]));
        assert!(!is_hidden("_day=1"));
    }
}
