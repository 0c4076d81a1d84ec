//! The shell: runs text, statement by statement and command by command, and prints what comes of
//! it. The command line runs scripts with it; `interactive` puts an editor in front of it.
//!
//! ```text
//! text ─ script ─┬─ statements ─ run ─┬─ sink ─ output/… ─ terminal, pager or file
//!                └─ commands ─────────┘
//! ```

mod answers;
mod commands;
mod complete;
mod highlight;
mod history;
mod interactive;
mod interrupt;
mod keywords;
mod last;
mod lexer;
pub mod output;
pub mod pager;
mod plain;
pub mod plot;
pub mod progress;
mod prompt;
mod remote;
mod report;
mod run;
mod script;
mod sink;
mod state;
mod stdin;
mod stop;
mod workers;

pub(crate) use answers::{Answers, is_own};
pub use commands::command_list;
pub use interactive::interact;
pub use interrupt::{INTERRUPTED, Interrupts};
pub(crate) use remote::{Address, Link, Login};
pub(crate) use report::Seams;
pub use report::{Report, Source};
pub use state::{Shell, ShellMode};
pub(crate) use state::{colored, table_style};
pub(crate) use stdin::lines as stdin_lines;
pub use stop::{Ran, Stop};
pub(crate) use workers::STACK;
pub use workers::Workers;
