//! Small multiples on logarithmic axes, as one SVG.

use std::fmt::Write;

/// A cost over a size, as a solid line, and another one that belongs to it, dashed; either may be empty.
pub struct Curve {
    pub name: String,
    pub colour: usize,
    pub solid: Vec<(f64, f64)>,
    pub dashed: Vec<(f64, f64)>,
}

/// One set of axes.
pub struct Panel {
    title: &'static str,
    unit: &'static str,
    curves: Vec<Curve>,
}

impl Panel {
    pub fn new(title: &'static str, unit: &'static str, curves: Vec<Curve>) -> Self {
        Self {
            title,
            unit,
            curves,
        }
    }
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 260.0;
const GAP: f64 = 62.0;
const TOP: f64 = 34.0;
const COLOURS: [&str; 7] = [
    "#2f7ed8", "#d1642f", "#3a9e5b", "#a24fc2", "#c2374e", "#8a8f2c", "#16939c",
];
const STYLE: &str = "text{font:11px system-ui,sans-serif;fill:#444}\
.t{font-weight:600;font-size:13px}.g{stroke:#8884;stroke-width:.6}.s{stroke:#888;stroke-dasharray:1 3}\
path{fill:none;stroke-width:1.8}.d{stroke-dasharray:5 3;stroke-width:1.2}\
@media(prefers-color-scheme:dark){text{fill:#ccc}}";

/// A power of ten that bounds the values from below or above.
fn decade(values: impl Iterator<Item = f64>, low: bool) -> f64 {
    let bound = values.fold(if low { f64::INFINITY } else { 0.0 }, |c: f64, v| {
        if low { c.min(v) } else { c.max(v) }
    });
    let power = bound.log10();
    if low { power.floor() } else { power.ceil() }
}

struct Axes {
    left: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn place(&self, (size, time): (f64, f64)) -> (f64, f64) {
        let share = |v: f64, (low, high): (f64, f64)| (v.log10() - low) / (high - low);
        (
            self.left + WIDTH * share(size, self.x),
            TOP + HEIGHT * (1.0 - share(time, self.y)),
        )
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let places = points.iter().map(|p| self.place(*p));
        let steps: Vec<String> = places.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        format!("M{}", steps.join("L"))
    }
}

/// What the powers of ten of a millisecond are called, from -3 on.
const TIMES: [&str; 8] = [
    "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s",
];

/// The digits 5 to 9, raised.
const RAISED: [char; 5] = ['⁵', '⁶', '⁷', '⁸', '⁹'];

/// All panels beside each other, and what the colours mean below.
pub fn draw(panels: &[Panel], title: &str, legend: &str) -> String {
    let all = || {
        let curves = panels.iter().flat_map(|p| &p.curves);
        curves.flat_map(|c| c.solid.iter().chain(&c.dashed).map(|p| p.1))
    };
    let y = (decade(all(), true).max(-3.0), decade(all(), false).min(4.0));
    let total = panels.len() as f64 * (WIDTH + GAP) + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total} {}\" role=\"img\">\
         <title>{title}</title><style>{STYLE}</style>\n",
        TOP + HEIGHT + 84.0
    );
    for (i, panel) in panels.iter().enumerate() {
        let sizes = || {
            let curves = panel.curves.iter();
            curves.flat_map(|c| c.solid.iter().map(|p| p.0))
        };
        let axes = Axes {
            left: GAP - 6.0 + i as f64 * (WIDTH + GAP),
            x: (decade(sizes(), true), decade(sizes(), false)),
            y,
        };
        axes.draw(panel, &mut svg).unwrap_or_default();
    }
    let mut names: Vec<(&str, usize)> = Vec::new();
    for curve in panels.iter().flat_map(|p| &p.curves) {
        if !names.iter().any(|(_, colour)| *colour == curve.colour) {
            names.push((&curve.name, curve.colour));
        }
    }
    let baseline = TOP + HEIGHT + 66.0;
    let mut at = GAP - 6.0;
    for (name, colour) in names {
        let colour = COLOURS[colour];
        let _ = write!(
            svg,
            "<path stroke=\"{colour}\" d=\"M{at} {}h18\"/><text x=\"{}\" y=\"{baseline}\">{name}</text>",
            baseline - 4.0,
            at + 23.0
        );
        at += 44.0 + 6.2 * name.len() as f64;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{at}\" y=\"{baseline}\">{legend}</text></svg>"
    );
    svg
}

impl Axes {
    fn draw(&self, panel: &Panel, svg: &mut String) -> std::fmt::Result {
        let (right, bottom) = (self.left + WIDTH, TOP + HEIGHT);
        writeln!(
            svg,
            "<text class=\"t\" x=\"{}\" y=\"{}\">{}</text>",
            self.left,
            TOP - 12.0,
            panel.title
        )?;
        for power in self.y.0 as i32..=self.y.1 as i32 {
            let (_, y) = self.place((1.0, 10_f64.powi(power)));
            write!(
                svg,
                "<path class=\"g\" d=\"M{} {y:.1}H{right}\"/><text text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
                self.left,
                self.left - 5.0,
                y + 4.0,
                TIMES[(power + 3) as usize]
            )?;
        }
        for power in self.x.0 as i32..=self.x.1 as i32 {
            let (x, _) = self.place((10_f64.powi(power), 1.0));
            // Long numbers would run into each other.
            let size = match usize::try_from(power) {
                Ok(power @ 5..=9) => format!("10{}", RAISED[power - 5]),
                _ => 10_f64.powi(power).to_string(),
            };
            write!(
                svg,
                "<path class=\"g\" d=\"M{x:.1} {TOP}V{bottom}\"/><text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{size}</text>",
                bottom + 15.0
            )?;
        }
        writeln!(
            svg,
            "<text text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>",
            self.left + WIDTH / 2.0,
            bottom + 34.0,
            panel.unit
        )?;
        // The line of proportional cost, through the middle of the axes' lower left.
        let (low, high) = (10_f64.powf(self.x.0), 10_f64.powf(self.x.1));
        let floor = 10_f64.powf(self.y.0);
        let reach = high.min(low * 10_f64.powf(self.y.1 - self.y.0));
        let proportional = [(low, floor), (reach, floor * reach / low)];
        writeln!(
            svg,
            "<path class=\"s\" d=\"{}\"/>",
            self.path(&proportional)
        )?;
        for curve in &panel.curves {
            let colour = COLOURS[curve.colour];
            for (class, points) in [("l", &curve.solid), ("d", &curve.dashed)] {
                if !points.is_empty() {
                    let path = self.path(points);
                    writeln!(
                        svg,
                        "<path class=\"{class}\" stroke=\"{colour}\" d=\"{path}\"/>"
                    )?;
                }
            }
        }
        Ok(())
    }
}
