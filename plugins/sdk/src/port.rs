//! Where records enter and leave a stage.

/// An input or an output of a stage: a constant that the author names once and uses wherever the port is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    index: u32,
    name: &'static str,
    keyed: bool,
}

impl Port {
    /// A port whose records carry keys. `index` is its place in [`Stage::INPUTS`](crate::Stage::INPUTS) or
    /// [`Stage::OUTPUTS`](crate::Stage::OUTPUTS).
    pub const fn keyed(index: u32, name: &'static str) -> Self {
        Self {
            index,
            name,
            keyed: true,
        }
    }

    /// A port whose records carry no keys. `index` as for [`Port::keyed`].
    pub const fn unkeyed(index: u32, name: &'static str) -> Self {
        Self {
            index,
            name,
            keyed: false,
        }
    }

    /// The place of the port among the inputs or the outputs.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// The name that manifests use.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether the records of the port carry keys.
    pub const fn is_keyed(self) -> bool {
        self.keyed
    }
}

/// Whether every port stands where its index says; evaluated when a plugin is compiled.
pub(crate) const fn in_order(ports: &[Port]) -> bool {
    let mut place = 0;
    while place < ports.len() {
        if ports[place].index as usize != place {
            return false;
        }
        place += 1;
    }
    true
}
