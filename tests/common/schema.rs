//! What `--json` prints, held to its schema.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../schema/ipvsadm.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

/// Reads a document that must be whole, and as the schema says.
pub fn read(text: &str) -> Result<Value, String> {
    let document = serde_json::from_str(text).map_err(|error| format!("{error}:\n{text}"))?;
    match SCHEMA.validate(&document) {
        Ok(()) => Ok(document),
        Err(error) => {
            let (place, error) = (error.instance_path().to_string(), error.to_string());
            Err(format!(
                "not as the schema says at `{place}`: {error}\n{text}"
            ))
        }
    }
}
