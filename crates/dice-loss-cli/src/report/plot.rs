//! Geometry of the page's plots; the template draws them.

/// Marks that the left axis has at least; with as many, both ends of a [`range`] are marked.
const MARKS: usize = 5;

/// A plot of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows, for readers who do not see it.
    pub title: String,
    /// Size and borders.
    pub frame: Frame,
    /// Marks along the bottom.
    pub x_ticks: Vec<Tick>,
    /// Marks along the left.
    pub y_ticks: Vec<Tick>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A plot's size and the part of it inside the axes, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Width of it all.
    pub width: f64,
    /// Height of it all.
    pub height: f64,
    /// Left axis.
    pub left: f64,
    /// Right end.
    pub right: f64,
    /// Upper end.
    pub top: f64,
    /// Lower axis.
    pub bottom: f64,
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, in pixels.
    pub at: f64,
    /// What stands there.
    pub label: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The loss it belongs to.
    pub loss: usize,
    /// What it is.
    pub title: String,
    /// Whether it is drawn faintly behind the others.
    pub faint: bool,
    /// `x,y` pairs in pixels, as SVG's polyline takes them.
    pub points: String,
    /// The last point.
    pub end: Option<[f64; 2]>,
}

/// A line's values.
pub struct Series {
    /// The loss it belongs to.
    pub loss: usize,
    /// What it is.
    pub title: String,
    /// Whether it is drawn faintly behind the others.
    pub faint: bool,
    /// Its points; one that is not finite is left out.
    pub points: Vec<[f64; 2]>,
}

impl Frame {
    /// A frame of this size with room for the marks.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, left: 38.0, right: width - 10.0, top: 8.0, bottom: height - 24.0 }
    }
}

impl Plot {
    /// Lines within `x` from 0 to `x_max` and `y` in a range.
    pub fn new(title: String, frame: Frame, x_max: f64, y: [f64; 2], series: Vec<Series>) -> Self {
        let x_max = x_max.max(1.0);
        let to_x = |v: f64| frame.left + (frame.right - frame.left) * v / x_max;
        let to_y = |v: f64| frame.bottom - (frame.bottom - frame.top) * (v - y[0]) / (y[1] - y[0]);
        let line = |series: Series| {
            let pixels: Vec<[f64; 2]> = (series.points.iter())
                .filter(|point| point.iter().all(|v| v.is_finite()))
                .map(|point| [to_x(point[0]), to_y(point[1].clamp(y[0], y[1]))])
                .collect();
            let points: Vec<String> =
                pixels.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
            Line {
                loss: series.loss,
                title: series.title,
                faint: series.faint,
                points: points.join(" "),
                end: pixels.last().copied(),
            }
        };
        let wanted = |pixels: f64, each: f64| (pixels / each) as usize;
        let x_ticks = ticks([0.0, x_max], wanted(frame.right - frame.left, 70.0).max(2));
        let y_ticks = ticks(y, wanted(frame.bottom - frame.top, 34.0).max(MARKS));
        let mark = |values: Vec<(f64, String)>, place: &dyn Fn(f64) -> f64| {
            values.into_iter().map(|(value, label)| Tick { at: place(value), label }).collect()
        };
        Self {
            title,
            frame,
            x_ticks: mark(x_ticks, &to_x),
            y_ticks: mark(y_ticks, &to_y),
            lines: series.into_iter().map(line).collect(),
        }
    }
}

/// Means over windows of `width` values, each at the window's middle; the first value is at 1.
pub fn smooth(values: &[f64], width: usize) -> Vec<[f64; 2]> {
    let width = width.clamp(1, values.len().max(1));
    values
        .windows(width)
        .enumerate()
        .map(|(i, window)| {
            [i as f64 + (width + 1) as f64 / 2.0, window.iter().sum::<f64>() / width as f64]
        })
        .collect()
}

/// The smallest range with round ends that holds all finite values.
pub fn range(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let finite = values.filter(|v| v.is_finite());
    let low = finite.clone().fold(f64::INFINITY, f64::min);
    let high = finite.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return [0.0, 1.0];
    }
    let step = step(((high - low) / 3.0).max(1e-6));
    let [low, high] = [(low / step).floor() * step, (high / step).ceil() * step];
    [low, if high > low { high } else { low + step }]
}

/// Round values within a range with their labels, about as many as wanted.
fn ticks([low, high]: [f64; 2], wanted: usize) -> Vec<(f64, String)> {
    let step = step((high - low) / wanted as f64);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).map(|v| (v, format!("{v:.digits$}"))).collect()
}

/// The smallest of 1, 2, 5, 10, 20, … that is not below `least`.
pub fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|&m| m * power >= least * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let labels = |range, wanted| {
            ticks(range, wanted).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(labels([0.0, 1.0], 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels([0.0, 200.0], 4), ["0", "50", "100", "150", "200"]);
        assert_eq!(labels([-0.3, 0.1], 4), ["-0.3", "-0.2", "-0.1", "0.0", "0.1"]);
    }

    #[test]
    fn ranges_have_round_ends() {
        assert_eq!(range([0.31, 1.87, f64::NAN].into_iter()), [0.0, 2.0]);
        assert_eq!(range(std::iter::empty()), [0.0, 1.0]);
        let [low, high] = range([3.0].into_iter());
        assert!(low <= 3.0 && 3.0 <= high && low < high);
    }

    #[test]
    fn both_ends_of_a_range_are_marked() {
        for ends in [[0.1, 2.3], [0.36, 0.63], [-1.0, 4.2], [0.0, 0.011], [12.0, 57.0]] {
            let [low, high] = range(ends.into_iter());
            let marks = ticks([low, high], MARKS);
            assert!((marks[0].0 - low).abs() < 1e-9 * high, "{ends:?} {marks:?}");
            assert!((marks[marks.len() - 1].0 - high).abs() < 1e-9 * high, "{ends:?} {marks:?}");
            assert!(marks.len() <= 6, "{ends:?} {marks:?}");
        }
    }

    #[test]
    fn points_lie_inside_the_frame_and_gaps_are_left_out() {
        let points = vec![[0.0, 0.0], [1.0, f64::NAN], [10.0, 2.0]];
        let series = Series { loss: 0, title: "t".into(), faint: false, points };
        let plot = Plot::new("p".into(), Frame::new(138.0, 132.0), 10.0, [0.0, 1.0], vec![series]);
        assert_eq!(plot.lines[0].points, "38.0,108.0 128.0,8.0");
    }

    #[test]
    fn smoothing_means_windows() {
        assert_eq!(smooth(&[1.0, 3.0, 5.0], 2), [[1.5, 2.0], [2.5, 4.0]]);
        assert_eq!(smooth(&[4.0, 6.0], 1), [[1.0, 4.0], [2.0, 6.0]]);
        assert_eq!(smooth(&[], 5), Vec::<[f64; 2]>::new());
    }
}
