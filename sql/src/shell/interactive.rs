//! The shell for people: an editor with colors, completion and history in front of [`Shell`].

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nu_ansi_term::{Color, Style};
use reedline::{
    DefaultHinter, DescriptionMode, EditCommand, Emacs, IdeMenu, InputMode, KeyCode, KeyModifiers,
    Keybindings, MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult,
    Validator, default_emacs_keybindings,
};
use strata_engine::SessionSettings;

use super::answers::Answers;
use super::complete::{SessionCompleter, functions};
use super::highlight::SqlHighlighter;
use super::prompt::ShellPrompt;
use super::script::{Piece, Pieces, ends_in_command, is_dot_command};
use super::state::{Shell, colored, is_dumb};
use super::stop::{Ran, Stop};
use super::{history, plain};

/// A second Ctrl-C within this time leaves.
pub(super) const TWICE: Duration = Duration::from_secs(2);

const MENU: &str = "completion";

/// Reads from a person and runs what is typed, until they leave.
pub async fn interact(shell: &mut Shell) -> Ran {
    shell.say(&format!(
        "Strata {}. \\? lists the commands, Tab completes, \\q leaves.",
        env!("CARGO_PKG_VERSION")
    ));
    if let Answers::Server(_, link) = &shell.answers {
        shell.say(&link.about());
    }
    let ran = if is_dumb() || !io::stdout().is_terminal() || !io::stderr().is_terminal() {
        plain::interact(shell).await
    } else {
        with_editor(shell).await
    };
    match ran {
        Err(Stop::Quit) => Ok(()),
        ran => ran,
    }
}

async fn with_editor(shell: &mut Shell) -> Ran {
    // Ctrl-C clears the line before it is told of: this says whether there was anything on it.
    let typed = Arc::new(AtomicBool::new(false));
    let prompt = ShellPrompt { typed: Arc::clone(&typed) };
    let mut editor = editor(shell, Arc::clone(&typed));
    let mut pressed: Option<Instant> = None;
    loop {
        typed.store(false, Ordering::Relaxed);
        let signal = match editor.read_line(&prompt) {
            Ok(signal) => signal,
            // The terminal does not answer questions: treat it as a simple one.
            Err(error) => {
                shell.say(&format!(
                    "This terminal cannot be edited on ({error}); going on without."
                ));
                return plain::interact(shell).await;
            }
        };
        match signal {
            Signal::Success(text) => {
                pressed = None;
                // Other shells that start now should find it.
                let _ = editor.sync_history();
                run(shell, &text).await?;
            }
            Signal::CtrlC if typed.load(Ordering::Relaxed) => pressed = None,
            Signal::CtrlC if pressed.is_some_and(|at| at.elapsed() < TWICE) => return Ok(()),
            Signal::CtrlC => {
                pressed = Some(Instant::now());
                shell.say("(once more to leave, or \\q)");
            }
            Signal::CtrlD => return Ok(()),
            _ => {}
        }
    }
}

/// Runs what was typed. Only leaving ends the shell; anything else that goes wrong ends the text.
async fn run(shell: &mut Shell, text: &str) -> Ran {
    shell.interrupts.forget();
    for piece in Pieces::of(text) {
        if !run_piece(shell, &piece).await? {
            break;
        }
    }
    Ok(())
}

/// Runs one piece; tells whether to go on with what was typed behind it.
pub(super) async fn run_piece(shell: &mut Shell, piece: &Piece) -> Ran<bool> {
    match shell.run_piece(piece).await {
        Ok(()) => return Ok(true),
        Err(Stop::Quit) => return Err(Stop::Quit),
        Err(Stop::Cancelled) => eprintln!("cancelled"),
        // The pager was left before its end, or what went wrong has been told.
        Err(Stop::BrokenPipe | Stop::Failed) => {}
        Err(Stop::Error(error)) => shell.tell(&error, super::Source::default()),
    }
    Ok(false)
}

fn editor(shell: &Shell, typed: Arc<AtomicBool>) -> Reedline {
    let names: HashSet<String> =
        functions::functions(&shell.session).into_iter().map(|function| function.name).collect();
    let mut keys = default_emacs_keybindings();
    bind(&mut keys);
    let mut editor = Reedline::create()
        .with_ansi_colors(colored(&io::stderr()))
        .with_highlighter(Box::new(SqlHighlighter::new(Arc::new(names), typed)))
        .with_validator(Box::new(StatementValidator))
        .with_completer(Box::new(SessionCompleter::new(
            shell.session.clone(),
            &shell.answers,
            &shell.workers,
        )))
        .with_hinter(Box::new(
            DefaultHinter::default().with_style(Style::new().fg(Color::DarkGray)),
        ))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_history_exclusion_prefix(Some(" ".to_string()))
        .use_bracketed_paste(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu())))
        .with_edit_mode(Box::new(Emacs::new(keys)));
    match history::open(shell.session.settings().strata().shell.history) {
        Some(Ok(kept)) => editor = editor.with_history(Box::new(kept)),
        Some(Err(error)) => shell.say(&format!("The history is not kept: {error}")),
        None => {}
    }
    editor
}

fn menu() -> IdeMenu {
    IdeMenu::default()
        .with_name(MENU)
        .with_marker("")
        .with_input_mode(InputMode::FullBuffer)
        .with_word_chars("_.\"'/\\-")
        .with_min_completion_width(10)
        .with_max_completion_width(50)
        .with_max_completion_height(10)
        .with_max_description_width(60)
        .with_description_mode(DescriptionMode::PreferRight)
        .with_correct_cursor_pos(true)
        .with_text_style(Style::new())
        .with_selected_text_style(Style::new().reverse())
        .with_match_text_style(Style::new().bold())
        .with_selected_match_text_style(Style::new().bold().reverse())
        .with_description_text_style(Style::new().fg(Color::DarkGray))
}

fn bind(keys: &mut Keybindings) {
    let until = ReedlineEvent::UntilFound;
    let edit = |command| ReedlineEvent::Edit(vec![command]);
    let menu = vec![ReedlineEvent::Menu(MENU.to_string()), ReedlineEvent::MenuNext];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, until(menu));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, edit(EditCommand::InsertNewline));
}

/// Enter runs what is whole, and begins a new line in what is not.
struct StatementValidator;

impl Validator for StatementValidator {
    fn validate(&self, text: &str) -> ValidationResult {
        if is_whole(text) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

fn is_whole(text: &str) -> bool {
    text.trim().is_empty()
        || is_dot_command(text)
        || ends_in_command(text)
        || crate::is_complete(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_runs_what_is_whole() {
        for text in ["", "  ", "\\dt", ".tables", "SELECT 1;", "SELECT 1 \\watch", "t.head(1)"] {
            assert!(is_whole(text), "{text}");
        }
        for text in ["SELECT 1", "SELECT ';", "t.filter(x >", "SELECT '\\dt"] {
            assert!(!is_whole(text), "{text}");
        }
    }
}
