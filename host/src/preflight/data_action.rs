//! Whether a data action of NICE CXone exists and the client may read it: `GET /api/v2/data-actions/{id}`.

use reqwest::StatusCode;
use serde::Deserialize;

use super::error::{PreflightError, PreflightFailure};
use crate::connection::http::{Answer, Connection, Connections};

/// A data action that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataActionCheck {
    /// The name of a connection to CXone.
    pub connection: String,
    /// The identifier of the data action.
    pub action: String,
}

/// As much of the description as is relied on. The identifier is compared where the service tells it; the rest is left
/// alone, so that a field more or less on the platform's side never keeps a pipeline from starting.
#[derive(Deserialize)]
struct DataAction {
    id: Option<String>,
}

impl DataActionCheck {
    pub(super) async fn run(&self, connections: &Connections) -> Result<(), PreflightError> {
        self.check(connections)
            .await
            .map_err(|failure| PreflightError {
                subject: format!("data action `{}`", self.action),
                failure,
            })
    }

    async fn check(&self, connections: &Connections) -> Result<(), PreflightFailure> {
        let connection = connections
            .get(&self.connection)
            .ok_or_else(|| PreflightFailure::UnknownConnection(self.connection.clone()))?;
        // As a segment of a URL's path, these would lead elsewhere.
        if matches!(self.action.trim(), "" | "." | "..") {
            return Err(PreflightFailure::InvalidAction(self.action.clone()));
        }
        let url = connection.url(&["api", "v2", "data-actions", &self.action]);
        let answer = connection.get(&url).await?;
        match answer.status {
            StatusCode::OK => self.compare(&answer)?,
            StatusCode::FORBIDDEN => return Err(forbidden(connection, answer)),
            StatusCode::NOT_FOUND => return Err(not_found(connection, answer)),
            _ => return Err(connection.unexpected(&url, &answer).into()),
        }
        tracing::info!(
            connection = self.connection,
            action = self.action,
            "the data action exists"
        );
        Ok(())
    }

    fn compare(&self, answer: &Answer) -> Result<(), PreflightFailure> {
        let found: DataAction = answer.json().map_err(PreflightFailure::Malformed)?;
        match found.id {
            Some(id) if id != self.action => Err(PreflightFailure::OtherAction(id)),
            _ => Ok(()),
        }
    }
}

fn forbidden(connection: &Connection, answer: Answer) -> PreflightFailure {
    PreflightFailure::Forbidden {
        connection: connection.name().to_owned(),
        reason: answer.reason,
    }
}

fn not_found(connection: &Connection, answer: Answer) -> PreflightFailure {
    PreflightFailure::NotFound {
        connection: connection.name().to_owned(),
        reason: answer.reason,
    }
}
