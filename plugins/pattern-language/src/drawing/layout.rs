//! Where states and edges go: states in columns by how many events it takes to come to them, edges that lead back below them.

use jackfield_cep::{Action, StateKind};

use crate::explain::{Edge, Explanation};

/// Of a state.
pub(super) const WIDTH: f64 = 148.0;
pub(super) const HEIGHT: f64 = 46.0;
/// From the middle of a state to that of its neighbour.
const COLUMN: f64 = 236.0;
const ROW: f64 = 126.0;
/// Room above the first row, for loops.
const ABOVE: f64 = 64.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

pub(super) struct Layout {
    /// The middle of each state.
    pub(super) places: Vec<Point>,
    pub(super) width: f64,
    pub(super) height: f64,
    columns: Vec<usize>,
    /// Whether a state is the last of several in its column, whose loops go below it.
    is_lowest: Vec<bool>,
    /// Of each edge: how many before it join the same two states.
    siblings: Vec<usize>,
    /// How far below the states the edges go that lead back or over others.
    lowest: f64,
}

impl Layout {
    pub(super) fn of(explanation: &Explanation) -> Self {
        let columns = columns(explanation);
        let mut taken = vec![0_usize; columns.iter().max().map_or(1, |last| last + 1)];
        let mut rows = Vec::with_capacity(columns.len());
        for column in &columns {
            rows.push(taken[*column]);
            taken[*column] += 1;
        }
        let most = taken.iter().copied().max().unwrap_or(1).max(1);
        let place = |(column, row): (&usize, &usize)| {
            let centred = (most - taken[*column]) as f64 / 2.0;
            let x = WIDTH / 2.0 + *column as f64 * COLUMN;
            Point::new(x, ABOVE + HEIGHT / 2.0 + (*row as f64 + centred) * ROW)
        };
        let places: Vec<Point> = columns.iter().zip(&rows).map(place).collect();
        let lowest = ABOVE + HEIGHT + (most - 1) as f64 * ROW;
        let far = explanation
            .edges
            .iter()
            .map(|edge| span(&columns, edge))
            .max()
            .unwrap_or(0);
        let lowest_of = |(column, row): (&usize, &usize)| *row > 0 && row + 1 == taken[*column];
        let is_lowest: Vec<bool> = columns.iter().zip(&rows).map(lowest_of).collect();
        let mut loops = explanation.edges.iter().filter(|edge| edge.from == edge.to);
        let loops_below = loops.any(|edge| is_lowest[edge.from]);
        let room = match (far, loops_below) {
            (0, false) => 12.0,
            (0, true) => 48.0,
            (far, _) => 28.0 + 21.0 * far as f64,
        };
        Self {
            width: (taken.len() - 1) as f64 * COLUMN + WIDTH,
            height: lowest + room,
            siblings: siblings(&explanation.edges),
            is_lowest,
            places,
            columns,
            lowest,
        }
    }

    /// The path of an edge, and where its label goes.
    pub(super) fn path(&self, index: usize, edge: &Edge) -> (String, Point) {
        let (from, to) = (self.places[edge.from], self.places[edge.to]);
        let sibling = self.siblings[index] as f64;
        if edge.from == edge.to {
            let down = if self.is_lowest[edge.from] { 1.0 } else { -1.0 };
            return to_itself(from, down, sibling);
        }
        let (from_column, to_column) = (self.columns[edge.from], self.columns[edge.to]);
        if from_column == to_column {
            return upright(from, to, sibling);
        }
        if span(&self.columns, edge) > 0 {
            return self.around(from, to, span(&self.columns, edge) as f64, sibling);
        }
        let lift = 15.0 * sibling;
        let start = Point::new(from.x + WIDTH / 2.0, from.y + lift);
        let end = Point::new(to.x - WIDTH / 2.0 - 1.0, to.y + lift);
        let bend = (end.x - start.x) / 2.0;
        let path = format!(
            "M{:.1} {:.1} C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            start.x,
            start.y,
            start.x + bend,
            start.y,
            end.x - bend,
            end.y,
            end.x,
            end.y
        );
        let below = if sibling > 0.0 { 15.0 } else { -6.0 };
        (
            path,
            Point::new((start.x + end.x) / 2.0, (start.y + end.y) / 2.0 + below),
        )
    }

    /// Below all states: back, or past others.
    fn around(&self, from: Point, to: Point, span: f64, sibling: f64) -> (String, Point) {
        let start = Point::new(from.x + 18.0 + 10.0 * sibling, from.y + HEIGHT / 2.0);
        let end = Point::new(to.x - 18.0 - 10.0 * sibling, to.y + HEIGHT / 2.0 + 1.0);
        let depth = self.lowest + 12.0 + 26.0 * span + 14.0 * sibling;
        let path = format!(
            "M{:.1} {:.1} C{:.1} {depth:.1} {:.1} {depth:.1} {:.1} {:.1}",
            start.x, start.y, start.x, end.x, end.x, end.y
        );
        let middle = (start.y + end.y) / 8.0 + depth * 0.75;
        (path, Point::new((start.x + end.x) / 2.0, middle + 4.0))
    }
}

/// A loop above the state, or below it.
fn to_itself(at: Point, down: f64, sibling: f64) -> (String, Point) {
    let (reach, rise) = (20.0 + 9.0 * sibling, down * (36.0 + 17.0 * sibling));
    let edge = at.y + down * HEIGHT / 2.0;
    let path = format!(
        "M{:.1} {edge:.1} C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        at.x - reach,
        at.x - reach - 6.0,
        edge + rise,
        at.x + reach + 6.0,
        edge + rise,
        at.x + reach,
        edge + down
    );
    let beside = if down > 0.0 { 14.0 } else { -5.0 };
    (path, Point::new(at.x, edge + rise * 0.75 + beside))
}

/// Between states of one column.
fn upright(from: Point, to: Point, sibling: f64) -> (String, Point) {
    let (down, side) = if to.y > from.y {
        (1.0, 22.0 + 20.0 * sibling)
    } else {
        (-1.0, -22.0 - 20.0 * sibling)
    };
    let start = Point::new(from.x + side, from.y + down * HEIGHT / 2.0);
    let end = Point::new(to.x + side, to.y - down * (HEIGHT / 2.0 + 1.0));
    let path = format!("M{:.1} {:.1} L{:.1} {:.1}", start.x, start.y, end.x, end.y);
    (
        path,
        Point::new(
            start.x + 11.0 * side.signum(),
            (start.y + end.y) / 2.0 + 4.0,
        ),
    )
}

/// How many columns an edge leads back or passes by, and one more if it does either.
fn span(columns: &[usize], edge: &Edge) -> usize {
    let (from, to) = (columns[edge.from], columns[edge.to]);
    match to.checked_sub(from) {
        Some(0 | 1) => 0,
        Some(ahead) => ahead,
        None => from - to + 1,
    }
}

/// How many steps lead to each state at most, without going round; where an event is only waited for, none does. The last one
/// goes behind all others.
fn columns(explanation: &Explanation) -> Vec<usize> {
    let states = &explanation.states;
    let start = states
        .iter()
        .position(|state| state.kind == StateKind::Start)
        .unwrap_or(0);
    let forward = forward_edges(explanation, start);
    let mut columns = vec![0; states.len()];
    for _ in 0..states.len() {
        let mut has_changed = false;
        for edge in &forward {
            let least = columns[edge.from] + usize::from(edge.action != Action::Ignore);
            if columns[edge.to] < least {
                columns[edge.to] = least;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    let others = states
        .iter()
        .zip(&columns)
        .filter(|(state, _)| state.kind != StateKind::Final);
    let last = others.map(|(_, column)| *column).max().unwrap_or(0);
    for (state, column) in states.iter().zip(&mut columns) {
        if state.kind == StateKind::Final {
            *column = last + 1;
        }
    }
    columns
}

/// The edges that do not lead back to where one has come from, depth first.
fn forward_edges(explanation: &Explanation, start: usize) -> Vec<&Edge> {
    let mut from: Vec<Vec<&Edge>> = vec![Vec::new(); explanation.states.len()];
    for edge in &explanation.edges {
        if let Some(edges) = from.get_mut(edge.from) {
            edges.push(edge);
        }
    }
    let (mut is_open, mut is_seen) = (vec![false; from.len()], vec![false; from.len()]);
    let mut forward = Vec::new();
    let mut way = vec![(start, 0)];
    while let Some((state, next)) = way.pop() {
        (is_open[state], is_seen[state]) = (true, true);
        let Some(edge) = from[state].get(next) else {
            is_open[state] = false;
            continue;
        };
        way.push((state, next + 1));
        if !is_open[edge.to] {
            forward.push(*edge);
            if !is_seen[edge.to] {
                way.push((edge.to, 0));
            }
        }
    }
    forward
}

fn siblings(edges: &[Edge]) -> Vec<usize> {
    let before = |index: usize, edge: &Edge| {
        let same = |other: &&Edge| (other.from, other.to) == (edge.from, edge.to);
        edges[..index].iter().filter(same).count()
    };
    edges
        .iter()
        .enumerate()
        .map(|(index, edge)| before(index, edge))
        .collect()
}
