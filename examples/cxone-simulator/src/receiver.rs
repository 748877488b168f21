//! The platform's neighbours: those who are told by webhooks, and the data lake that holds objects. They ask for no token
//! and have no rate limit.

mod object_store;
mod webhook;

use axum::Router;

use crate::platform::SharedPlatform;

pub(crate) use object_store::ObjectStore;
pub use object_store::StoredObject;

pub(crate) fn routes() -> Router<SharedPlatform> {
    webhook::routes().merge(object_store::routes())
}
