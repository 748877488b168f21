//! Answers that do not arrive as they were given.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header;
use axum::response::Response;
use http_body::Frame;

/// The first half of the body, at least a byte; of an empty body, what begins one.
async fn first_half(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    // The answers are the simulator's own and in memory: they arrive.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = match body.len() {
        0 => Bytes::from_static(b"{"),
        length => body.slice(..length.div_ceil(2).min(length.saturating_sub(1).max(1))),
    };
    (head, half)
}

/// The head of the answer and half of its body, then the end of the connection.
pub(super) async fn cut(response: Response) -> Response {
    let (head, half) = first_half(response).await;
    Response::from_parts(head, Body::new(CutBody { half, polls: 0 }))
}

/// An answer that is whole to HTTP and broken to JSON.
pub(super) async fn malform(response: Response) -> Response {
    let (head, half) = first_half(response).await;
    Response::from_parts(head, Body::from(half))
}

/// A body that breaks off, upon which the server closes the connection.
#[derive(Debug)]
struct CutBody {
    half: Bytes,
    polls: u32,
}

impl http_body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.polls += 1;
        match self.polls {
            1 => Poll::Ready(Some(Ok(Frame::data(self.half.clone())))),
            2 => {
                // A body that pauses makes the server send what it holds so far.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
