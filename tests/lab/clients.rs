//! Clients of the service 10.96.0.1:80, its real servers 10.98.0.2 and 10.98.0.3, and calls of
//! ipvsadm on the balancer between them.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::{Call, Outcome};
use crate::traffic::{BALANCER, CLIENT, SERVERS};

pub const VIP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 80);

/// The real servers: 10.98.0.2 and 10.98.0.3.
pub const NUMBERS: [u8; 2] = [2, 3];

/// How long a connection or an answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Calls a program as `ipvsadm` on the balancer.
pub fn call(program: &Path, arguments: &str, stdin: &str) -> Result<Outcome> {
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    Call {
        program: program.to_owned(),
        argv0: "ipvsadm",
        arguments: &arguments,
        stdin,
        network: Some(BALANCER),
        ..Call::default()
    }
    .run()
}

/// The same; it must succeed. Gives what it printed.
pub fn done(program: &Path, arguments: &str, stdin: &str) -> Result<String> {
    match call(program, arguments, stdin)? {
        Outcome { rc: 0, stdout, .. } => Ok(stdout),
        Outcome { rc, stderr, .. } => Err(format!("{arguments} ended with {rc}: {stderr}")),
    }
}

pub fn connect() -> Result<TcpStream> {
    in_network(CLIENT, || {
        let stream = TcpStream::connect_timeout(&VIP, TIMEOUT).context("connect")?;
        stream.set_read_timeout(Some(TIMEOUT)).context("timeout")?;
        Ok(stream)
    })
}

/// Asks over a connection which server it is.
pub fn ask(stream: &mut TcpStream) -> Result<u8> {
    let mut answer = [0];
    stream.write_all(b"?").context("question")?;
    stream.read_exact(&mut answer).context("answer")?;
    Ok(answer[0])
}

/// A thread that ends when it is dropped or asked for what it has found.
pub struct Background<T> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Background<T> {
    pub fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self {
            stop,
            thread: Some(std::thread::spawn(move || work(&stopped))),
        }
    }

    pub fn stop(mut self) -> Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().ok_or("stopped twice")?;
        thread.join().map_err(|_| "panicked".into())
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Servers that answer each byte with their number.
pub fn servers() -> Result<Vec<Background<()>>> {
    NUMBERS.iter().map(|&number| server(number)).collect()
}

/// The server 10.98.0.`number`.
pub fn server(number: u8) -> Result<Background<()>> {
    let listener = in_network(SERVERS, || {
        TcpListener::bind((Ipv4Addr::new(10, 98, 0, number), 80)).context("bind")
    })?;
    listener.set_nonblocking(true).context("listener")?;
    Ok(Background::start(move |stop| {
        serve(&listener, number, stop)
    }))
}

/// Answers each byte with a number.
pub fn serve(listener: &TcpListener, number: u8, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((mut stream, _)) => {
                std::thread::spawn(move || {
                    let mut question = [0];
                    while stream.read_exact(&mut question).is_ok() {
                        if stream.write_all(&[number]).is_err() {
                            return;
                        }
                    }
                });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return eprintln!("lab: accept: {error}"),
        }
    }
}

/// Clients that come one after the other, ask, and go.
pub struct Visitors {
    came: Arc<AtomicU32>,
    thread: Background<u32>,
}

impl Visitors {
    pub fn start() -> Self {
        let came = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&came);
        let thread = Background::start(move |stop| {
            let mut failed = 0;
            while !stop.load(Ordering::Relaxed) {
                counter.fetch_add(1, Ordering::Relaxed);
                let answer = connect().and_then(|mut stream| ask(&mut stream));
                failed += u32::from(answer.is_err());
            }
            failed
        });
        Self { came, thread }
    }

    /// How many came, and how many of them were not served.
    pub fn stop(self) -> Result<(u32, u32)> {
        let failed = self.thread.stop()?;
        Ok((self.came.load(Ordering::Relaxed), failed))
    }
}
