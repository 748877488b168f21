//! Requests in the form in which a job reads best: `workflow.connection("cxone").get("/reports").send()?`.

use std::fmt;

use serde::Serialize;

use super::{Method, Request, RequestFailure, Response, Workflow};

/// A connection of the manifest, to make one request of.
pub struct Connection<'w, 'a> {
    workflow: &'w mut Workflow<'a>,
    name: String,
}

/// A request that is being put together.
#[must_use = "nothing is sent before `send`"]
pub struct RequestCall<'w, 'a> {
    workflow: &'w mut Workflow<'a>,
    request: Request,
}

impl<'w, 'a> Connection<'w, 'a> {
    pub(super) fn new(workflow: &'w mut Workflow<'a>, name: &str) -> Self {
        Self {
            workflow,
            name: name.to_owned(),
        }
    }

    /// A request of this method.
    pub fn request(self, method: Method, path: impl Into<String>) -> RequestCall<'w, 'a> {
        RequestCall {
            workflow: self.workflow,
            request: Request::new(method, self.name, path),
        }
    }

    /// A `GET`.
    pub fn get(self, path: impl Into<String>) -> RequestCall<'w, 'a> {
        self.request(Method::Get, path)
    }

    /// A `POST`.
    pub fn post(self, path: impl Into<String>) -> RequestCall<'w, 'a> {
        self.request(Method::Post, path)
    }

    /// A `PUT`.
    pub fn put(self, path: impl Into<String>) -> RequestCall<'w, 'a> {
        self.request(Method::Put, path)
    }

    /// A `PATCH`.
    pub fn patch(self, path: impl Into<String>) -> RequestCall<'w, 'a> {
        self.request(Method::Patch, path)
    }

    /// A `DELETE`.
    pub fn delete(self, path: impl Into<String>) -> RequestCall<'w, 'a> {
        self.request(Method::Delete, path)
    }
}

impl RequestCall<'_, '_> {
    /// With a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// With a parameter more in the query, escaped as needed.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// With a body in JSON and the header that says so.
    ///
    /// # Panics
    /// Where the value has no JSON form.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Makes the request: a step.
    ///
    /// # Errors
    /// [`RequestFailure`] where there is no answer, after the tries that the connection allows.
    pub fn send(self) -> Result<Response, RequestFailure> {
        self.workflow.send(self.request)
    }
}
