//! A small web server on a loopback port, for what goes out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers by path, and how often each request came.
#[derive(Clone, Default)]
pub struct Server {
    answers: Arc<Mutex<HashMap<String, String>>>,
    pub requests: Arc<AtomicUsize>,
}

impl Server {
    /// Starts, and gives the server with its `127.0.0.1:port`.
    pub async fn start() -> (Self, String) {
        let server = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().answer(stream));
            }
        });
        (server, address)
    }

    /// Answers a path with 200 and this body.
    pub fn serve(&self, path: &str, body: &str) {
        self.raw(
            path,
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            ),
        );
    }

    /// Answers a path with a redirect.
    pub fn redirect(&self, path: &str, to: &str) {
        self.raw(
            path,
            format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        );
    }

    /// Answers a path with these bytes.
    pub fn raw(&self, path: &str, answer: String) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read_buf(&mut request).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let request = String::from_utf8_lossy(&request);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let found = self.answers.lock().unwrap().get(path).cloned();
        let absent = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
        let _gone = stream.write_all(found.unwrap_or(absent).as_bytes()).await;
    }
}
