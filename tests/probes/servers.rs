//! The servers that are asked: real ones as child processes, hostile ones as threads.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// How long servers may take until they listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What nginx serves, in the folder FOLDER.
const NGINX: &str = "\
daemon off;
pid FOLDER/nginx.pid;
error_log FOLDER/nginx.log;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/tmp; proxy_temp_path FOLDER/tmp; fastcgi_temp_path FOLDER/tmp;
    uwsgi_temp_path FOLDER/tmp; scgi_temp_path FOLDER/tmp;
    server {
        listen 80; listen [::]:80; listen 8080;
        listen 443 ssl; listen [::]:443 ssl;
        ssl_certificate FOLDER/good.pem;
        ssl_certificate_key FOLDER/good.key;
        root FOLDER/www;
        location = /moved { return 301 http://elsewhere.example/; }
        location = /broken { return 500; }
        location = /host { return 200 $http_host; }
        location = /sni { return 200 $ssl_server_name; }
    }
    server {
        listen 8443 ssl;
        ssl_certificate FOLDER/good.pem;
        ssl_certificate_key FOLDER/good.key;
        ssl_client_certificate FOLDER/good.pem;
        ssl_verify_client on;
        root FOLDER/www;
    }
}
";

/// The page that is served, and a page that nobody reads to its end.
const PAGE: &str = "The probes work.\n";
const HUGE: u64 = 1 << 30;

/// All servers; they end with this value.
pub struct Servers {
    pub folder: PathBuf,
    /// The digest of the page.
    pub digest: String,
    children: Vec<Child>,
}

impl Servers {
    pub fn start() -> Result<Self, String> {
        let mut servers = Servers {
            folder: make_folder()?,
            digest: String::new(),
            children: Vec::new(),
        };
        let folder = servers.folder.clone();
        servers.digest = digest(&folder)?;
        let nginx = NGINX.replace("FOLDER", &folder.display().to_string());
        write(&folder.join("nginx.conf"), &nginx)?;
        let configuration = folder.join("nginx.conf").display().to_string();
        servers.child("nginx", &["-c", &configuration])?;
        servers.child(
            "dnsmasq",
            &[
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--pid-file",
                "--local=/probes.example/",
                "--address=/www.probes.example/10.77.0.1",
                "--address=/www.probes.example/fd77::1",
            ],
        )?;
        servers.child("aiosmtpd", &["-n", "-l", "10.77.0.1:2525"])?;
        hostile()?;
        for port in [80, 443, 53, 2525] {
            wait_for(port)?;
        }
        Ok(servers)
    }

    /// A mail server that keeps what it gets in the folder `mail`.
    pub fn mail_server(&mut self, port: u16) -> Result<(), String> {
        let (folder, place) = (self.folder.join("mail"), format!("{ADDRESS}:{port}"));
        let folder = folder.display().to_string();
        let handler = ["-c", "aiosmtpd.handlers.Mailbox", &folder];
        self.child("aiosmtpd", &[&["-n", "-l", &place], &handler[..]].concat())?;
        wait_for(port)
    }

    fn child(&mut self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        self.children.push(child);
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let id = Pid::from_raw(child.id() as i32);
            let _ = kill(id, Signal::SIGTERM);
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a program with this on its standard input; it must succeed.
pub fn feed(program: &str, arguments: &[&str], input: &str) -> Result<(), String> {
    let run = || {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait()
    };
    match run() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn make_folder() -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join(format!("lvskit-probes-{}", std::process::id()));
    let failed = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder.join("www")).map_err(failed)?;
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).map_err(failed)?;
    write(&folder.join("www/index.html"), PAGE)?;
    let huge = fs::File::create(folder.join("www/huge")).map_err(failed)?;
    huge.set_len(HUGE).map_err(failed)?;
    write(&folder.join("zero"), "0\n")?;
    write(
        &folder.join("locked.key"),
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    )?;
    write(&folder.join("three"), "3\n")?;
    write(&folder.join("exit"), "#!/bin/sh\nexit $1\n")?;
    write(
        &folder.join("whoami"),
        "#!/bin/sh\ntest \"$(id -un)\" = \"$1\"\n",
    )?;
    for program in ["exit", "whoami"] {
        let path = folder.join(program);
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).map_err(failed)?;
    }
    let certificate = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args([
            "-subj",
            "/CN=good.example",
            "-addext",
            "subjectAltName=DNS:good.example",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("good.key"))
        .arg("-out")
        .arg(folder.join("good.pem"))
        .output();
    match certificate {
        Ok(output) if output.status.success() => Ok(folder),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("openssl: {error}")),
    }
}

/// The digest of the page, by another program than ours.
fn digest(folder: &Path) -> Result<String, String> {
    let output = Command::new("md5sum")
        .arg(folder.join("www/index.html"))
        .output();
    let output = output.map_err(|error| format!("md5sum: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn wait_for(port: u16) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect((ADDRESS, port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("nobody listens on port {port}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Servers that nobody would want to have, from port 9001 on.
fn hostile() -> Result<(), String> {
    // It says nothing.
    serve(9001, |stream| {
        let mut stream = stream;
        let _ = stream.read(&mut [0; 1 << 16]);
        thread::sleep(PATIENCE);
    })?;
    // It resets the connection: what was sent to it was not read.
    serve(9002, |_| thread::sleep(Duration::from_millis(50)))?;
    serve(9003, |stream| {
        for_ever(
            stream,
            "HTTP/1.1 200 OK\r\n",
            "X-Header: and one more of them\r\n",
        )
    })?;
    serve(9004, |mut stream| {
        let _ = stream.read(&mut [0; 1 << 16]);
    })?;
    serve(9005, |stream| {
        say(stream, "220 welcome to the wrong house\r\n")
    })?;
    serve(9006, |stream| {
        for_ever_slowly(stream, "HTTP/1.0 200 OK\r\n\r\n")
    })?;
    serve(9007, |stream| {
        say(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        );
    })?;
    serve(9008, |stream| say(stream, "HTTP/1.0 200 OK\r\n\r\nshort"))?;
    serve(9009, |stream| {
        for_ever_slowly(stream, "HTTP/1.0 200 OK\r\n")
    })?;
    // It speaks first.
    serve(9011, |mut stream| {
        let _ = stream.write_all(b"220 welcome\r\n");
        let _ = stream.read(&mut [0; 1 << 16]);
    })?;
    serve(9010, |stream| {
        for_ever(stream, "", "220-and one more line\r\n")
    })?;
    for address in [
        IpAddr::V4(ADDRESS),
        IpAddr::V6([0xfd77, 0, 0, 0, 0, 0, 0, 1].into()),
    ] {
        let socket = UdpSocket::bind((address, 9000)).map_err(|error| error.to_string())?;
        thread::spawn(move || {
            let mut datagram = [0; 1 << 16];
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                let _ = socket.send_to(&datagram[..length], from);
            }
        });
    }
    Ok(())
}

fn serve(port: u16, behave: fn(TcpStream)) -> Result<(), String> {
    let listener = TcpListener::bind((ADDRESS, port)).map_err(|error| error.to_string())?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || behave(stream));
        }
    });
    Ok(())
}

fn say(mut stream: TcpStream, text: &str) {
    let _ = stream.read(&mut [0; 1 << 16]);
    let _ = stream.write_all(text.as_bytes());
}

fn for_ever(mut stream: TcpStream, first: &str, again: &str) {
    if first.starts_with("HTTP") {
        let _ = stream.read(&mut [0; 1 << 16]);
    }
    let _ = stream.write_all(first.as_bytes());
    while stream.write_all(again.as_bytes()).is_ok() {}
}

fn for_ever_slowly(mut stream: TcpStream, first: &str) {
    let _ = stream.read(&mut [0; 1 << 16]);
    let _ = stream.write_all(first.as_bytes());
    while stream.write_all(b"X: y\r\n").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}
