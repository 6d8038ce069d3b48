//! Any bytes as what a store answers with: listings of OSS and Kodo, errors of S3, OSS and Kodo, and dates. No
//! panic, the same meaning each time, and words that cannot drive a terminal.

use recfetch::source::fuzzing;

pub fn target(bytes: &[u8]) {
    let (choice, bytes) = crate::with_choice(bytes);
    let listed = if choice % 4 < 2 { fuzzing::oss_page } else { fuzzing::kodo_page };
    if choice % 2 == 0 {
        let (page, again) = (listed(bytes), listed(bytes));
        assert_eq!(format!("{page:?}"), format!("{again:?}"));
        let Some(page) = page else { return };
        assert!(page.unsafe_keys.iter().all(|(key, _)| crate::is_one_line(key)), "{:?}", page.unsafe_keys);
        assert!(page.next.is_none_or(|token| !token.0.is_empty()), "a page that goes on nowhere");
        for object in &page.objects {
            let key = object.key.as_str();
            assert!(!key.split('/').any(|part| [".", ".."].contains(&part)), "{key:?}");
        }
        return;
    }
    let status = [400, 401, 403, 404, 409, 416, 500, 503, 573, 612, 631][choice / 2 % 11];
    for answer in [fuzzing::s3_error, fuzzing::oss_error, fuzzing::kodo_error] {
        let told = || {
            let (meaning, words) = answer(status, bytes);
            (meaning.to_string(), words.unwrap_or_default())
        };
        let (meaning, words) = told();
        assert_eq!((meaning.clone(), words.clone()), told());
        assert!(crate::is_one_line(&words) && crate::is_one_line(&meaning), "{meaning:?}, {words:?}");
        assert!(words.chars().count() < 1000, "{} characters", words.chars().count());
    }
}
