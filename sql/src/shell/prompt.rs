//! The prompt, and the mark in front of the further lines of a statement.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};

/// In front of a statement.
pub(crate) const FIRST: &str = "strata> ";
/// In front of its further lines.
pub(crate) const MORE: &str = "   ...> ";

/// The prompt of the shell.
pub(crate) struct ShellPrompt {
    /// Set when the history is searched.
    pub(crate) typed: Arc<AtomicBool>,
}

impl Prompt for ShellPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(FIRST)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed(MORE)
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        self.typed.store(true, Ordering::Relaxed);
        let nothing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing like ",
        };
        Cow::Owned(format!("(history: {nothing}{}) ", search.term))
    }
}
