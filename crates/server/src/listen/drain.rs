//! A request body whose rest is read and thrown away when nobody wants it.
//!
//! A request that is refused before its body was read (too large, no token) is answered while the client still sends.
//! Closing the connection then resets it, and the client loses the answer that tells it why (RFC 9112 §9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// More is not worth its time: the connection is reset.
const MAX_BYTES: usize = 64 << 20;
/// Longest time that a client may go on sending what nobody reads.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The body of a request.
pub struct Drained {
    body: Option<Incoming>,
    /// HTTP/2 ends a stream without the others; a client that waits for `100 Continue` has not begun to send.
    is_drained: bool,
}

impl Drained {
    /// Of this request.
    pub fn of(request: Request<Incoming>) -> Request<Self> {
        let is_drained = request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
        request.map(|body| Self {
            body: Some(body),
            is_drained,
        })
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && self.is_drained
            && !body.is_end_stream()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(MAX_TIME, drain(body)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_BYTES {
            return;
        }
    }
}
