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
    bind_with(config, admin_is_guarded, ORY_PUBLIC, ORY_ADMIN)
}

fn bind_with(
    config: &Serve,
    admin_is_guarded: bool,
    ory_public: [u16; 2],
    ory_admin: [u16; 2],
) -> anyhow::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let public = (Listener::Public, &config.public.host, &config.public.socket, config.public.port, ory_public);
    let admin = (Listener::Admin, &config.admin.host, &config.admin.socket, config.admin.port, ory_admin);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Ports that nobody has just now.
    fn free<const N: usize>() -> [u16; N] {
        let holders = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        holders.each_ref().map(|holder| holder.local_addr().expect("an address").port())
    }

    fn config(public: u16, admin: u16, ory_ports: bool) -> Serve {
        let mut config = Serve { ory_ports, ..Serve::default() };
        (config.public.host, config.public.port) = ("127.0.0.1".to_owned(), public);
        (config.admin.host, config.admin.port) = ("127.0.0.1".to_owned(), admin);
        config
    }

    fn ports(bound: &[Bound], listener: Listener) -> Vec<u16> {
        let of = bound.iter().filter(|bound| bound.listener == listener);
        of.filter_map(|bound| Some(bound.address()?.port())).collect()
    }

    #[test]
    fn both_pairs_of_ory_are_open_beside_the_own_ports() {
        let [public, admin, kratos, hydra, kratos_admin, hydra_admin] = free();
        let bind = |config: &Serve| bind_with(config, false, [kratos, hydra], [kratos_admin, hydra_admin]);
        let bound = bind(&config(public, admin, true)).expect("bound");
        assert_eq!(ports(&bound, Listener::Public), [public, kratos, hydra]);
        assert_eq!(ports(&bound, Listener::Admin), [admin, kratos_admin, hydra_admin]);
        drop(bound);
        let alone = bind(&config(public, admin, false)).expect("bound");
        assert_eq!(ports(&alone, Listener::Public), [public]);
        assert_eq!(ports(&alone, Listener::Admin), [admin]);
    }

    #[test]
    fn a_port_of_ory_that_is_the_own_one_is_bound_once() {
        let [kratos, hydra, kratos_admin, hydra_admin] = free();
        let config = config(kratos, kratos_admin, true);
        let bound = bind_with(&config, false, [kratos, hydra], [kratos_admin, hydra_admin]).expect("bound");
        assert_eq!(ports(&bound, Listener::Public), [kratos, hydra]);
        assert_eq!(ports(&bound, Listener::Admin), [kratos_admin, hydra_admin]);
    }

    #[test]
    fn a_taken_port_of_ory_is_named_and_nothing_stays_open() {
        let [public, admin, kratos, hydra, kratos_admin, hydra_admin] = free();
        let holder = TcpListener::bind(("127.0.0.1", hydra_admin)).expect("a port");
        let config = config(public, admin, true);
        let told = bind_with(&config, false, [kratos, hydra], [kratos_admin, hydra_admin]).err().expect("refused");
        assert!(format!("{told:#}").contains(&format!("127.0.0.1:{hydra_admin}")), "{told:#}");
        drop(holder);
        assert!(TcpListener::bind(("127.0.0.1", public)).is_ok());
    }
}
