//! What starts jobs, lets waiting ones go on, or shows what came of them. A kind of trigger is one file here and one line in `KINDS`.

mod cron;
mod http;
mod pages;
mod webhook;
mod websocket;

pub use cron::{CronTrigger, MissedRuns};
pub use http::{AnswerMode, FailureStatus, HttpTrigger};
pub use pages::PagesTrigger;
pub use webhook::{JsonPointer, Signature, WebhookTrigger};
pub use websocket::WebSocketTrigger;

use crate::config::kind::{self, Kind};
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::url::UrlPath;

/// What starts jobs, lets waiting ones go on, or shows what came of them: `[triggers.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The name: jobs await callbacks by it, messages and metrics name it.
    pub name: Located<Name>,
    /// What kind of trigger it is, with the options of that kind.
    pub kind: TriggerKind,
}

/// The kinds of trigger, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggerKind {
    /// A request starts a job.
    Http(Box<HttpTrigger>),
    /// The clock starts a job.
    Cron(Box<CronTrigger>),
    /// A request tells a waiting job something.
    Webhook(Box<WebhookTrigger>),
    /// A client connects, starts a job by its first message, and gets what the job emits.
    WebSocket(Box<WebSocketTrigger>),
    /// A request gets rows of a table.
    Pages(Box<PagesTrigger>),
}

const KINDS: &[Kind<TriggerKind>] = &[
    Kind {
        name: "http",
        read: |table| HttpTrigger::read(table).map(|options| TriggerKind::Http(Box::new(options))),
    },
    Kind {
        name: "cron",
        read: |table| CronTrigger::read(table).map(|options| TriggerKind::Cron(Box::new(options))),
    },
    Kind {
        name: "webhook",
        read: |table| {
            WebhookTrigger::read(table).map(|options| TriggerKind::Webhook(Box::new(options)))
        },
    },
    Kind {
        name: "websocket",
        read: |table| {
            WebSocketTrigger::read(table).map(|options| TriggerKind::WebSocket(Box::new(options)))
        },
    },
    Kind {
        name: "pages",
        read: |table| {
            PagesTrigger::read(table).map(|options| TriggerKind::Pages(Box::new(options)))
        },
    },
];

impl Trigger {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let kind = kind::read(table, KINDS)?;
        Some(Self { name, kind })
    }
}

impl TriggerKind {
    /// The job that it starts, if it starts one.
    #[must_use]
    pub fn job(&self) -> Option<&Located<String>> {
        match self {
            Self::Http(http) => Some(&http.job),
            Self::Cron(cron) => Some(&cron.job),
            Self::WebSocket(websocket) => Some(&websocket.job),
            Self::Webhook(_) | Self::Pages(_) => None,
        }
    }

    /// The method and path by which it is asked, if it is asked over HTTP.
    #[must_use]
    pub fn route(&self) -> Option<(&str, &Located<UrlPath>)> {
        match self {
            Self::Http(http) => Some((http.method.as_str(), &http.path)),
            Self::Webhook(webhook) => Some(("POST", &webhook.path)),
            Self::WebSocket(websocket) => Some(("GET", &websocket.path)),
            Self::Pages(pages) => Some(("GET", &pages.path)),
            Self::Cron(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
