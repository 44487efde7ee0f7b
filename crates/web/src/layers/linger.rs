//! What a client still sends when its answer is ready. Over HTTP/1.1 a connection that is closed while the client sends is
//! reset, and the reset destroys the answer on its way (RFC 9112 §9.6): a client that sent too much would not learn why. So
//! what nobody read is read and dropped, within limits. HTTP/2 ends the stream instead.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::Version;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

/// Bytes read for nothing, at most.
const SIZE: usize = 128 << 20;
/// For this long, at most.
const TIME: Duration = Duration::from_secs(10);

/// The request, whose body is read to its end when it is let go before.
pub(super) fn linger(request: Request) -> Request {
    if request.version() >= Version::HTTP_2 {
        return request;
    }
    request.map(|body| Body::new(Lingering(body)))
}

struct Lingering(Body);

impl http_body::Body for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if http_body::Body::is_end_stream(&self.0) {
            return;
        }
        let rest = std::mem::take(&mut self.0);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(TIME, read_and_drop(rest)));
        }
    }
}

async fn read_and_drop(mut body: Body) {
    let mut left = SIZE;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(still) = left.checked_sub(length) else { break };
        left = still;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A request whose body counts what is read of its `parts`, each of 64 KiB.
    fn request(version: Version, parts: usize, read: &Arc<AtomicUsize>) -> Request {
        let read = read.clone();
        let stream = futures_util::stream::iter((0..parts).map(move |_| {
            read.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from(vec![0; 64 << 10]))
        }));
        let request = Request::builder().version(version).body(Body::from_stream(stream));
        request.expect("a request of our own")
    }

    async fn read_after_drop(version: Version, parts: usize) -> usize {
        let read = Arc::new(AtomicUsize::new(0));
        drop(linger(request(version, parts, &read)));
        for _ in 0..100_000 {
            if read.load(Ordering::Relaxed) == parts {
                break;
            }
            tokio::task::yield_now().await;
        }
        read.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_nobody_read_is_read_within_a_limit() {
        assert_eq!(read_after_drop(Version::HTTP_11, 100).await, 100);
        let most = SIZE / (64 << 10);
        assert_eq!(read_after_drop(Version::HTTP_11, most + 50).await, most + 1);
        assert_eq!(read_after_drop(Version::HTTP_2, 100).await, 0);
    }
}
