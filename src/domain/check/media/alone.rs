//! What is wrong with an object by itself.

use super::*;

/// What the bytes of one object say. `duration_ms` is what its playlist says.
pub(super) fn of_object(seen: &MediaSeen, duration_ms: Option<u64>, about: &About) -> Vec<Diagnosis> {
    let object = about.object.clone().unwrap_or_default();
    let say = |rule: Rule, expected: Option<String>, found: String, text: String| Diagnosis {
        rule,
        severity: rule.severity(),
        about: about.clone(),
        expected,
        found: Some(found),
        text,
    };
    if let Some(what) = &seen.wrong {
        let rule = rule_of(what);
        let (expected, found) = sides(what);
        let diagnosis = say(rule, expected, found, format!("`{object}`: {what}"));
        return vec![match &seen.whole_in {
            Some(other) => Diagnosis {
                severity: Severity::Warning,
                text: format!("{}; {other} has it whole", diagnosis.text),
                ..diagnosis
            },
            // A fetch calls them corrupt.
            None => Diagnosis { severity: Severity::Loss, ..diagnosis },
        }];
    }
    let mut diagnoses = Vec::new();
    if let (Some(Evidence::LengthOnly), Some(listed), Some(found)) =
        (&seen.evidence, duration_ms, seen.structure.playing_ms())
        && !plays_ms_in_full(std::time::Duration::from_millis(listed), found)
    {
        diagnoses.push(say(
            Rule::PlaysShort,
            Some(format!("{listed} ms")),
            format!("{found} ms"),
            format!("`{object}` plays {found} ms, its playlist says {listed} ms: an end may be missing"),
        ));
    }
    let Structure::TransportStream(facts) = &seen.structure else { return diagnoses };
    // A store that vouches for all bytes shows that they were recorded so; the first bytes alone show nothing.
    let breaks = facts.continuity_errors + facts.transport_errors;
    if breaks > 0 {
        diagnoses.push(say(
            Rule::ContinuityErrors,
            Some("no breaks".to_owned()),
            format!("{breaks} breaks"),
            match (seen.read, &seen.evidence) {
                (Depth::Whole, Some(Evidence::StoreDigest { .. })) => {
                    format!("{breaks} breaks inside `{object}`, and {} publishes a digest of it", seen.from)
                }
                (Depth::Whole, _) => format!("{breaks} breaks inside `{object}`"),
                (Depth::First | Depth::Listed, _) => format!("{breaks} breaks at the start of `{object}`"),
            },
        ));
    }
    let clock = facts.closer.as_ref().and_then(|closer| closer.clock);
    if let Some(clock) = clock
        && let Some((least, most)) = clock.lead
    {
        let apart = most.abs_diff(least);
        if clock.backwards > 0 || apart > CLOCK_SLACK {
            let found = match clock.backwards {
                0 => format!("{} ms apart", apart / 90),
                times => format!("back {times} times"),
            };
            diagnoses.push(say(
                Rule::TimestampsJump,
                Some("a clock that runs with the time stamps".to_owned()),
                found.clone(),
                format!("inside `{object}` time stamps and their clock (PCR) do not run together: {found}"),
            ));
        }
    }
    diagnoses
}

/// The rule that bad bytes break.
fn rule_of(what: &Corruption) -> Rule {
    match what {
        Corruption::Digest { .. } => Rule::DigestDiffers,
        Corruption::Continuity { .. } => Rule::ContinuityErrors,
        Corruption::PlayingTime { .. } => Rule::PlaysShort,
        Corruption::OtherTime { .. } => Rule::Misplaced,
        Corruption::SameAs { .. } => Rule::SameBytes,
        Corruption::Empty
        | Corruption::Page(_)
        | Corruption::Size { .. }
        | Corruption::UnknownEnd
        | Corruption::NotTransportStream
        | Corruption::CutInPacket
        | Corruption::LostSync { .. }
        | Corruption::NoProgram
        | Corruption::NoMedia
        | Corruption::NotOfFormat { .. }
        | Corruption::CutInside { .. }
        | Corruption::Broken { .. }
        | Corruption::Trailing { .. }
        | Corruption::NoIndex
        | Corruption::WrongIndex { .. }
        | Corruption::FramesMissing { .. } => Rule::Structure,
    }
}

/// What should be there, where it can be said in a word, and what is.
fn sides(what: &Corruption) -> (Option<String>, String) {
    match what {
        Corruption::Size { expected, found } => (Some(format!("{expected} bytes")), format!("{found} bytes")),
        Corruption::Digest { expected, found } => (Some(expected.to_string()), found.to_string()),
        Corruption::PlayingTime { expected_ms, found_ms }
        | Corruption::OtherTime { expected_ms, found_ms } => {
            (Some(format!("{expected_ms} ms")), format!("{found_ms} ms"))
        }
        Corruption::FramesMissing { expected, found } => {
            (Some(format!("{expected} frames")), format!("{found} frames"))
        }
        Corruption::Empty
        | Corruption::Page(_)
        | Corruption::UnknownEnd
        | Corruption::NotTransportStream
        | Corruption::CutInPacket
        | Corruption::LostSync { .. }
        | Corruption::NoProgram
        | Corruption::NoMedia
        | Corruption::Continuity { .. }
        | Corruption::SameAs { .. }
        | Corruption::NotOfFormat { .. }
        | Corruption::CutInside { .. }
        | Corruption::Broken { .. }
        | Corruption::Trailing { .. }
        | Corruption::NoIndex
        | Corruption::WrongIndex { .. } => (None, what.to_string()),
    }
}
