//! Whatever comes in, something bounded comes out.

use proptest::prelude::*;

use super::*;

/// Any JSON, with the words that mean something likely.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "sid",
        "serverResponse",
        "fileList",
        "fileName",
        "filename",
        "payload",
        "playload",
        "details",
        "eventType",
        "productId",
        "status",
        "uploadingStatus",
        "extensionServiceState",
        "serviceName",
        "code",
        "reason",
        "vendor",
        "bucket",
        "storageConfig",
        "clientRequest",
        "fileNamePrefix",
        "extensionParams",
        "stsExpiration",
        "uid",
        "sliceStartTime",
        "msgName",
        "newUid",
        "startUtcMs",
        "discontinueUtcMs",
        "cname",
        "accessKey",
        "secretKey",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..110_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-f0-9]{2}(_r)?(;[a-f/]{1,3})?\\.(m3u8|ts)".prop_map(Value::from),
        "[0-9]{1,14}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let name = prop_oneof![8 => word.clone().prop_map(str::to_owned), 1 => ".{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_and_always_alike(value in any_json()) {
        let text = value.to_string();
        let (first, again) = (read(text.as_bytes()), read(text.as_bytes()));
        prop_assert_eq!(format!("{first:?}"), format!("{again:?}"));
        if let Ok(saved) = first {
            for facts in saved.recordings.iter().map(|r| &r.facts).chain(&saved.unnamed) {
                // Whatever is named can be asked for: it was checked.
                for file in &facts.files {
                    prop_assert!(file.name.as_told(&KeyPrefix::root()).is_ok());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}
