//! Analytics of journeys: `POST /api/v2/reporting/analytics` takes a query and says where its result will be;
//! `GET /api/v2/reporting/analytics/{id}` answers 202 until it is there, and then page by page.

mod query;
mod rows;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::effect::Answer;
use crate::fault::Outcome;
use crate::intercept::Arrival;
use crate::options::Options;
use crate::platform::SharedPlatform;
use crate::progress::{Progress, Standing};
use crate::refusal::Refusal;
use crate::validation::query_value;

use query::Query;
use rows::Rows;

const PATH: &str = "/api/v2/reporting/analytics";
const SCOPES: [&str; 2] = ["reporting:analytics:read", "journeys:read"];

/// In the queue, and running.
const STEPS: u32 = 2;

/// The queries that were made.
#[derive(Debug, Default)]
pub(crate) struct Queries(Mutex<HashMap<String, Running>>);

#[derive(Debug)]
struct Running {
    query: Query,
    outcome: Outcome,
    progress: Progress,
    ended: bool,
}

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new()
        .route(PATH, post(create))
        .route("/api/v2/reporting/analytics/{id}", get(result))
}

async fn create(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    platform.tokens.check(&headers, &SCOPES)?;
    let query = Query::checked(&headers, &body, platform.options.journeys)?;
    platform.effects.once(&arrival, |before| {
        platform.queries.admit(&platform.options)?;
        let id = platform
            .random("query", &arrival, before)
            .identifier("query");
        let outcome = platform.consequences(&arrival).outcome;
        platform.queries.add(id.clone(), query, outcome);
        let path = format!("{PATH}/{id}");
        let location = match platform.options.absolute_locations {
            true => absolute(&headers, &platform.address.to_string(), &path),
            false => path,
        };
        Ok(Answer {
            location: Some(location),
            ..Answer::new(
                StatusCode::ACCEPTED,
                json!({ "queryId": id, "status": "queued" }),
            )
        })
    })
}

/// The URL of a path at the address by which the client came.
fn absolute(headers: &HeaderMap, own_address: &str, path: &str) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    format!("http://{}{path}", host.unwrap_or(own_address))
}

async fn result(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(parameters): RawQuery,
) -> Result<Answer, Refusal> {
    platform.tokens.check(&headers, &SCOPES)?;
    let (query, standing) = platform.queries.look(&id, &platform.options)?;
    let parameters = parameters.unwrap_or_default();
    match standing {
        Standing::Queued | Standing::Running => Ok(Answer::new(
            StatusCode::ACCEPTED,
            json!({ "queryId": id, "status": standing.name() }),
        )),
        Standing::Failed => Ok(Answer::new(
            StatusCode::OK,
            json!({ "queryId": id, "status": "failed", "data": [], "totalCount": 0 }),
        )),
        Standing::Completed => {
            let token = query_value(&parameters, "nextPageToken");
            let page = page(&id, &query, token, &platform.options)?;
            Ok(Answer::new(StatusCode::OK, page))
        }
    }
}

fn page(id: &str, query: &Query, token: Option<&str>, options: &Options) -> Result<Value, Refusal> {
    let rows = Rows::new(query, options);
    let total = rows.count();
    let begin = match token {
        None => 0,
        Some(token) => page_begin(id, token)
            .filter(|begin| *begin < total)
            .ok_or_else(|| Refusal::bad_request("invalid_page_token", "there is no such page"))?,
    };
    let end = total.min(begin + query.limit);
    let mut page = json!({
        "queryId": id,
        "status": "completed",
        "data": rows.slice(begin, end),
        "totalCount": total,
    });
    if end < total {
        page["nextPageToken"] = format!("{id}-{end}").into();
    }
    Ok(page)
}

/// The first row of the page that a token stands for.
fn page_begin(id: &str, token: &str) -> Option<usize> {
    token.strip_prefix(id)?.strip_prefix('-')?.parse().ok()
}

impl Queries {
    fn add(&self, id: String, query: Query, outcome: Outcome) {
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = Running {
            query,
            outcome,
            progress: Progress::begin(),
            ended: false,
        };
        queries.insert(id, running);
    }

    /// # Errors
    /// 429 while as many queries run as may run at once.
    fn admit(&self, options: &Options) -> Result<(), Refusal> {
        let queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = queries.values().filter(|query| !query.ended).count();
        if options
            .concurrent_queries
            .is_some_and(|most| running >= most)
        {
            let description = format!("{running} queries are running already");
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_queries",
                description,
            ));
        }
        Ok(())
    }

    fn look(&self, id: &str, options: &Options) -> Result<(Query, Standing), Refusal> {
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = queries.get_mut(id) else {
            return Err(Refusal::not_found(format!("there is no query {id}")));
        };
        let done = running.progress.look(options.pace);
        let standing = Standing::after(done, STEPS, running.outcome);
        running.ended = matches!(standing, Standing::Completed | Standing::Failed);
        Ok((running.query.clone(), standing))
    }
}
