//! The drawing as an HTML page.

use super::data::PlotData;

pub(super) use crate::shell::output::escape;

/// A page with the drawing and its caption.
pub(super) fn page(data: &PlotData) -> String {
    let title = escape(&data.title());
    let caption = match data.caption() {
        caption if caption.is_empty() => String::new(),
        caption => format!("<figcaption>{}</figcaption>\n", escape(&caption)),
    };
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 2rem; font: 14px/1.5 system-ui, sans-serif; background: #f4f5f7; color: #5b6472; }}
figure {{ margin: 0 auto; max-width: 860px; }}
svg {{ display: block; width: 100%; border-radius: 8px; }}
figcaption {{ padding: .75rem .25rem; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #0e1014; color: #a3acba; }} }}
</style>
</head>
<body>
<figure>
{}{caption}</figure>
</body>
</html>
",
        data.to_svg()
    )
}

#[cfg(test)]
mod tests {
    use super::super::collect::tests::{collect, floats, texts};
    use crate::error::Result;

    #[test]
    fn a_page_has_the_drawing_and_its_caption() -> Result<()> {
        let columns = vec![("t", texts(&["a", "b"])), ("n", floats(&[1.0, f64::NAN]))];
        let html = collect("title='A & B'", columns)?.to_html();
        assert!(html.contains("<title>A &amp; B</title>") && html.contains("<svg "));
        let caption = "<figcaption>1 row without a number skipped</figcaption>";
        assert!(html.contains(caption), "{html}");
        Ok(())
    }
}
