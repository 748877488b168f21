//! What an edge asks of an event, made of the conditions of the pattern.

use crate::condition::ConditionIndex;

/// A formula over conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    Always,
    Never,
    Holds(ConditionIndex),
    Fails(ConditionIndex),
    /// At least two.
    All(Vec<Guard>),
    /// At least two.
    Any(Vec<Guard>),
}

impl Guard {
    /// The condition; every event fits where there is none.
    pub(crate) fn of(condition: Option<ConditionIndex>) -> Self {
        condition.map_or(Self::Always, Self::Holds)
    }

    pub(crate) fn not(&self) -> Self {
        let each = |guards: &[Self]| guards.iter().map(Self::not).collect();
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Holds(condition) => Self::Fails(*condition),
            Self::Fails(condition) => Self::Holds(*condition),
            Self::All(guards) => Self::Any(each(guards)),
            Self::Any(guards) => Self::All(each(guards)),
        }
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut guards = match (self, other) {
            (Self::Never, _) | (_, Self::Never) => return Self::Never,
            (Self::Always, guard) | (guard, Self::Always) => return guard.clone(),
            (Self::All(guards), _) => guards.clone(),
            _ => vec![self.clone()],
        };
        let added = match other {
            Self::All(added) => added.as_slice(),
            one => std::slice::from_ref(one),
        };
        for guard in added {
            if !guards.contains(guard) {
                guards.push(guard.clone());
            }
        }
        match guards.len() {
            1 => guards.swap_remove(0),
            _ => Self::All(guards),
        }
    }

    /// Whether it holds, given whether each condition does.
    #[inline]
    pub(crate) fn holds(&self, condition: &mut impl FnMut(ConditionIndex) -> bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Holds(index) => condition(*index),
            Self::Fails(index) => !condition(*index),
            Self::All(_) | Self::Any(_) => self.all_hold(condition),
        }
    }

    fn all_hold(&self, condition: &mut impl FnMut(ConditionIndex) -> bool) -> bool {
        match self {
            Self::All(guards) => guards.iter().all(|guard| guard.all_hold(condition)),
            Self::Any(guards) => guards.iter().any(|guard| guard.all_hold(condition)),
            Self::Always => true,
            Self::Never => false,
            Self::Holds(index) => condition(*index),
            Self::Fails(index) => !condition(*index),
        }
    }

    /// The conditions that it is made of, from left to right, each once.
    pub(crate) fn conditions(&self) -> Vec<ConditionIndex> {
        fn collect(guard: &Guard, found: &mut Vec<ConditionIndex>) {
            match guard {
                Guard::Always | Guard::Never => {}
                Guard::Holds(index) | Guard::Fails(index) => {
                    if !found.contains(index) {
                        found.push(*index);
                    }
                }
                Guard::All(guards) | Guard::Any(guards) => {
                    guards.iter().for_each(|guard| collect(guard, found));
                }
            }
        }
        let mut found = Vec::new();
        collect(self, &mut found);
        found
    }

    /// In words; the empty text for [`Always`](Self::Always).
    pub(crate) fn text(&self, texts: &[String]) -> String {
        let name = |index: &ConditionIndex| match texts.get(usize::from(*index)) {
            Some(text) => text.clone(),
            None => index.to_string(),
        };
        let join = |guards: &[Self], word: &str| {
            let texts = guards.iter().map(|guard| guard.text(texts));
            format!("({})", texts.collect::<Vec<_>>().join(word))
        };
        match self {
            Self::Always => String::new(),
            Self::Never => "never".to_owned(),
            Self::Holds(index) => name(index),
            Self::Fails(index) => format!("not {}", name(index)),
            Self::All(guards) => join(guards, " and "),
            Self::Any(guards) => join(guards, " or "),
        }
    }
}
