//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hygie_web::client::{ClientCertificate, Peer};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::drain::Drained;
use super::{Forwarding, Limits, Site, Speech, Stop, host};

/// Fatal alert `unrecognized_name` in a TLS record (RFC 6066 §3, RFC 8446 §6).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// What the connections of a listener share.
pub struct Context {
    name: &'static str,
    speech: Speech,
    limits: Limits,
    builder: auto::Builder<TokioExecutor>,
}

impl Context {
    pub fn new(name: &'static str, speech: Speech, limits: Limits) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(limits.head_bytes);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(limits.idle / 2)
            .keep_alive_timeout(limits.handshake);
        Self {
            name,
            speech,
            limits,
            builder,
        }
    }
}

/// Where the requests of a connection go.
struct Target {
    router: Router,
    hosts: Vec<String>,
    server_name: Option<String>,
    checked: bool,
    peer: SocketAddr,
    certificate: Option<ClientCertificate>,
    forwarding: Forwarding,
    requests: AtomicU64,
}

/// Serves a connection until it ends, idles too long, or the stop is complete.
pub async fn serve(stream: TcpStream, peer: SocketAddr, context: Arc<Context>, stop: Stop) {
    let open = metrics::gauge!("hygie_connections_open", "listener" => context.name);
    open.increment(1.0);
    metrics::counter!("hygie_connections_total", "listener" => context.name).increment(1);
    match &context.speech {
        Speech::Plain(router) => {
            let target = Target {
                router: router.clone(),
                hosts: Vec::new(),
                server_name: None,
                checked: false,
                peer,
                certificate: None,
                forwarding: Forwarding::default(),
                requests: AtomicU64::new(0),
            };
            requests(stream, target, &context, &stop).await;
        }
        Speech::Tls(sites) => {
            let handshake = tokio::time::timeout(context.limits.handshake, handshake(stream, sites));
            let outcome = tokio::select! {
                outcome = handshake => outcome.unwrap_or(None),
                () = stop.begun() => None,
            };
            if let Some((stream, site, server_name)) = outcome {
                let target = Target {
                    router: site.router.clone(),
                    hosts: site.hosts.clone(),
                    server_name,
                    checked: true,
                    peer,
                    certificate: certificate(&stream),
                    forwarding: site.forwarding.clone(),
                    requests: AtomicU64::new(0),
                };
                requests(stream, target, &context, &stop).await;
            } else {
                metrics::counter!("hygie_handshakes_failed_total", "listener" => context.name).increment(1);
            }
        }
    }
    open.decrement(1.0);
}

/// The TLS handshake with the site that the client asks for. `None` when it fails: the client was told by an alert.
async fn handshake(stream: TcpStream, sites: &[Site]) -> Option<(TlsStream<TcpStream>, &Site, Option<String>)> {
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream)
        .await
        .ok()?;
    let server_name = start.client_hello().server_name().map(host::normal);
    let Some((site, tls)) = chosen(sites, server_name.as_deref()).await else {
        let mut stream = start.io;
        // The client may be gone; there is nobody else to tell.
        let _ = stream.write_all(&UNRECOGNIZED_NAME).await;
        let _ = stream.shutdown().await;
        return None;
    };
    let stream = start.into_stream(tls).await.ok()?;
    Some((stream, site, server_name))
}

/// The site of a name, and how it speaks under that name.
async fn chosen<'a>(sites: &'a [Site], server_name: Option<&str>) -> Option<(&'a Site, Arc<ServerConfig>)> {
    let Some(name) = server_name else {
        return sites.first().map(|site| (site, site.tls.clone()));
    };
    if let Some(site) = sites.iter().find(|site| site.hosts.iter().any(|host| host == name)) {
        return Some((site, site.tls.clone()));
    }
    for site in sites {
        if let Some(tenants) = &site.tenants
            && let Some(tenant) = tenants.tenant(name)
        {
            return Some((site, tenants.config(tenant).await?));
        }
    }
    None
}

/// The certificate that the client proved to hold, where it was asked and has one.
fn certificate(stream: &TlsStream<TcpStream>) -> Option<ClientCertificate> {
    let (_, session) = stream.get_ref();
    let leaf = session.peer_certificates()?.first()?;
    Some(ClientCertificate(leaf.as_ref().into()))
}

/// Speaks HTTP until the client leaves, no request came for the idle time, or the program stops.
async fn requests<S>(stream: S, target: Target, context: &Context, stop: &Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let target = Arc::new(target);
    let service = service_fn({
        let target = target.clone();
        move |request| answer(request, target.clone())
    });
    let mut connection = pin!(context.builder.serve_connection(TokioIo::new(stream), service));
    let mut stopping = false;
    loop {
        let seen = target.requests.load(Ordering::Relaxed);
        tokio::select! {
            // Errors are the client's (a reset, a malformed head) and were answered as far as HTTP allows.
            _ = connection.as_mut() => return,
            () = stop.cut() => return,
            () = stop.begun(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep(context.limits.idle), if !stopping => {
                // A request that is still being answered is not cut: the connection ends after it.
                if target.requests.load(Ordering::Relaxed) == seen {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn answer(mut request: Request<Incoming>, target: Arc<Target>) -> Result<Response<Body>, Infallible> {
    target.requests.fetch_add(1, Ordering::Relaxed);
    if target.checked
        && let Err(status) = host::check(&request, target.server_name.as_deref(), &target.hosts)
    {
        return Ok(refusal(status));
    }
    let (own, peer) = (target.certificate.as_ref(), target.peer.ip());
    if let Some(certificate) = target.forwarding.certificate(peer, own, request.headers()) {
        request.extensions_mut().insert(certificate);
    }
    request.extensions_mut().insert(Peer(target.peer));
    target.router.clone().oneshot(Drained::of(request).map(Body::new)).await
}

fn refusal(status: StatusCode) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Body::from(format!("{reason}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
