//! Line charts as SVG, both axes logarithmic: how a cost grows is a slope there.

use std::fmt::Write;

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 420.0;
/// Around the chart: left, right (for the names of the lines), top, bottom.
const MARGIN: (f64, f64, f64, f64) = (70.0, 290.0, 40.0, 50.0);

/// Of Okabe and Ito (2008), to be told apart by everybody.
const COLOURS: [&str; 6] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
];

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Lines of the same number have the same colour.
    pub colour: usize,
    /// Whether it is dashed.
    pub dashed: bool,
    /// Positive numbers, by rising first one.
    pub points: Vec<(f64, f64)>,
}

/// A logarithmic axis.
struct Axis {
    from: f64,
    to: f64,
    /// Where its ends are drawn.
    at: (f64, f64),
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone, at: (f64, f64)) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let greatest = values.fold(0.0, f64::max);
        Self {
            from: least.log10().floor(),
            to: greatest.log10().ceil().max(least.log10().floor() + 1.0),
            at,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - self.from) / (self.to - self.from);
        self.at.0 + part * (self.at.1 - self.at.0)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.from as i32..=self.to as i32).map(|exponent| 10_f64.powi(exponent))
    }
}

/// A chart of these lines.
pub fn log_log(title: &str, (across, up): (&str, &str), lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (left, right, top, bottom) = MARGIN;
    let x = Axis::of(points().map(|point| point.0), (left, WIDTH - right));
    let y = Axis::of(points().map(|point| point.1), (HEIGHT - bottom, top));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{left}\" y=\"22\" font-size=\"14\">{title}</text>\n"
    );
    draw_axes(&mut svg, (&x, &y), (across, up));
    for (place, line) in lines.iter().enumerate() {
        draw_line(&mut svg, (&x, &y), line, top + 14.0 + 18.0 * place as f64);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_axes(svg: &mut String, (x, y): (&Axis, &Axis), (across, up): (&str, &str)) {
    let (left, right, top, bottom) = MARGIN;
    for value in x.decades() {
        let at = x.place(value);
        draw(
            svg,
            format_args!(
                "<path d=\"M{at:.1} {top}V{:.1}\" stroke=\"#ddd\"/>",
                HEIGHT - bottom
            ),
        );
        draw(
            svg,
            format_args!(
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>",
                HEIGHT - bottom + 16.0
            ),
        );
    }
    for value in y.decades() {
        let at = y.place(value);
        draw(
            svg,
            format_args!(
                "<path d=\"M{left} {at:.1}H{:.1}\" stroke=\"#ddd\"/>",
                WIDTH - right
            ),
        );
        draw(
            svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                left - 6.0,
                at + 4.0
            ),
        );
    }
    let middle = (left + WIDTH - right) / 2.0;
    draw(
        svg,
        format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{across}</text>",
            HEIGHT - 12.0
        ),
    );
    let middle = (top + HEIGHT - bottom) / 2.0;
    draw(
        svg,
        format_args!(
            "<text transform=\"translate(16 {middle}) rotate(-90)\" text-anchor=\"middle\">{up}</text>"
        ),
    );
}

fn draw_line(svg: &mut String, (x, y): (&Axis, &Axis), line: &Line, legend: f64) {
    let colour = COLOURS[line.colour % COLOURS.len()];
    let dash = if line.dashed {
        " stroke-dasharray=\"5 4\""
    } else {
        ""
    };
    let mut path = String::new();
    for (place, point) in line.points.iter().enumerate() {
        let step = if place == 0 { 'M' } else { 'L' };
        draw(
            &mut path,
            format_args!("{step}{:.1} {:.1}", x.place(point.0), y.place(point.1)),
        );
    }
    let stroke = format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}");
    draw(
        svg,
        format_args!("<path d=\"{}\" {stroke}/>", path.trim_end()),
    );
    let key = WIDTH - MARGIN.1 + 14.0;
    draw(
        svg,
        format_args!("<path d=\"M{key} {legend}h24\" {stroke}/>"),
    );
    draw(
        svg,
        format_args!(
            "<text x=\"{}\" y=\"{}\">{}</text>",
            key + 30.0,
            legend + 4.0,
            line.name
        ),
    );
}

fn draw(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to text does not fail.
    let _ = writeln!(svg, "{element}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_as_much_is_as_far_everywhere() {
        let line = Line {
            name: "linear".into(),
            colour: 0,
            dashed: false,
            points: vec![(1.0, 10.0), (10.0, 100.0), (100.0, 1000.0)],
        };
        let svg = log_log("growth", ("keys", "time"), &[line]);
        assert!(
            svg.contains("M70.0 370.0\nL300.0 205.0\nL530.0 40.0"),
            "{svg}"
        );
    }
}
