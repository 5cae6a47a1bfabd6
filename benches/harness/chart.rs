//! The report as a page and a picture: every row's ratios on a logarithmic axis, a dot per round and a mark at the median.

use std::fmt::Write;

use crate::args::Args;
use crate::curve_chart;
use crate::row::Row;
use crate::stats::Spread;
use crate::table::{machine, times, value, verdict};
use crate::{Ours, Peer};

const LINE: f64 = 16.0;
const GAP: f64 = 10.0;
const LEFT: f64 = 220.0;
const PLOT: f64 = 640.0;
const TOP: f64 = 34.0;
/// Ratios beyond these stand at the border.
const LOWEST: f64 = 0.25;
const HIGHEST: f64 = 64.0;
const TICKS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

const PICTURE_STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#222}.grid{stroke:#ddd}.one{stroke:#222;stroke-width:1.5}\
.tokio{fill:#2563eb;stroke:#2563eb}.smol{fill:#059669;stroke:#059669}.beside{fill:#b45309;stroke:#b45309}\
circle{stroke:none;opacity:.35}line.mark{stroke-width:3}.name{text-anchor:end}.tick{text-anchor:middle}";

const PAGE_STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}\
th:first-child,td:first-child,td:nth-child(2),th:nth-child(2){text-align:left}pre{overflow-x:auto}svg{max-width:100%}\
.bad{color:#b91c1c;font-weight:600}";

/// The picture alone.
pub(crate) fn svg(rows: &[Row]) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for row in rows {
        let peers: Vec<_> = row.columns.iter().filter(|column| row.ratio(column).is_some()).collect();
        let peers: Vec<_> = peers.into_iter().filter(|column| column.peer != Ours::NAME).collect();
        if peers.is_empty() {
            continue;
        }
        let name_y = y + LINE * peers.len() as f64 / 2.0 + 4.0;
        add(
            &mut body,
            format_args!(r#"<text class="name" x="{}" y="{name_y}">{}</text>"#, LEFT - 14.0, escape(&row.name)),
        );
        for column in peers {
            let ratios = row.ratios(column);
            let class = if ["tokio", "smol"].contains(&column.peer) { column.peer } else { "beside" };
            let middle = y + LINE / 2.0;
            for ratio in &ratios {
                add(&mut body, format_args!(r#"<circle class="{class}" cx="{:.1}" cy="{middle}" r="3"/>"#, x(*ratio)));
            }
            let median = Spread::of(&ratios).median;
            let (top, bottom, at) = (y + 2.0, y + LINE - 2.0, x(median));
            add(
                &mut body,
                format_args!(r#"<line class="{class} mark" x1="{at:.1}" x2="{at:.1}" y1="{top}" y2="{bottom}"/>"#),
            );
            let label = format!("{} {}", times(median), column.peer);
            add(
                &mut body,
                format_args!(r#"<text x="{}" y="{}">{}</text>"#, LEFT + PLOT + 12.0, middle + 4.0, escape(&label)),
            );
            y += LINE;
        }
        y += GAP;
    }
    let mut grid = String::new();
    for tick in TICKS {
        let (class, at) = (if tick == 1.0 { "one" } else { "grid" }, x(tick));
        add(
            &mut grid,
            format_args!(r#"<line class="{class}" x1="{at:.1}" x2="{at:.1}" y1="{}" y2="{y}"/>"#, TOP - 6.0),
        );
        add(&mut grid, format_args!(r#"<text class="tick" x="{at:.1}" y="{}">{tick}x</text>"#, TOP - 12.0));
    }
    let (width, height) = (LEFT + PLOT + 120.0, y + 8.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>{PICTURE_STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{grid}{body}</svg>\n"
    )
}

/// The whole page; it needs nothing but itself.
pub(crate) fn page(rows: &[Row], args: &Args) -> String {
    let command = format!(
        "{} workers each, {} ms a measurement{}",
        args.workers,
        args.mode.target().as_millis(),
        if args.names.is_empty() { String::new() } else { format!(", picked: {}", args.names.join(" ")) }
    );
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>runtime: benchmarks</title>\n\
         <style>{PAGE_STYLE}</style>\n<h1>Ours against the peers</h1>\n<p>{}<br>{}</p>\n<pre>{}</pre>\n\
         <p>Ratio = peer / ours, both of the same round: right of 1x, ours is better. A dot is a round, the mark their \
         median.</p>\n{}{}<h2>Values</h2>\n{}</html>\n",
        escape(&machine()),
        escape(&command),
        escape(verdict(rows).trim()),
        svg(rows),
        curve_chart::section(rows),
        values(rows)
    )
}

fn values(rows: &[Row]) -> String {
    let mut text = String::from(
        "<table><tr><th>workload<th>peer<th>median<th>min<th>max<th>cpu per op<th>ratio<th>min<th>max<th>cpu ratio\n",
    );
    for row in rows {
        for (index, column) in row.columns.iter().enumerate() {
            let spread = Spread::of(&column.values);
            let name = if index == 0 { escape(&row.name) } else { String::new() };
            let cpu = (!column.cpu_ns.is_empty()).then(|| value(Spread::of(&column.cpu_ns).median, "ns"));
            let ratio = row.ratio(column).filter(|_| column.peer != Ours::NAME);
            let shown = |number: Option<f64>| number.map_or(String::new(), times);
            let class = if ratio.is_some_and(|ratio| ratio.median < 1.0) { " class=bad" } else { "" };
            add(
                &mut text,
                format_args!(
                    "<tr><td>{name}<td>{}<td>{}<td>{}<td>{}<td>{}<td{class}>{}<td>{}<td>{}<td>{}",
                    escape(column.peer),
                    value(spread.median, row.unit),
                    value(spread.min, row.unit),
                    value(spread.max, row.unit),
                    cpu.unwrap_or_default(),
                    shown(ratio.map(|ratio| ratio.median)),
                    shown(ratio.map(|ratio| ratio.min)),
                    shown(ratio.map(|ratio| ratio.max)),
                    shown(ratio.and_then(|_| row.cpu_ratio(column)).map(|ratio| ratio.median)),
                ),
            );
        }
    }
    text.push_str("</table>\n");
    text
}

pub(crate) fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes all");
}

fn x(ratio: f64) -> f64 {
    let part = (ratio.clamp(LOWEST, HIGHEST) / LOWEST).ln() / (HIGHEST / LOWEST).ln();
    LEFT + PLOT * part
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn the_axis_is_logarithmic_and_bounded() {
        assert_eq!(x(LOWEST), LEFT);
        assert_eq!(x(HIGHEST), LEFT + PLOT);
        assert_eq!(x(1e9), LEFT + PLOT);
        assert!((x(2.0) - x(1.0) - (x(4.0) - x(2.0))).abs() < 1e-9);
    }

    #[test]
    fn a_dot_per_round_and_a_mark_per_peer() {
        let rows = [row("a<b", 0.0, &[("ours", &[1.0, 1.0]), ("tokio", &[2.0, 3.0]), ("rayon", &[0.5, 0.5])])];
        let text = svg(&rows);
        assert_eq!(text.matches("<circle").count(), 4);
        assert_eq!(text.matches("mark\"").count(), 2);
        assert!(text.contains("a&lt;b") && !text.contains("a<b"));
        let args = Args::parse(["--bench".to_owned()]).expect("valid");
        let page = page(&rows, &args);
        assert!(page.contains("<td class=bad>0.50x") && page.contains(text.trim()), "{page}");
    }
}
