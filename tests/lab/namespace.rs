//! Network and mount namespaces. A thread enters one, starts a process there, and ends: nothing of
//! it needs code between fork and exec.

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use crate::fail::{Context, Result};

/// Something put over a path, seen by the processes of one call only.
pub enum Mount {
    /// A file over a file.
    File { from: PathBuf, onto: PathBuf },
    /// A file with this text over a file.
    Text { text: String, onto: PathBuf },
    /// An empty folder.
    Empty(PathBuf),
    /// A `/proc` in which there is nothing but `net/ip_vs_conn` with this text.
    Connections(String),
}

impl Mount {
    pub fn file(from: impl Into<PathBuf>, onto: impl Into<PathBuf>) -> Self {
        Self::File {
            from: from.into(),
            onto: onto.into(),
        }
    }

    /// Mounts it in the namespace of this thread.
    pub fn apply(&self) -> Result {
        match self {
            Self::File { from, onto } => mount(
                Some(from),
                onto,
                None::<&str>,
                MsFlags::MS_BIND,
                None::<&str>,
            )
            .context(format_args!("{} over {}", from.display(), onto.display())),
            Self::Text { text, onto } => {
                let name = format!("lab.{}", std::process::id());
                let from = std::env::temp_dir().join(name);
                std::fs::write(&from, text).context(from.display())?;
                Self::file(&from, onto).apply()?;
                // The mount keeps it.
                std::fs::remove_file(&from).context(from.display())
            }
            Self::Empty(path) => tmpfs(path),
            Self::Connections(text) => {
                tmpfs(Path::new("/proc"))?;
                std::fs::create_dir("/proc/net").context("/proc/net")?;
                std::fs::write("/proc/net/ip_vs_conn", text).context("/proc/net/ip_vs_conn")
            }
        }
    }
}

fn tmpfs(path: &Path) -> Result {
    mount(
        Some("lab"),
        path,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .context(path.display())
}

/// Gives the calling thread mounts of its own: from here on, what it mounts nobody else sees.
pub fn own_mounts() -> Result {
    unshare(CloneFlags::CLONE_NEWNS).context("mount namespace")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).context("private mounts")
}

/// Gives the calling thread an empty network of its own, and with it an IPVS table of its own.
pub fn own_network() -> Result {
    unshare(CloneFlags::CLONE_NEWNET).context("network namespace")
}

/// Does something in a namespace made by `ip netns add`. Sockets opened there stay there.
pub fn in_network<T: Send>(name: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    apart(|| {
        let path = Path::new("/run/netns").join(name);
        let namespace = File::open(&path).context(path.display())?;
        setns(namespace, CloneFlags::CLONE_NEWNET).context(path.display())?;
        work()
    })
}

/// Does something with these mounts in place.
pub fn with_mounts<T: Send>(
    mounts: &[Mount],
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    apart(|| {
        own_mounts()?;
        mounts.iter().try_for_each(Mount::apply)?;
        work()
    })
}

/// Runs on a thread of its own, whose namespaces end with it.
fn apart<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(work).join()).map_err(|_| "panicked".to_owned())?
}
