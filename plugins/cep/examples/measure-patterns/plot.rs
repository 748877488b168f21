//! Lines over logarithmic axes, as SVG.

use std::fmt::Write;

pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) axis: &'static str,
    pub(super) series: Vec<Series>,
}

pub(super) struct Series {
    pub(super) name: &'static str,
    /// Nanoseconds an event.
    pub(super) time: Vec<(f64, f64)>,
    /// Bytes a key.
    pub(super) memory: Vec<(f64, f64)>,
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 78.0;
const TOP: f64 = 58.0;
const GAP: (f64, f64) = (74.0, 64.0);
const COLOURS: [&str; 4] = ["#2f6db5", "#c1562b", "#2c8446", "#7d4fa8"];

const STYLE: &str = "text { font: 12px system-ui, 'Segoe UI', Arial, sans-serif; fill: #1c2733 } .title { font-size: 15px; font-weight: 600 } \
.faint { fill: #62717f; font-size: 11px } .grid { stroke: #e3e8ed } .frame { fill: none; stroke: #b9c4ce } .line { fill: none; stroke-width: 2 }";

/// A panel's share of one quantity.
struct Frame {
    at: (f64, f64),
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share =
            |value: f64, (least, most): (f64, f64)| (value.log10() - least) / (most - least);
        (
            self.at.0 + WIDTH * share(x, self.x),
            self.at.1 + HEIGHT * (1.0 - share(y, self.y)),
        )
    }
}

/// An SVG document: time in the upper row, memory in the lower.
pub(super) fn draw(panels: &[Panel]) -> String {
    let width = LEFT + panels.len() as f64 * (WIDTH + GAP.0);
    let height = TOP + 2.0 * (HEIGHT + GAP.1) + 16.0;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>"##
    );
    type Points = fn(&Series) -> &[(f64, f64)];
    let rows: [(&str, Points); 2] = [
        ("ns an event", |series| &series.time),
        ("bytes a key", |series| &series.memory),
    ];
    for (row, (unit, points)) in rows.iter().enumerate() {
        let all = panels
            .iter()
            .flat_map(|panel| &panel.series)
            .flat_map(|series| points(series).iter());
        let y = decades(all.map(|(_, y)| *y));
        for (column, panel) in panels.iter().enumerate() {
            let at = (
                LEFT + column as f64 * (WIDTH + GAP.0),
                TOP + row as f64 * (HEIGHT + GAP.1),
            );
            let xs = panel
                .series
                .iter()
                .flat_map(|series| points(series).iter().map(|(x, _)| *x));
            let (least, most) = xs.fold((f64::MAX, 0.0_f64), |(least, most), x| {
                (least.min(x), most.max(x))
            });
            let frame = Frame {
                at,
                x: (least.log10(), most.log10()),
                y,
            };
            axes(&mut svg, &frame, panel, unit);
            for (index, series) in panel.series.iter().enumerate() {
                line(&mut svg, &frame, index, points(series));
            }
            if row == 0 {
                names(&mut svg, at, panel);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold((f64::MAX, 1.0_f64), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    (least.max(1.0).log10().floor(), most.log10().ceil())
}

fn axes(svg: &mut String, frame: &Frame, panel: &Panel, unit: &str) {
    let (x, y) = frame.at;
    let xs: Vec<f64> = panel.series[0].time.iter().map(|(x, _)| *x).collect();
    for value in xs {
        let (at, _) = frame.place((value, 1.0));
        let bottom = y + HEIGHT;
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{at:.1} {y:.1} V{bottom:.1}"/><text class="faint" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 15.0,
            short(value)
        );
    }
    for decade in frame.y.0 as i32..=frame.y.1 as i32 {
        let value = 10_f64.powi(decade);
        let (_, at) = frame.place((10_f64.powf(frame.x.0), value));
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{x:.1} {at:.1} H{:.1}"/><text class="faint" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            x + WIDTH,
            x - 7.0,
            at + 4.0,
            short(value)
        );
    }
    let _ = write!(
        svg,
        r#"<rect class="frame" x="{x:.1}" y="{y:.1}" width="{WIDTH}" height="{HEIGHT}"/><text class="faint" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="faint" x="{x:.1}" y="{:.1}">{unit}</text>"#,
        x + WIDTH / 2.0,
        y + HEIGHT + 31.0,
        panel.axis,
        y - 6.0
    );
}

fn line(svg: &mut String, frame: &Frame, index: usize, points: &[(f64, f64)]) {
    let colour = COLOURS[index % COLOURS.len()];
    let placed: Vec<_> = points
        .iter()
        .map(|(x, y)| frame.place((*x, y.max(1.0))))
        .collect();
    let path: Vec<String> = placed
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    let _ = write!(
        svg,
        r#"<path class="line" stroke="{colour}" d="M{}"/>"#,
        path.join(" L")
    );
    for (x, y) in placed {
        let _ = write!(
            svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#
        );
    }
}

fn names(svg: &mut String, (x, y): (f64, f64), panel: &Panel) {
    let _ = write!(
        svg,
        r#"<text class="title" x="{x:.1}" y="{:.1}">{}</text>"#,
        y - 36.0,
        panel.title
    );
    let mut at = x;
    for (index, series) in panel.series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let _ = write!(
            svg,
            r#"<circle cx="{:.1}" cy="{:.1}" r="4" fill="{colour}"/><text x="{:.1}" y="{:.1}">{}</text>"#,
            at + 4.0,
            y - 24.0,
            at + 12.0,
            y - 20.0,
            series.name
        );
        at += 22.0 + 7.0 * series.name.len() as f64;
    }
}

/// A number in a few letters.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}
