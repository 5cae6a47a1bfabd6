//! Distributions as pictures: a line per peer, the part of the samples across (stretched towards the rare ones), the value
//! upwards on a logarithmic axis.

use crate::chart::{add, escape};
use crate::curve::{Curve, PARTS};
use crate::row::Row;
use crate::table::value;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
/// The rarest part on the axis: the last one, the maximum, stands there.
const RAREST: f64 = 1e-5;
const LABELS: [(f64, &str); 6] =
    [(0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (1.0, "max")];

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#222}.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}\
.ours{stroke:#b91c1c;fill:#b91c1c}.tokio{stroke:#2563eb;fill:#2563eb}.smol{stroke:#059669;fill:#059669}\
.beside{stroke:#b45309;fill:#b45309}polyline.ours,polyline.tokio,polyline.smol,polyline.beside{fill:none}\
text.ours,text.tokio,text.smol,text.beside{stroke:none}.tick{text-anchor:middle}.side{text-anchor:end}";

/// File name and picture of every row that has a distribution.
pub(crate) fn pictures(rows: &[Row]) -> Vec<(String, String)> {
    let picture = |row: &Row| Some((format!("{}.svg", row.name.replace('/', "-")), svg(row)?));
    rows.iter().filter_map(picture).collect()
}

/// The page's part with all pictures; empty without any.
pub(crate) fn section(rows: &[Row]) -> String {
    let pictures: Vec<String> = rows.iter().filter_map(svg).collect();
    if pictures.is_empty() { String::new() } else { format!("<h2>Distributions</h2>\n{}", pictures.join("\n")) }
}

fn svg(row: &Row) -> Option<String> {
    let median = |column: &crate::row::Column| Some((column.peer, Curve::median(&column.curves)?));
    let curves: Vec<_> = row.columns.iter().filter_map(median).collect();
    let shown = curves.iter().flat_map(|(_, curve)| curve.values()).map(|value| value.max(1.0));
    let (low, high) = shown.fold((f64::INFINITY, 1.0f64), |(low, high), value| (low.min(value), high.max(value)));
    if curves.is_empty() {
        return None;
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil().max(low.log10().floor() + 1.0));
    let y = |value: f64| TOP + HEIGHT * (high - value.max(1.0).log10()) / (high - low);
    let mut body = String::new();
    add(
        &mut body,
        format_args!(r#"<text x="{LEFT}" y="16">{}: distribution, median of the rounds</text>"#, escape(&row.name)),
    );
    for power in low as i32..=high as i32 {
        let at = y(10f64.powi(power));
        add(
            &mut body,
            format_args!(r#"<line class="grid" x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}"/>"#, LEFT + WIDTH),
        );
        let label = value(10f64.powi(power), "ns");
        add(&mut body, format_args!(r#"<text class="side" x="{}" y="{:.1}">{label}</text>"#, LEFT - 8.0, at + 4.0));
    }
    for (part, label) in LABELS {
        let (at, bottom) = (x(part), TOP + HEIGHT);
        add(&mut body, format_args!(r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{bottom}"/>"#));
        add(&mut body, format_args!(r#"<text class="tick" x="{at:.1}" y="{}">{label}</text>"#, bottom + 16.0));
    }
    for (index, (peer, curve)) in curves.iter().enumerate() {
        let class = if ["ours", "tokio", "smol"].contains(peer) { peer } else { "beside" };
        let points = PARTS.iter().zip(curve.values()).map(|(part, value)| format!("{:.1},{:.1}", x(*part), y(*value)));
        let points: Vec<String> = points.collect();
        add(&mut body, format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
        // A list at the side: at the lines' ends names would lie on each other.
        let at = TOP + 12.0 + 18.0 * index as f64;
        add(
            &mut body,
            format_args!(r#"<text class="{class}" x="{}" y="{at}">{}</text>"#, LEFT + WIDTH + 12.0, escape(peer)),
        );
    }
    let (width, height) = (LEFT + WIDTH + 80.0, TOP + HEIGHT + 28.0);
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    ))
}

/// 90 %, 99 % and 99.9 % are equally far from each other.
fn x(part: f64) -> f64 {
    LEFT + WIDTH * (1.0 - part).max(RAREST).log10() / RAREST.log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn the_rare_end_is_stretched() {
        assert_eq!(x(0.0), LEFT);
        assert_eq!(x(1.0), LEFT + WIDTH);
        assert!((x(0.99) - x(0.9) - (x(0.999) - x(0.99))).abs() < 1e-6);
    }

    #[test]
    fn a_line_per_peer_that_has_one() {
        let mut row = row("late/p50", 0.0, &[("ours", &[1.0]), ("tokio", &[2.0]), ("smol", &[2.0])]);
        assert!(pictures(&[row.clone()]).is_empty() && section(&[row.clone()]).is_empty());
        row.columns[0].curves.push(Curve::of(&mut [1e3, 2e3, 5e6]));
        row.columns[1].curves.push(Curve::of(&mut [1e3, 3e3, 4e6]));
        let pictures = pictures(&[row]);
        assert_eq!(pictures[0].0, "late-p50.svg");
        assert_eq!(pictures[0].1.matches("<polyline").count(), 2);
        assert!(pictures[0].1.contains("10.0 ms"), "{}", pictures[0].1);
    }
}
