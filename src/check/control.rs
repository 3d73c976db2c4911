//! How a running loop is asked things: a socket that its own user alone reaches. A question is a
//! line, its answer a text; then the connection ends.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as Caller;
use std::path::Path;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::host::local_socket::LocalSocket;

/// How long a question, and the way of an answer, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest question, in bytes.
const LONGEST_QUESTION: u64 = 4096;

/// The longest answer that is read, in bytes: a line for each of very many servers.
const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// How many questions may wait.
const WAITING: usize = 16;

/// A question, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// The question.
    pub line: String,
    answer: oneshot::Sender<String>,
}

impl Asked {
    /// Answers it.
    pub fn answer(self, text: String) {
        // Whoever asked may have gone.
        let _ = self.answer.send(text);
    }
}

/// Where a loop is asked.
#[derive(Debug)]
pub struct Control(LocalSocket);

impl Control {
    /// Listens at `path`.
    ///
    /// # Errors
    /// AddrInUse: another process listens there.
    pub fn open(path: &Path) -> io::Result<Self> {
        LocalSocket::listen(path).map(Control)
    }

    /// Takes questions; needs a runtime.
    pub(super) fn serve(self) -> io::Result<Questions> {
        let listener = self.0.listener()?;
        let listener = UnixListener::from_std(listener)?;
        let (sender, questions) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            // It goes with the loop.
            let _socket = self;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(timeout(PATIENCE, converse(stream, sender.clone())));
            }
        });
        Ok(Questions(questions))
    }
}

/// The questions that have come.
#[derive(Debug)]
pub(super) struct Questions(mpsc::Receiver<Asked>);

impl Questions {
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Asked> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(asked)) => Poll::Ready(asked),
            // Nobody listens any more.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn converse(mut stream: UnixStream, questions: mpsc::Sender<Asked>) {
    let mut line = Vec::new();
    let mut reader = (&mut stream).take(LONGEST_QUESTION);
    loop {
        match reader.read_buf(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) if line.ends_with(b"\n") => break,
            Ok(_) => {}
        }
    }
    let (answer, answered) = oneshot::channel();
    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
    if questions.send(Asked { line, answer }).await.is_ok() {
        if let Ok(text) = answered.await {
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
}

/// Asks the loop that listens at `path`.
///
/// # Errors
/// NotFound and ConnectionRefused: there is none.
pub fn ask(path: &Path, question: &str) -> io::Result<String> {
    let mut stream = Caller::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
