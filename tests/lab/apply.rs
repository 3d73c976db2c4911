//! What `--apply` does to the connections that are there, and what a restore does to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::{Call, Outcome};
use crate::traffic::{BALANCER, CLIENT, Lan, SERVERS};
use crate::world::World;

const VIP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 80);

/// The real servers: 10.98.0.2 and 10.98.0.3.
const NUMBERS: [u8; 2] = [2, 3];

/// How long a connection or an answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often the table is changed while clients come and go.
const CHANGES: u32 = 10;

/// Under new connections all the time, and with some that stay, the weight of one server is
/// changed again and again, and at last that server is taken out. Nobody else notices.
pub fn an_applied_change_breaks_no_other_connection(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let _servers = servers()?;
    apply(world, &table(Some(1)))?;
    let mut streams = (0..6)
        .map(|_| connect())
        .collect::<Result<Vec<TcpStream>>>()?;
    let numbers = streams.iter_mut().map(ask).collect::<Result<Vec<u8>>>()?;
    if NUMBERS.iter().any(|number| !numbers.contains(number)) {
        return Err(format!("not all servers answer: {numbers:?}"));
    }

    let visitors = Visitors::start();
    for change in 1..=CHANGES {
        apply(world, &table(Some(change + 1)))?;
    }
    apply(world, &table(None))?;
    let (came, failed) = visitors.stop()?;

    for (stream, number) in streams.iter_mut().zip(numbers) {
        if number == NUMBERS[0] {
            ask(stream).context("a connection to the server that stays")?;
        }
    }
    match (came, failed) {
        (1.., 0) => Ok(()),
        (came, failed) => Err(format!("{failed} of {came} new connections failed")),
    }
}

/// The same changes by the real ipvsadm, in the way of ipvsadm-restore: clear, then add. Else the
/// test above would prove nothing.
pub fn a_restore_breaks_connections(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let _servers = servers()?;
    let reference = world.reference.path.clone();
    apply(world, &table(Some(1)))?;
    let visitors = Visitors::start();
    for change in 1..=CHANGES {
        for (argument, stdin) in [("-C", String::new()), ("-R", table(Some(change + 1)))] {
            run(&Call {
                program: reference.clone(),
                arguments: &[argument.to_owned()],
                stdin: &stdin,
                ..Call::default()
            })?;
        }
    }
    match visitors.stop()? {
        (_, 1..) => Ok(()),
        (came, _) => Err(format!("none of {came} new connections failed")),
    }
}

/// A table whose second server has this weight, or is not there.
fn table(weight: Option<u32>) -> String {
    let mut table = format!("-A -t {VIP} -s rr\n-a -t {VIP} -r 10.98.0.2:80 -m -w 1\n");
    if let Some(weight) = weight {
        table += &format!("-a -t {VIP} -r 10.98.0.3:80 -m -w {weight}\n");
    }
    table
}

fn apply(world: &World, table: &str) -> Result {
    run(&Call {
        program: world.program.path.clone(),
        arguments: &["--apply".to_owned(), "-".to_owned()],
        stdin: table,
        ..Call::default()
    })
}

/// Makes a call on the balancer, which must succeed.
fn run(call: &Call) -> Result {
    let call = Call {
        program: call.program.clone(),
        argv0: "ipvsadm",
        network: Some(BALANCER),
        mounts: Vec::new(),
        ..*call
    };
    match call.run()? {
        Outcome { rc: 0, .. } => Ok(()),
        Outcome { rc, stderr, .. } => {
            Err(format!("{:?} ended with {rc}: {stderr}", call.arguments))
        }
    }
}

fn connect() -> Result<TcpStream> {
    in_network(CLIENT, || {
        let stream = TcpStream::connect_timeout(&VIP, TIMEOUT).context("connect")?;
        stream.set_read_timeout(Some(TIMEOUT)).context("timeout")?;
        Ok(stream)
    })
}

/// Asks over a connection which server it is.
fn ask(stream: &mut TcpStream) -> Result<u8> {
    let mut answer = [0];
    stream.write_all(b"?").context("question")?;
    stream.read_exact(&mut answer).context("answer")?;
    Ok(answer[0])
}

/// A thread that ends when it is dropped or asked for what it has found.
struct Background<T> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Background<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self {
            stop,
            thread: Some(std::thread::spawn(move || work(&stopped))),
        }
    }

    fn stop(mut self) -> Result<T> {
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
fn servers() -> Result<Vec<Background<()>>> {
    NUMBERS
        .iter()
        .map(|&number| {
            let listener = in_network(SERVERS, || {
                TcpListener::bind((Ipv4Addr::new(10, 98, 0, number), 80)).context("bind")
            })?;
            listener.set_nonblocking(true).context("listener")?;
            Ok(Background::start(move |stop| {
                serve(&listener, number, stop)
            }))
        })
        .collect()
}

fn serve(listener: &TcpListener, number: u8, stop: &AtomicBool) {
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
struct Visitors {
    came: Arc<AtomicU32>,
    thread: Background<u32>,
}

impl Visitors {
    fn start() -> Self {
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
    fn stop(self) -> Result<(u32, u32)> {
        let failed = self.thread.stop()?;
        Ok((self.came.load(Ordering::Relaxed), failed))
    }
}
