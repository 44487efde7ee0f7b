//! Limits of a request: its size, its time, how many at once; and the catcher of panics.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::Limited;
use hygie_core::ErrorKind;
use tokio::sync::Semaphore;

use crate::error::Failure;

/// Size, time and number.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request body.
    pub body: usize,
    /// Bytes of the body of a request that may have more than the others; none of one that may not.
    pub larger: fn(&Parts) -> Option<usize>,
    /// From the first byte of the head to the head of the answer.
    pub time: Duration,
    /// Requests worked on at once.
    pub concurrent: usize,
    /// Requests that wait for their turn; more are refused.
    pub waiting: usize,
    /// Requests whose handler bounds the size and the pace of their body, and the time for what it does then.
    pub uploads: fn(&Parts) -> bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 2 << 20,
            larger: |_| None,
            time: Duration::from_secs(30),
            concurrent: 512,
            waiting: 1024,
            uploads: |_| false,
        }
    }
}

pub(super) struct Limiter {
    limits: Limits,
    admitted: Semaphore,
    working: Semaphore,
}

impl Limiter {
    pub fn new(limits: Limits) -> Self {
        let most = Semaphore::MAX_PERMITS;
        Self {
            limits,
            admitted: Semaphore::new(limits.concurrent.saturating_add(limits.waiting).min(most)),
            working: Semaphore::new(limits.concurrent.min(most)),
        }
    }

    /// Runs the rest of the path within the limits. A request that is cut off may or may not have had its effect, as
    /// when the connection breaks: the same request again is the way to know.
    pub async fn run(&self, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let is_upload = (self.limits.uploads)(&parts);
        let most = (self.limits.larger)(&parts).unwrap_or(self.limits.body);
        let length = parts.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()).filter(|_| !is_upload);
        if length.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > most as u64)) {
            return too_large(most).into_response();
        }
        let Ok(_admitted) = self.admitted.try_acquire() else {
            return Failure::new(ErrorKind::TooMany, "throttled", "too many requests at once; try again")
                .retry_after(1)
                .into_response();
        };
        let starved = Arc::new(AtomicBool::new(false));
        let body = if is_upload {
            body
        } else {
            Body::new(Watched {
                body: Limited::new(body, most),
                starved: starved.clone(),
            })
        };
        let request = Request::from_parts(parts, body);
        let work = async {
            let _working = self.working.acquire().await;
            AssertUnwindSafe(next.run(request)).catch_unwind().await
        };
        let time = if is_upload { Duration::MAX } else { self.limits.time };
        match tokio::time::timeout(time, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Failure::internal(&Panicked::new(&*panic)).into_response(),
            Err(_) => late(starved.load(Ordering::Relaxed)).into_response(),
        }
    }
}

fn too_large(most: usize) -> Failure {
    let message = format!("the request body exceeds {most} bytes");
    Failure::new(ErrorKind::TooLarge, "too-long", message)
}

/// 408 tells the client that it was slow (RFC 9110 §15.5.9); when we did not wait for it, we were.
fn late(starved: bool) -> Failure {
    if starved {
        Failure::new(ErrorKind::Timeout, "timeout", "the request did not arrive in time")
    } else {
        let message = "the request took longer than allowed";
        Failure::new(ErrorKind::Unavailable, "timeout", message).retry_after(5)
    }
}

/// A body that notes whether somebody waits for the client to send more of it.
struct Watched {
    body: Limited<Body>,
    starved: Arc<AtomicBool>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.starved.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

/// A bug met by a request.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

impl Panicked {
    fn new(panic: &(dyn std::any::Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Self(message.unwrap_or_else(|| "no message".to_owned()))
    }
}
