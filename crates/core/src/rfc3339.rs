//! RFC 3339 text of moments, digit by digit: an answer may hold thousands of them, and a general formatter spends more
//! on each than everything else that happens to its row.
//!
//! Only the notation that this server writes is known here. Every other one is left to `chrono`.

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// `0000-01-01T00:00:00Z` and the end of the year 9999: beyond them years have a sign.
const RANGE: std::ops::Range<i64> = -62_167_219_200_000_000..253_402_300_800_000_000;

/// `2026-11-23T08:15:00.123456Z`, with no, three or six fraction digits.
pub(crate) struct Text {
    bytes: [u8; 27],
    length: usize,
}

impl Text {
    /// The text of a moment in microseconds since 1970, unless its year has not four digits.
    pub(crate) fn new(micros: i64) -> Option<Self> {
        if !RANGE.contains(&micros) {
            return None;
        }
        let (days, within) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
        let (year, month, day) = date(days);
        let (seconds, fraction) = (within / 1_000_000, within % 1_000_000);
        let mut text = Self { bytes: *b"0000-00-00T00:00:00.000000Z", length: 27 };
        text.put(0, 4, year);
        text.put(5, 2, month);
        text.put(8, 2, day);
        text.put(11, 2, seconds / 3_600);
        text.put(14, 2, seconds / 60 % 60);
        text.put(17, 2, seconds % 60);
        if fraction == 0 {
            text.end_at(19);
        } else if fraction % 1_000 == 0 {
            text.put(20, 3, fraction / 1_000);
            text.end_at(23);
        } else {
            text.put(20, 6, fraction);
        }
        Some(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        // Never anything but ASCII.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn put(&mut self, at: usize, digits: usize, value: i64) {
        let mut rest = value;
        for byte in self.bytes[at..at + digits].iter_mut().rev() {
            *byte += u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }

    fn end_at(&mut self, end: usize) {
        self.bytes[end] = b'Z';
        self.length = end + 1;
    }
}

/// Microseconds since 1970, when the text is in the notation of [`Text`] (with one to six fraction digits).
pub(crate) fn micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes().strip_suffix(b"Z")?;
    let (moment, fraction) = bytes.split_at_checked(19)?;
    for (at, separator) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if moment[at] != separator {
            return None;
        }
    }
    let (year, month, day) = (number(&moment[..4])?, number(&moment[5..7])?, number(&moment[8..10])?);
    let (hour, minute, second) = (number(&moment[11..13])?, number(&moment[14..16])?, number(&moment[17..])?);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(year, month, day);
    // The thirtieth of February is some other day.
    if date(days) != (year, month, day) {
        return None;
    }
    let fraction = match fraction.split_first() {
        None => 0,
        Some((b'.', digits @ ([_] | [_, _] | [_, _, _] | [_, _, _, _] | [_, _, _, _, _] | [_, _, _, _, _, _]))) => {
            digits.iter().chain(&[b'0'; 5]).take(6).try_fold(0, |sum, digit| Some(10 * sum + number(&[*digit])?))?
        }
        Some(_) => return None,
    };
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| 10 * sum + i64::from(digit - b'0')))
}

/// Days from the first of March of a year to the first day of a month; March is month 0.
const fn days_before(month: i64) -> i64 {
    (153 * month + 2) / 5
}

/// Year, month and day of a day since 1970, in the proleptic Gregorian calendar. Years begin in March inside, so that
/// the leap day is the last one of its year; 400 of them are an era, which always has the same length.
const fn date(days: i64) -> (i64, i64, i64) {
    let since_era = days + 719_468;
    let (era, day_of_era) = (since_era.div_euclid(146_097), since_era.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - days_before(month) + 1;
    let year = year_of_era + era * 400;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// The way back. A day that the month does not have counts into the next one.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = days_before(month) + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat, Utc};
    use proptest::prelude::*;

    use super::*;

    fn by_chrono(micros: i64) -> String {
        DateTime::<Utc>::from_timestamp_micros(micros).expect("in range").to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    fn parsed_by_chrono(text: &str) -> Option<i64> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
    }

    fn agrees(micros: i64) {
        let text = Text::new(micros).expect("in range");
        assert_eq!(text.as_str(), by_chrono(micros));
        assert_eq!(super::micros(text.as_str()), Some(micros));
    }

    #[test]
    fn every_day_of_eight_centuries_is_written_and_read_as_chrono_does() {
        let first = days(1600, 1, 1);
        for day in first..first + 2 * 146_097 {
            agrees(day * MICROS_PER_DAY);
        }
        agrees(RANGE.start);
        agrees(RANGE.end - 1);
        assert!(Text::new(RANGE.start - 1).is_none() && Text::new(RANGE.end).is_none());
    }

    proptest! {
        #[test]
        fn every_moment_is_written_and_read_as_chrono_does(micros in RANGE, coarser in 0..3_u32) {
            let unit = 1_000_i64.pow(coarser);
            agrees(micros / unit * unit);
        }

        #[test]
        fn what_is_read_here_chrono_reads_alike(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,8})?[Zz+]?") {
            if let Some(micros) = micros(&text) {
                prop_assert_eq!(Some(micros), parsed_by_chrono(&text));
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_not_read() {
        for text in ["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z"] {
            assert_eq!(micros(text), None, "{text}");
            assert_eq!(parsed_by_chrono(text), None, "{text}");
        }
    }
}
