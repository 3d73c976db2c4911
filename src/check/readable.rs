//! Descriptors of others, for the runtime to wait for.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram as Socket;
use std::task::Context;

use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// A descriptor that somebody else reads. The runtime takes it for a socket of datagrams, of which
/// it asks nothing but whether there is something to read: for any descriptor it has only what is
/// unsafe.
#[derive(Debug)]
pub struct Readable(UnixDatagram);

impl Readable {
    /// # Errors
    /// The system gives no more descriptors.
    pub fn new(descriptor: &impl AsFd) -> io::Result<Self> {
        let socket = Socket::from(descriptor.as_fd().try_clone_to_owned()?);
        socket.set_nonblocking(true)?;
        UnixDatagram::from_std(socket).map(Readable)
    }

    /// Has `read` read all, whenever there is something; whether there was something that it says
    /// is news.
    pub fn poll(&self, context: &mut Context<'_>, mut read: impl FnMut() -> bool) -> bool {
        let mut news = false;
        while self.0.poll_recv_ready(context).is_ready() {
            news |= read();
            let all_read = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
            let _ = self.0.try_io(Interest::READABLE, all_read);
        }
        news
    }
}
