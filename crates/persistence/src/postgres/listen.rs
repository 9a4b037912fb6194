//! Hearing what changes sessions and clients, on this node and on others.
//!
//! A trigger notifies twice, in the transaction itself: on [`CHANNEL`], which every node's listening connection hears,
//! and on a channel of the connection that writes. PostgreSQL hands a connection its own notifications together with the answer to its
//! commit, so that the writer knows before anybody else does.
//!
//! A node that cannot listen must not serve what it knows. A connection that breaks is noticed with the next look; one
//! that falls silent is asked for a sign of life and trusted for [`TRUST`] after the last.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use uuid::Uuid;

use crate::cache::Changes;
use crate::queue::Trouble;

/// Where the triggers tell every node.
const CHANNEL: &str = "orrery_identity_changed";

/// How the triggers mark the id of a client; that of an identity stands alone.
const CLIENT: &str = "client ";

/// The channel on which the triggers tell the connection that they ran on.
pub(super) const LISTEN_TO_ONESELF: &str =
    "DO $$ BEGIN EXECUTE format('LISTEN %I', 'orrery_identity_changed_by_' || pg_backend_pid()); END $$";

/// How often the listening connection is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How often it is asked for a sign of life.
const ASK: Duration = Duration::from_secs(1);
/// How long after it last asked for one it is believed to hear everything.
const TRUST: Duration = Duration::from_secs(3);
/// The pause before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts the thread that listens. It ends when nobody uses the cache any more.
///
/// # Errors
/// When the operating system refuses a thread.
pub(super) fn start(url: String, changes: &Arc<Changes>) -> std::io::Result<()> {
    let changes = Arc::downgrade(changes);
    let listen = move || {
        while let Err(trouble) = listen(&url, &changes) {
            let Some(used) = changes.upgrade() else { return };
            used.unheard();
            drop(used);
            tracing::warn!(reason = %trouble, "cannot listen to the database; nothing is cached meanwhile");
            std::thread::sleep(PAUSE);
        }
    };
    std::thread::Builder::new().name("postgres-listen".to_owned()).spawn(listen).map(|_| ())
}

/// Listens until the connection fails, which is an error, or nobody uses the cache any more.
fn listen(url: &str, changes: &Weak<Changes>) -> Result<(), Trouble> {
    let trouble = |error: &dyn std::fmt::Display| Trouble::new(error);
    let mut connection = PgConnection::establish(url).map_err(|error| trouble(&error))?;
    let listen = format!("SET application_name = 'orrery-listen'; LISTEN {CHANNEL}");
    connection.batch_execute(&listen).map_err(|error| trouble(&error))?;
    // From here on nothing is missed; what was known before may be out of date.
    let Some(used) = changes.upgrade() else { return Ok(()) };
    used.unheard();
    drop(used);
    loop {
        let asked = Instant::now();
        connection.batch_execute("SELECT 1").map_err(|error| trouble(&error))?;
        while asked.elapsed() < ASK {
            let Some(used) = changes.upgrade() else { return Ok(()) };
            pass_on(&mut connection, &used)?;
            used.heard(Some(asked + TRUST));
            drop(used);
            std::thread::sleep(LOOK);
        }
    }
}

/// Tells the cache what a connection was notified of.
pub(super) fn pass_on(connection: &mut PgConnection, changes: &Changes) -> Result<(), Trouble> {
    if !changes.are_used() {
        return Ok(());
    }
    for notification in connection.notifications_iter() {
        let notification = notification.map_err(|error| Trouble::new(&error))?;
        let subject = notification.payload;
        match (subject.strip_prefix(CLIENT), Uuid::try_parse(&subject)) {
            (Some(client), _) => changes.changed(client.as_bytes()),
            (None, Ok(identity)) => changes.changed(identity.as_bytes()),
            (None, Err(_)) => changes.anything_changed(),
        }
    }
    Ok(())
}
