//! What operators meet: health, configuration, listeners, access, shutdown.

mod health;
