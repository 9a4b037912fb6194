//! Taking addresses, with errors that say which, why and what to change.

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context as _, bail};
use orrery_web::Listener;

use crate::config::serve::{self, Serve};

/// Ory's own ports.
const ORY_PUBLIC: [u16; 2] = [4433, 4444];
const ORY_ADMIN: [u16; 2] = [4434, 4445];

/// An address that is ours.
pub(crate) struct Bound {
    pub(crate) listener: Listener,
    pub(super) socket: Socket,
}

pub(super) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

impl Bound {
    /// The TCP address, with the port that port 0 became.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
        }
    }
}

/// Binds every address of the configuration: the first of each listener is its own, others are Ory's ports.
pub(crate) fn bind(config: &Serve, admin_is_guarded: bool) -> anyhow::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let public = (Listener::Public, &config.public.host, &config.public.socket, config.public.port, ORY_PUBLIC);
    let admin = (Listener::Admin, &config.admin.host, &config.admin.socket, config.admin.port, ORY_ADMIN);
    for (listener, host, permissions, port, ory) in [public, admin] {
        if let Some(path) = host.strip_prefix("unix:") {
            bound.push(Bound { listener, socket: unix(path, permissions)? });
            continue;
        }
        let further = ory.into_iter().filter(|other| config.ory_ports && *other != port);
        for port in std::iter::once(port).chain(further) {
            let socket = tcp(listener, host, port)?;
            // A name may have led to an address that the configuration could not foresee.
            let local = socket.local_addr().is_ok_and(|address| address.ip().is_loopback());
            if listener == Listener::Admin && !local && !admin_is_guarded {
                bail!("the admin listener would be open to the network at {host}; set admin.tokens or bind 127.0.0.1");
            }
            bound.push(Bound { listener, socket: Socket::Tcp(socket) });
        }
    }
    Ok(bound)
}

fn tcp(listener: Listener, host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let socket = TcpListener::bind((bare, port)).map_err(|why| {
        let place = format!("the {listener} listener cannot use {host}:{port}");
        let change = format!("serve.{listener}.port (ORRERY__SERVE__{}__PORT)", listener.to_string().to_uppercase());
        let hint = [
            (io::ErrorKind::AddrInUse, format!("another program has this port.\n  hint: stop it, or set {change}")),
            (io::ErrorKind::PermissionDenied, format!("the system forbids it.\n  hint: set {change} above 1023")),
            (
                io::ErrorKind::AddrNotAvailable,
                format!("this machine has no such address.\n  hint: set serve.{listener}.host"),
            ),
        ];
        match hint.into_iter().find(|(kind, _)| *kind == why.kind()) {
            Some((_, hint)) => anyhow::anyhow!("{place}: {hint}"),
            None => anyhow::Error::new(why).context(place),
        }
    })?;
    socket.set_nonblocking(true).context("a listener cannot be prepared")?;
    Ok(socket)
}

#[cfg(unix)]
fn unix(path: &str, permissions: &serve::Socket) -> anyhow::Result<Socket> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    use std::os::unix::net::{UnixListener, UnixStream};

    let taken = |path: &str| std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    // A socket that nobody answers was left behind by a server that could not clean up.
    if taken(path) {
        if UnixStream::connect(path).is_ok() {
            bail!("the socket {path} is in use by another program");
        }
        std::fs::remove_file(path).with_context(|| format!("the old socket {path} cannot be removed"))?;
    }
    let socket = UnixListener::bind(path).with_context(|| format!("the socket {path} cannot be made"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions.mode))
        .with_context(|| format!("the permissions of {path} cannot be set"))?;
    socket.set_nonblocking(true).context("a listener cannot be prepared")?;
    Ok(Socket::Unix(socket))
}

#[cfg(not(unix))]
fn unix(path: &str, _: &serve::Socket) -> anyhow::Result<Socket> {
    bail!("this system has no Unix sockets: {path}")
}
