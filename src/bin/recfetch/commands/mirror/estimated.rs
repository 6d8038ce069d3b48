//! `mirror --estimate`: objects, bytes and requests, before anything is sent.

use std::fmt::Write as _;

use recfetch::engine::{Estimate, MirrorLayout, MirrorOptions, Requests};
use serde_json::{Value, json};

use crate::commands::outcome::Many;
use crate::context::{Context, Form};
use crate::failure::{ExitCode, Failure, printable};
use crate::output::{count, size};

pub(super) fn tell(
    context: &Context,
    estimate: &Estimate,
    options: &MirrorOptions,
    many: Many,
) -> Result<ExitCode, Failure> {
    let class = options.keeping.class.as_deref();
    match context.form {
        Form::Json => many.print(context, &Ok(in_json(estimate, class)))?,
        Form::Text => context.print(&in_text(estimate, class))?,
    }
    Ok(ExitCode::Complete)
}

fn word(layout: MirrorLayout) -> &'static str {
    match layout {
        MirrorLayout::Objects => "objects",
        MirrorLayout::Tar => "tar",
    }
}

fn in_text(estimate: &Estimate, class: Option<&str>) -> String {
    let class = class.map_or_else(|| "the bucket's class".to_owned(), |class| printable(class).to_string());
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut text =
        format!("recording  {}, {}", count(number(estimate.objects), "object"), size(estimate.bytes));
    if estimate.unknown > 0 {
        let _ = write!(text, "; nobody tells the length of {}", count(number(estimate.unknown), "object"));
    }
    text.push('\n');
    for layout in &estimate.layouts {
        let in_class = (&layout.in_class, class.as_str(), size(layout.in_class.bytes));
        // They are written about what has come by then.
        let beside = "the bucket's class, manifests and report";
        let beside = (&layout.beside, beside, "of a length that is not known yet".to_owned());
        for (requests, class, length) in [in_class, beside] {
            let Requests { objects, bytes: _, puts, parts, uploads } = *requests;
            let _ = writeln!(
                text,
                "{:<10} {}, {length}, in {class}: {} (PUT {puts}, parts {parts}, begin and complete {uploads})",
                word(layout.layout),
                count(number(objects), "object"),
                count(number(requests.writes()), "write"),
            );
        }
        let _ = writeln!(
            text,
            "{:<10} LIST {}, GET {}, HEAD 0, DELETE {}",
            "", layout.lists, layout.reads, layout.removals
        );
    }
    text
}

fn in_json(estimate: &Estimate, class: Option<&str>) -> Value {
    let requests = |requests: &Requests, class: Option<&str>| {
        json!({
            "class": class,
            "objects": requests.objects,
            "bytes": requests.bytes,
            "puts": requests.puts,
            "parts": requests.parts,
            "begin_and_complete": requests.uploads,
            "writes": requests.writes(),
        })
    };
    let layouts = estimate.layouts.iter().map(|layout| {
        json!({
            "layout": word(layout.layout),
            "in_class": requests(&layout.in_class, class),
            "beside": requests(&layout.beside, None),
            "lists": layout.lists,
            "reads": layout.reads,
            "heads": 0,
            "removals": layout.removals,
        })
    });
    json!({
        "format": "recfetch-estimate/1",
        "objects": estimate.objects,
        "bytes": estimate.bytes,
        "unknown": estimate.unknown,
        "layouts": layouts.collect::<Vec<_>>(),
    })
}
