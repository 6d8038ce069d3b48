//! Fault scripts as text, for the command `loopback fault`.
//!
//! One step a line: `[head:|list:]SUFFIX [keeping:]FAULT[=ARGUMENT] [TIMES|always]`, `#` begins a comment.
//! Times is 1 unless given; several lines of one suffix are played one after the other. Blanks in a suffix
//! are written `%20`. `keeping:` leaves the ETag and the checksums of the right object in the answer.
//!
//! ```text
//! 125142485.ts  status=503,2  3        # 503 with Retry-After: 2, three times, then right
//! 125148485.ts  cut=1000      always
//! head:x.ts     notfound
//! list:         slowdown      2
//! ```

use std::collections::BTreeMap;

use crate::fault::{Fault, Faults, Script};
use crate::net::decode;

/// Reads a script. The error names the line.
pub fn parse(text: &str) -> Result<Faults, String> {
    let mut scripts: BTreeMap<String, Script> = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (suffix, step) = step(line).map_err(|what| format!("line {}: {what}", n + 1))?;
        let script = scripts.entry(suffix).or_default();
        *script = std::mem::take(script).then(step);
    }
    let faults = Faults::new();
    for (suffix, script) in scripts {
        if let Some(suffix) = suffix.strip_prefix("head:") {
            faults.on_head(suffix, script);
        } else if suffix.starts_with("list:") {
            faults.on_list(script);
        } else {
            faults.on(&suffix, script);
        }
    }
    Ok(faults)
}

fn step(line: &str) -> Result<(String, Script), String> {
    let mut words = line.split_whitespace();
    let (Some(suffix), Some(fault)) = (words.next(), words.next()) else {
        return Err("expected SUFFIX FAULT".to_owned());
    };
    let fault = fault_of(fault)?;
    let script = match words.next() {
        None => Script::once(fault),
        Some("always") => Script::always(fault),
        Some(times) => Script::times(fault, times.parse().map_err(|_| format!("{times} is no number"))?),
    };
    match words.next() {
        Some(more) => Err(format!("{more} is one word too many")),
        None => Ok((decode(suffix), script)),
    }
}

fn fault_of(word: &str) -> Result<Fault, String> {
    if let Some(inner) = word.strip_prefix("keeping:") {
        return Ok(Fault::Keeping(Box::new(fault_of(inner)?)));
    }
    let (name, argument) = word.split_once('=').unwrap_or((word, ""));
    let number = || argument.parse::<u64>().map_err(|_| format!("{name} needs a number: {name}=1000"));
    Ok(match name {
        "pass" => Fault::Pass,
        "status" => {
            let (status, retry) = argument.split_once(',').unwrap_or((argument, ""));
            let status = status.parse().map_err(|_| "status needs one: status=503 or status=503,2")?;
            Fault::Status(status, retry.parse().ok(), format!("status {status}\n"))
        }
        "notfound" => Fault::NotFound,
        "denied" => Fault::Denied,
        "archived" => Fault::Archived,
        "slowdown" => Fault::SlowDown,
        "short" => Fault::Short(number()?),
        "empty" => Fault::Empty,
        "html" => Fault::Html,
        "xml" => Fault::Xml,
        "flip" => Fault::Flip(number()?),
        "swap" => Fault::Swap(decode(argument)),
        "cut" => Fault::Cut(number()?),
        "reset" => Fault::Reset(number()?),
        "stall" => Fault::Stall(number()?),
        "ignorerange" => Fault::IgnoreRange,
        "wrongrange" => Fault::WrongRange,
        "changeetag" => Fault::ChangeEtag,
        "redirect" => {
            let (status, url) = argument.split_once(',').ok_or("redirect needs redirect=302,URL")?;
            Fault::Redirect(url.to_owned(), status.parse().map_err(|_| "redirect needs redirect=302,URL")?)
        }
        "slow" => Fault::Slow { bytes_per_sec: number()? },
        "delay" => Fault::Delay(number()?),
        "nolength" => Fault::NoLength,
        "chunked" => Fault::Chunked,
        "garbage" => Fault::HeaderGarbage,
        unknown => return Err(format!("there is no fault {unknown}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named() {
        for (text, want) in [
            ("a.ts", "line 1: expected SUFFIX FAULT"),
            ("\n# x\na.ts nonsense", "line 3: there is no fault nonsense"),
            ("a.ts cut", "line 1: cut needs a number: cut=1000"),
            ("a.ts pass 1 2", "line 1: 2 is one word too many"),
            ("a.ts pass twice", "line 1: twice is no number"),
        ] {
            assert_eq!(parse(text).err().as_deref(), Some(want), "{text}");
        }
        assert!(parse("a%20b.ts status=503,2 3 # why\nlist: slowdown 2\nhead:x empty always").is_ok());
    }
}
