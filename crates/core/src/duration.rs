//! Durations in Go's notation (`1h30m`, `500ms`), which Kratos and Hydra configurations use.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A non-negative duration written as in Go: a sequence of numbers with a unit, `h m s ms us µs ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub Duration);

/// The text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a duration such as 90s, 15m or 1h30m")]
pub struct InvalidDuration;

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let mut rest = text;
        let mut total = 0_f64;
        if rest.is_empty() {
            return Err(InvalidDuration);
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(InvalidDuration)?;
            let number: f64 = rest[..digits].parse().map_err(|_| InvalidDuration)?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
            let nanos = match &rest[..end] {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                "h" => 3600e9,
                _ => return Err(InvalidDuration),
            };
            rest = &rest[end..];
            total += number * nanos;
        }
        // Go's own limit is 2^63 nanoseconds, about 292 years.
        if total >= 9.223_372_036_854_775e18 {
            return Err(InvalidDuration);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded just above and never negative"
        )]
        Ok(Self(Duration::from_nanos(total as u64)))
    }
}

impl std::fmt::Display for GoDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.subsec_nanos();
        let seconds = self.0.as_secs();
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if seconds == 0 && nanos == 0 {
            return f.write_str("0s");
        }
        for (value, unit) in [(h, "h"), (m, "m"), (s, "s")] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        if nanos > 0 {
            write!(f, "{nanos}ns")?;
        }
        Ok(())
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_notation_is_understood() {
        for (text, millis) in [("1h", 3_600_000), ("1m30s", 90_000), ("500ms", 500), ("1.5s", 1_500), ("0", 0)] {
            assert_eq!(text.parse(), Ok(GoDuration(Duration::from_millis(millis))), "{text}");
        }
        for bad in ["", "1", "h", "1x", "-1s", "1h ", "99999999999h"] {
            assert_eq!(bad.parse::<GoDuration>(), Err(InvalidDuration), "{bad}");
        }
    }
}
