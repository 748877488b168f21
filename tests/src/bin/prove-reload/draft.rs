//! Versions of the pipeline, each made of the one before it, and the manifests that they are written down as.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::kind::{Kind, Terms};

/// Components of each plugin that do the same.
const VARIANTS: u64 = 3;

/// A component.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    pub name: &'static str,
    /// 0 is the one that was built; others have one custom section more.
    pub variant: u64,
}

impl Plugin {
    pub fn file(self) -> String {
        match self.variant {
            0 => format!("{}.wasm", self.name),
            variant => format!("{}-{variant}.wasm", self.name),
        }
    }
}

/// The stages and what their plugins are called.
pub const STAGES: [(&str, &str); 4] = [
    ("parse", "parse-interactions"),
    ("count", "count-interactions"),
    ("join", "join-profiles"),
    ("detect", "detect-callbacks"),
];

/// Stands in a template where it is said how the source is read.
pub const READING: &str = "@reading@";

/// What manifests are made of.
#[derive(Clone, Debug)]
pub struct Template {
    /// That of the example, with a mark in it.
    pub example: String,
    /// How the source is read under load, and to its end.
    pub working: String,
    pub draining: String,
}

/// A version of the pipeline, before it is written down.
#[derive(Clone, Debug)]
pub struct Draft {
    /// No two have the same.
    pub number: u64,
    /// Which component of those that do the same each stage has.
    variants: BTreeMap<&'static str, u64>,
    misbehaviour: Option<(&'static str, u64)>,
    parallelism: u64,
    in_milliseconds: bool,
    /// The sink that is not always there, by the version that brought it.
    copies: Option<u64>,
    terms: Terms,
    /// Whether a process that begins with it watches its files.
    pub watch: bool,
    /// Reads what there is as fast as it can, and ends.
    drains: bool,
}

impl Draft {
    /// What the pipeline begins as.
    pub fn first(watch: bool) -> Self {
        Self {
            number: 0,
            variants: BTreeMap::new(),
            misbehaviour: None,
            parallelism: 1,
            in_milliseconds: false,
            copies: None,
            terms: Terms::default(),
            watch,
            drains: false,
        }
    }

    /// The next version of a kind. Gives also the stages that are to have another component.
    pub fn next(&self, number: u64, kind: Kind, stages: &[&'static str]) -> Self {
        let mut next = Self {
            number,
            terms: kind.terms(),
            ..self.clone()
        };
        match kind {
            Kind::Configuration => next.in_milliseconds = !self.in_milliseconds,
            Kind::Parallelism => next.parallelism = 3 - self.parallelism,
            Kind::Sink => next.copies = self.copies.is_none().then_some(number),
            _ => match kind.misbehaviour() {
                Some(misbehaviour) => {
                    next.misbehaviour = Some(misbehaviour);
                }
                None => {
                    for stage in stages {
                        let variant = next.variants.entry(stage).or_default();
                        *variant = (*variant + 1) % VARIANTS;
                    }
                }
            },
        }
        next
    }

    /// A version that nobody minds, whatever it makes.
    pub fn unminded(mut self) -> Self {
        self.terms = Terms {
            policy: "observe",
            ..Terms::default()
        };
        self
    }

    /// The version that works on what is left.
    pub fn last(&self, number: u64) -> Self {
        Self {
            number,
            drains: true,
            ..self.clone()
        }
    }

    /// The plugin of each stage, and which component that is the same in all but its digest.
    pub fn plugins(&self) -> impl Iterator<Item = (&'static str, Plugin)> {
        let plugin = |(stage, name): (&'static str, &'static str)| {
            let variant = self.variants.get(stage).copied().unwrap_or(0);
            let plugin = match self.misbehaviour.is_some() && stage == "join" {
                true => Plugin {
                    name: "falter",
                    variant: 0,
                },
                false => Plugin { name, variant },
            };
            (stage, plugin)
        };
        STAGES.into_iter().map(plugin)
    }

    /// The manifest.
    pub fn manifest(&self, template: &Template) -> String {
        let mut text = format!("# Version {}.\n{}", self.number, template.example);
        for ((stage, plugin), (_, found)) in self.plugins().zip(STAGES) {
            let mut place = format!("\"plugins/{}\"", plugin.file());
            if stage == "join" {
                place += "\nlimits.memory = \"48 MiB\"";
                if let Some((misbehave, after)) = self.misbehaviour {
                    _ = write!(
                        place,
                        "\nconfiguration = {{ misbehave = \"{misbehave}\", after = {after} }}"
                    );
                }
            }
            text = text.replace(&format!("\"../../target/plugins/{found}.wasm\""), &place);
        }
        text = text.replace(
            "parallelism = 1",
            &format!("parallelism = {}", self.parallelism),
        );
        if self.in_milliseconds {
            text = text.replace("within = \"30s\"", "within = \"30000ms\"");
        }
        let interval = "interval = \"60s\"\nminimum-pause = \"30s\"";
        if !self.drains {
            text = text.replace(interval, "interval = \"300ms\"\nminimum-pause = \"0s\"");
        }
        let source = match self.drains {
            false => &template.working,
            true => &template.draining,
        };
        text = text.replace(READING, source);
        text + &self.options()
    }

    fn options(&self) -> String {
        let Self { terms, watch, .. } = self;
        let mut text = String::new();
        if let Some(number) = self.copies {
            _ = write!(
                text,
                "\n[sinks.copies]\ntype = \"jsonl\"\nfrom = \"join.enriched\"\npath = \"${{JACKFIELD_DATA}}/copies-{number}.jsonl\"\n"
            );
        }
        let on_start = if self.drains { "switch" } else { "reload" };
        let (records, millis) = terms.shadow;
        // Where a clock of the input runs ahead, all that comes next is refused, by whichever version.
        _ = write!(
            text,
            "\n[reload]\nwatch = {watch}\npolicy = \"{}\"\non-start = \"{on_start}\"\n\
             shadow = {{ records = {records}, duration = \"{millis}ms\", cpu-share = 1.0 }}\n\
             probation = {{ duration = \"{}ms\", slowdown = 10.0, rejections = 1.0 }}\n",
            terms.policy, terms.probation_millis
        );
        text
    }
}
