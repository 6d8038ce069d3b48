//! The settings file: TOML in, keys with their lines out. Every key must be known and of its kind; what the
//! values mean is looked at later, so that one broken store does not stop another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Kind, Origin, Setting, Sourced, StoreKey, nearest};
use crate::failure::Failure;

/// What a settings file says.
#[derive(Debug, Clone, Default)]
pub(crate) struct File {
    /// `[defaults]`.
    pub(crate) defaults: BTreeMap<Setting, Sourced<Value>>,
    /// `[store.NAME]`, in the order of the file.
    pub(crate) stores: Vec<StoreTable>,
}

/// One `[store.NAME]`.
#[derive(Debug, Clone)]
pub(crate) struct StoreTable {
    /// Its name.
    pub(crate) name: String,
    /// What it says.
    pub(crate) keys: BTreeMap<StoreKey, Sourced<Value>>,
}

/// A value of a known kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// One text; numbers are kept as they were written.
    Text(String),
    /// Some texts.
    List(Vec<String>),
    /// Yes or no.
    Switch(bool),
}

/// Reads a settings file.
///
/// # Errors
/// The first line that cannot be read, with the nearest known key where one is misspelt.
pub(crate) fn parse(path: &Path, text: &str) -> Result<File, Failure> {
    let reader = Reader { path: Arc::from(path), text };
    let table = DeTable::parse(text).map_err(|error| reader.syntax(&error))?;
    let mut file = File::default();
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "defaults" => file.defaults = reader.defaults(value)?,
            "store" => file.stores = reader.stores(value)?,
            unknown if Setting::ALL.iter().any(|setting| setting.name() == unknown) => {
                return Err(reader
                    .wrong(key, &format!("`{unknown}` stands outside of a table"))
                    .hint(format!("put `{unknown}` below a line [defaults]")));
            }
            unknown => return Err(reader.unknown(key, unknown, "", ["defaults", "store"].into_iter())),
        }
    }
    Ok(file)
}

struct Reader<'a> {
    path: Arc<Path>,
    text: &'a str,
}

impl Reader<'_> {
    fn defaults(&self, value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<Setting, Sourced<Value>>, Failure> {
        let table = self.table(value, "defaults", "[defaults]")?;
        let mut defaults = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(setting) = Setting::ALL.into_iter().find(|setting| setting.name() == name) else {
                return Err(self.unknown(
                    key,
                    name,
                    " in [defaults]",
                    Setting::ALL.map(Setting::name).into_iter(),
                ));
            };
            defaults.insert(setting, self.value(name, value, setting.kind())?);
        }
        Ok(defaults)
    }

    fn stores(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<StoreTable>, Failure> {
        let table = self.table(value, "store", "tables such as [store.prod]")?;
        let mut stores = Vec::new();
        for (name, value) in table {
            let text = name.get_ref().as_ref();
            let keys = self.table(value, &format!("store.{text}"), "a table such as [store.prod]")?;
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            if text.is_empty() || !text.chars().all(fits) {
                return Err(self
                    .wrong(name, &format!("`{text}` cannot name a store"))
                    .hint("a store's name has letters, digits, `_`, `-` and `.`"));
            }
            stores.push((name.span().start, self.store(text, keys)?));
        }
        // The parser sorts by name; people order by importance.
        stores.sort_by_key(|(start, _)| *start);
        Ok(stores.into_iter().map(|(_, store)| store).collect())
    }

    fn store(&self, store: &str, table: &DeTable<'_>) -> Result<StoreTable, Failure> {
        let mut keys = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(known) = StoreKey::ALL.into_iter().find(|known| known.name() == name) else {
                let secret = ["access_key", "secret_key", "session_token"].contains(&name);
                let place = format!(" in [store.{store}]");
                let failure = self.unknown(key, name, &place, StoreKey::ALL.map(StoreKey::name).into_iter());
                return Err(if secret {
                    failure.hint(format!(
                        "secrets stay out of the file: `{name}_env` names the variable that has it"
                    ))
                } else {
                    failure
                });
            };
            keys.insert(known, self.value(name, value, known.kind())?);
        }
        Ok(StoreTable { name: store.to_owned(), keys })
    }

    fn table<'t, 'v>(
        &self,
        value: &'t Spanned<DeValue<'v>>,
        name: &str,
        wanted: &str,
    ) -> Result<&'t DeTable<'v>, Failure> {
        value.get_ref().as_table().ok_or_else(|| self.wrong_kind(value, name, wanted))
    }

    fn value(&self, name: &str, value: &Spanned<DeValue<'_>>, kind: Kind) -> Result<Sourced<Value>, Failure> {
        let read = match (kind, value.get_ref()) {
            (Kind::Text | Kind::Word, DeValue::String(text)) => Some(Value::Text(text.to_string())),
            (Kind::Word | Kind::Number, DeValue::Integer(number)) if number.radix() == 10 => {
                Some(Value::Text(number.as_str().to_owned()))
            }
            (Kind::List, DeValue::String(text)) => Some(Value::List(vec![text.to_string()])),
            (Kind::List, DeValue::Array(array)) => array
                .iter()
                .map(|part| part.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .map(Value::List),
            (Kind::Switch, DeValue::Boolean(switch)) => Some(Value::Switch(*switch)),
            _ => None,
        };
        let value_read = read.ok_or_else(|| self.wrong_kind(value, name, kind.wanted()))?;
        Ok(Sourced {
            value: value_read,
            from: Origin::File { path: self.path.clone(), line: self.line(value.span().start) },
        })
    }

    fn syntax(&self, error: &toml::de::Error) -> Failure {
        let line = error.span().map_or(1, |span| self.line(span.start));
        Failure::usage(format!("{} line {line}: {}", self.path.display(), error.message()))
    }

    fn unknown<'k, T>(
        &self,
        key: &Spanned<T>,
        name: &str,
        place: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Failure {
        let failure = self.wrong(key, &format!("unknown key `{name}`{place}"));
        match nearest(name, known.clone()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!("known keys are {}", known.collect::<Vec<_>>().join(", "))),
        }
    }

    fn wrong_kind(&self, value: &Spanned<DeValue<'_>>, name: &str, wanted: &str) -> Failure {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
        self.wrong(value, &format!("`{name}` is {article} {found}, wanted is {wanted}"))
    }

    fn wrong<T>(&self, at: &Spanned<T>, text: &str) -> Failure {
        Failure::usage(format!("{} line {}: {text}", self.path.display(), self.line(at.span().start)))
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

impl Value {
    /// As one text, the parts of a list separated by commas.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(parts) => parts.join(","),
            Self::Switch(switch) => switch.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        anstream::adapter::strip_str(&parse(Path::new("c.toml"), text).unwrap_err().render()).to_string()
    }

    #[test]
    fn stores_keep_the_order_of_the_file_and_values_their_lines() {
        let text = "[store.zoo]\nvendor = \"dir\"\npath = \"/zoo\"\n[store.ant]\nvendor = 1\nregion = 4\nprefix = [\"a\", \"b\"]\n";
        let file = parse(Path::new("c.toml"), text).unwrap();
        assert_eq!(file.stores.iter().map(|store| store.name.as_str()).collect::<Vec<_>>(), ["zoo", "ant"]);
        let region = &file.stores[1].keys[&StoreKey::Region];
        assert_eq!(region.value, Value::Text("4".to_owned()));
        assert_eq!(region.from.to_string(), "c.toml:6");
        assert_eq!(file.stores[1].keys[&StoreKey::Prefix].value, Value::List(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        for (text, line, hint) in [
            (
                "[store.prod]\nvendor = 1\nbuckt = \"x\"",
                "c.toml line 3: unknown key `buckt` in [store.prod]",
                "`bucket`",
            ),
            (
                "\n[defaults]\nlimitrate = 1",
                "c.toml line 3: unknown key `limitrate` in [defaults]",
                "`limit_rate`",
            ),
            ("[stores.prod]\nvendor = 1", "c.toml line 1: unknown key `stores`", "`store`"),
            ("jobs = 3", "c.toml line 1: `jobs` stands outside of a table", "[defaults]"),
            ("[store.p]\nsecret_key = \"x\"", "c.toml line 2: unknown key `secret_key`", "secret_key_env"),
            ("[defaults]\nwobble = 1", "c.toml line 2: unknown key `wobble`", "known keys are store, out"),
            ("[store.\"a b\"]\nvendor = 1", "c.toml line 1: `a b` cannot name a store", "letters"),
        ] {
            let said = failure(text);
            assert!(said.contains(line) && said.contains(hint), "{said}");
        }
    }

    #[test]
    fn a_wrong_kind_is_named_with_what_is_wanted() {
        for (text, expected) in [
            ("[store.p]\nbucket = 3", "c.toml line 2: `bucket` is an integer, wanted is a string"),
            ("[store.p]\nanonymous = \"yes\"", "line 2: `anonymous` is a string, wanted is true or false"),
            (
                "[store.p]\nprefix = [1]",
                "line 2: `prefix` is an array, wanted is a string or a list of strings",
            ),
            ("[defaults]\njobs = 1.5", "line 2: `jobs` is a float, wanted is an integer"),
            ("store = 3", "line 1: `store` is an integer, wanted is tables such as [store.prod]"),
            ("[store]\nprod = 3", "line 2: `store.prod` is an integer"),
            ("[store.p]\nregion = 0x10", "line 2: `region` is an integer"),
        ] {
            let said = failure(text);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn text_that_is_no_toml_names_its_line() {
        let said = failure("[defaults]\njobs = \n");
        assert!(said.contains("c.toml line 2: "), "{said}");
        let said = failure("[defaults]\njobs = 1\njobs = 2\n");
        assert!(said.contains("c.toml line 3: ") || said.contains("duplicate key"), "{said}");
    }
}
