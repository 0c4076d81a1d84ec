//! `\plot`: draws the last result.

use std::io::Write;

use super::Call;
use super::help;
use crate::shell::plot::{Collector, PlotSpec};
use crate::shell::sink::Sink;
use crate::shell::state::{Shell, colored, terminal_size};
use crate::shell::stop::{Ran, Stop};

/// Lines left for the caption and the prompt.
const SPARE: usize = 3;

/// `\plot`
pub(super) fn plot(shell: &mut Shell, call: &Call) -> Ran {
    let spec = PlotSpec::parse(&call.rest)?;
    let Some(schema) = shell.last.batches().first().map(|batch| batch.schema()) else {
        let hint = Some("run a query first: \\plot draws its result".to_string());
        return Err(Stop::usage("there is no result to draw", hint));
    };
    let mut collector = Collector::new(&spec, &schema)?;
    for batch in shell.last.batches() {
        collector.push(batch)?;
    }
    let drawing = collector.finish()?;
    if let Some(rows) = shell.last.cut_at() {
        shell.say(&format!("Only the first {rows} rows of the result are drawn."));
    }
    if let Some(path) = &spec.output {
        let name = path.display().to_string();
        let sink = Sink::whole(path);
        let written = sink.and_then(|sink| {
            sink.open(None)?.write_all(drawing.to_document(path).as_bytes())?;
            sink.commit()
        });
        written.map_err(|error| Stop::file(&name, error))?;
        shell.say(&format!("The drawing is in {name}."));
        return Ok(());
    }
    let (width, height) = terminal_size();
    let color = shell.sink.is_terminal() && colored(&std::io::stdout());
    let text = drawing.to_terminal(width, height.saturating_sub(SPARE), color);
    let caption = drawing.caption();
    let rest = if caption.is_empty() { String::new() } else { format!("\n{caption}") };
    help::print(shell, &format!("{}{rest}\n", text.trim_end()))
}
