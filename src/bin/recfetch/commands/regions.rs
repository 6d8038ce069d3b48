//! `regions`: what Agora's numbers and names mean.

use recfetch::domain::regions::{Addressing, Region, regions, unnamed};
use recfetch::domain::vendor::{Standing, Vendor};
use serde_json::{Value, json};

use crate::args::RegionsArgs;
use crate::context::Form;
use crate::failure::{ExitCode, Failure};
use crate::output;

/// Prints the table of one vendor or of all.
pub(crate) fn run(args: &RegionsArgs, form: Form) -> Result<ExitCode, Failure> {
    let vendors = match &args.vendor {
        Some(text) => vec![Vendor::parse(text).map_err(|error| {
            let near = error.nearest;
            let failure = Failure::usage(error);
            match near {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(format!("vendors are {}", Vendor::ALL.map(Vendor::word).join(", "))),
            }
        })?],
        None => Vendor::ALL.to_vec(),
    };
    match form {
        Form::Text => {
            let texts: Vec<String> = vendors.into_iter().map(text).collect();
            output::print(&texts.join("\n"))?;
        }
        Form::Json => {
            let vendors: Vec<Value> = vendors.into_iter().map(json).collect();
            output::print_json(&json!({ "v": 1, "vendors": vendors }))?;
        }
    }
    Ok(ExitCode::Complete)
}

fn text(vendor: Vendor) -> String {
    let mut rows = vec![
        ["region", "names in Agora's documents", "id", "status", "since", "until", "note"].map(str::to_owned),
    ];
    for region in regions(vendor) {
        let ids: Vec<&str> = [&*region.id].into_iter().chain(region.aliases.iter().copied()).collect();
        let dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        rows.push([
            region.code.map_or("-".to_owned(), |code| code.to_string()),
            if region.names.is_empty() { "-".to_owned() } else { region.names.join(", ") },
            ids.join(", "),
            region.status.to_string(),
            dash(region.since),
            dash(region.until),
            region.note.unwrap_or_default().to_owned(),
        ]);
    }
    for row in unnamed(vendor) {
        let since = row.since.unwrap_or("-");
        rows.push([&*row.code.to_string(), "-", "-", "unconfirmed", since, "-", row.note].map(str::to_owned));
    }
    let standing = match vendor.standing() {
        Standing::Tested => "",
        Standing::Documented => ", documented, not proven",
    };
    let head = format!("{} (vendor {}, `{}`){standing}\n", vendor.name(), vendor.code(), vendor.word());
    if rows.len() == 1 {
        return format!("{head}no regions\n");
    }
    head + &output::table(&rows)
}

fn json(vendor: Vendor) -> Value {
    let rows: Vec<Value> = regions(vendor).iter().map(row).collect();
    let unnamed: Vec<Value> = unnamed(vendor)
        .iter()
        .map(|row| json!({ "code": row.code, "since": row.since, "note": row.note }))
        .collect();
    json!({
        "vendor": vendor.word(),
        "name": vendor.name(),
        "code": vendor.code(),
        "proof": match vendor.standing() {
            Standing::Tested => "tested",
            Standing::Documented => "documented",
        },
        "regions": rows,
        "unnamed": unnamed,
    })
}

fn row(region: &Region) -> Value {
    let endpoint = region.s3_endpoint();
    json!({
        "code": region.code,
        "names": region.names,
        "id": region.id,
        "aliases": region.aliases,
        "status": region.status.word(),
        "since": region.since,
        "until": region.until,
        "note": region.note,
        "s3_endpoint": endpoint.as_ref().map(|endpoint| &endpoint.url),
        "addressing": endpoint.as_ref().map(|endpoint| match endpoint.addressing {
            Addressing::VirtualHost => "virtual-host",
            Addressing::Path => "path",
        }),
    })
}
