//! Counts in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outcome::{OutcomeV1, word};

/// Up to so many seconds a recording may take, for the histogram.
const BOUNDS: [f64; 12] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0];

/// All the words that outcomes have: a series that appears only with the first failure is no series to alert on.
const CODES: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130];

/// What is counted of a batch.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Recordings that are to be done.
    pub listed: u64,
    /// Recordings that are under way.
    pub running: u64,
    /// Bytes that came over the network.
    pub received: u64,
    /// Tries that failed.
    pub failed_tries: u64,
    /// Seconds of Unix time at which these counts were taken.
    pub at: f64,
    outcomes: BTreeMap<String, u64>,
    proven: u64,
    buckets: [u64; BOUNDS.len()],
    seconds: f64,
    done: u64,
}

impl Metrics {
    /// Nothing but how many are to be done.
    #[must_use]
    pub fn of(listed: u64) -> Self {
        Self { listed, ..Self::default() }
    }

    /// Counts an outcome.
    pub fn count(&mut self, outcome: &OutcomeV1) {
        *self.outcomes.entry(outcome.outcome.clone()).or_default() += 1;
        self.proven += outcome.bytes;
        self.seconds += outcome.seconds;
        self.done += 1;
        for (bound, bucket) in BOUNDS.iter().zip(&mut self.buckets) {
            *bucket += u64::from(outcome.seconds <= *bound);
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let head = |name: &str, kind: &str, help: &str| {
            let mut text = String::new();
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            text
        };
        text += &head("recfetch_recordings_total", "counter", "Recordings by outcome.");
        let mut outcomes: BTreeMap<&str, u64> = CODES.iter().map(|code| (word(*code), 0)).collect();
        outcomes.extend(self.outcomes.iter().map(|(word, count)| (word.as_str(), *count)));
        for (word, count) in outcomes {
            let word: String = word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            let _ = writeln!(text, "recfetch_recordings_total{{outcome=\"{word}\"}} {count}");
        }
        let single = [
            ("recfetch_recordings_listed", "gauge", "Recordings that are to be done.", self.listed),
            ("recfetch_recordings_running", "gauge", "Recordings that are under way.", self.running),
            ("recfetch_received_bytes_total", "counter", "Bytes that came over the network.", self.received),
            (
                "recfetch_proven_bytes_total",
                "counter",
                "Bytes of recordings that were proven where they were brought.",
                self.proven,
            ),
            (
                "recfetch_failed_tries_total",
                "counter",
                "Requests that failed and may have been tried again.",
                self.failed_tries,
            ),
        ];
        for (name, kind, help, value) in single {
            text += &head(name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
        let name = "recfetch_recording_seconds";
        text += &head(name, "histogram", "How long a recording took.");
        for (bound, count) in BOUNDS.iter().zip(&self.buckets) {
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {}", self.done);
        let _ = writeln!(text, "{name}_sum {}\n{name}_count {}", self.seconds, self.done);
        text += &head("recfetch_written_timestamp_seconds", "gauge", "When these counts were taken.");
        let _ = writeln!(text, "recfetch_written_timestamp_seconds {}", self.at);
        text
    }
}

#[cfg(test)]
mod tests {
    use prometheus_parse::{Scrape, Value};

    use super::super::outcome::StateV1;
    use super::*;

    #[test]
    fn a_parser_finds_every_count_again() {
        let mut metrics =
            Metrics { listed: 5, running: 1, received: 1 << 40, failed_tries: 3, ..Metrics::default() };
        for (code, seconds, bytes) in [(0, 0.3, 100), (0, 70.0, 20), (3, 1e9, 3)] {
            let mut outcome = OutcomeV1::new("sid", code, StateV1::Fetched);
            (outcome.seconds, outcome.bytes) = (seconds, bytes);
            metrics.count(&outcome);
        }
        let text = metrics.text();
        let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
        let plain = |name: &str, label: Option<&str>| {
            let sample = scrape.samples.iter().find(|sample| {
                sample.metric == name && label.is_none_or(|label| sample.labels.get("outcome") == Some(label))
            });
            match sample.unwrap_or_else(|| panic!("{name} is not there:\n{text}")).value {
                Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => value,
                ref other @ (Value::Histogram(_) | Value::Summary(_)) => panic!("{name} is {other:?}"),
            }
        };
        for (name, label, value) in [
            ("recfetch_recordings_total", Some("complete"), 2.0),
            ("recfetch_recordings_total", Some("incomplete"), 1.0),
            ("recfetch_recordings_total", Some("corrupt"), 0.0),
            ("recfetch_recordings_listed", None, 5.0),
            ("recfetch_recordings_running", None, 1.0),
            ("recfetch_received_bytes_total", None, 1_099_511_627_776.0),
            ("recfetch_proven_bytes_total", None, 123.0),
            ("recfetch_failed_tries_total", None, 3.0),
        ] {
            assert_eq!(plain(name, label), value, "{name}");
        }
        let histogram = scrape.samples.iter().find(|sample| sample.metric == "recfetch_recording_seconds");
        let Value::Histogram(buckets) = &histogram.unwrap().value else { panic!("no histogram:\n{text}") };
        let of = |bound: f64| buckets.iter().find(|bucket| bucket.less_than == bound).unwrap().count;
        assert_eq!([of(0.1), of(0.5), of(60.0), of(300.0), of(f64::INFINITY)], [0.0, 1.0, 1.0, 2.0, 3.0]);
    }
}
