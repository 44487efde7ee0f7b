//! Lines for the bulk entry: resources with their ids, one a line (NDJSON). What a bundle asks for besides being there
//! (conditions, patches, deletions) has no line.

use super::bundle::{BundleError, Entries, Handling, Taken, identified, taken_apart};

/// Why an entry of a bundle has no line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Without a resource.
    #[error("the entry has no resource")]
    NoResource,
    /// Anything but a create or an update by id.
    #[error("{0} cannot be loaded in bulk: load this file without --bulk")]
    Request(&'static str),
    /// Another entry of its transaction.
    #[error("another entry of its transaction cannot be loaded in bulk")]
    Transaction,
}

/// The line of each entry of a bundle, or of a resource, in order. Entries that post are given their ids as when they are
/// sent as bundles. Of a transaction all entries have lines, or none.
pub fn of_document(text: &str) -> Result<Vec<Result<String, LineError>>, BundleError> {
    let (entries, is_whole) = match taken_apart(text)? {
        Entries::Alone => return Ok(vec![Ok(of_resource(text)?)]),
        Entries::Of(entries, is_whole) => (entries, is_whole),
    };
    let mut lines = entries.iter().map(of_entry).collect::<Result<Vec<_>, _>>()?;
    if is_whole && lines.iter().any(Result::is_err) {
        for line in lines.iter_mut().filter(|line| line.is_ok()) {
            *line = Err(LineError::Transaction);
        }
    }
    Ok(lines)
}

fn of_entry(entry: &Taken) -> Result<Result<String, LineError>, BundleError> {
    let Some(resource) = &entry.resource else {
        return Ok(Err(LineError::NoResource));
    };
    // As it was sent: an update of a resource without id is none.
    let (_, identity) = identified(resource, Handling::AsIs)?;
    Ok(match entry.beyond(&identity) {
        Some(what) => Err(LineError::Request(what)),
        None => Ok(of_resource(resource)?),
    })
}

/// The line of a resource, under an id that follows from its content when it has none.
pub fn of_resource(text: &str) -> Result<String, BundleError> {
    let (line, _) = identified(text, Handling::Repeatable)?;
    // Between the values of a JSON text, a line's end is as good as a space; in a string there is none.
    Ok(if line.contains(['\n', '\r']) {
        line.replace(['\n', '\r'], " ")
    } else {
        line.into_owned()
    })
}

/// Lines as a body.
pub fn joined(lines: &[String]) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        body.extend_from_slice(line.as_bytes());
        body.push(b'\n');
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn lines(text: &str) -> Vec<Result<String, String>> {
        let lines = of_document(text).expect("a document");
        let line = |line: Result<String, LineError>| line.map_err(|error| error.to_string());
        lines.into_iter().map(line).collect()
    }

    #[test]
    fn entries_become_lines_and_keep_their_references() {
        let name = "urn:uuid:0f0a1b9c-5a5e-4a52-9a36-0d1f3c4b5a69";
        let text = format!(
            r#"{{"resourceType":"Bundle","type":"batch","entry":[
              {{"fullUrl":"{name}","resource":{{"resourceType":"Patient"}},"request":{{"method":"POST","url":"Patient"}}}},
              {{"resource":{{"resourceType":"Observation","id":"o",
                "subject":{{"reference":"{name}"}},"valueQuantity":{{"value":1.50}}}},
                "request":{{"method":"PUT","url":"Observation/o"}}}},
              {{"resource":{{"resourceType":"Basic"}},"request":{{"method":"POST","url":"Basic","ifNoneExist":"a=b"}}}},
              {{"resource":{{"resourceType":"Basic"}},"request":{{"method":"PUT","url":"Basic?a=b"}}}},
              {{"resource":{{"resourceType":"Basic","id":"1"}},"request":{{"method":"POST","url":"Basic"}}}},
              {{"resource":{{"resourceType":"Basic"}},"request":{{"method":"PUT","url":"Basic/1"}}}},
              {{"resource":{{"resourceType":"Basic","id":"1"}},"request":{{"method":"PUT","url":"Basic/2"}}}},
              {{"resource":{{"resourceType":"Basic","id":"1"}},"request":{{"method":"PUT","url":"Basic/1","ifMatch":"W/\"3\""}}}},
              {{"request":{{"method":"DELETE","url":"Basic/1"}}}},
              {{"resource":{{"resourceType":"Parameters"}},"request":{{"method":"PATCH","url":"Basic/1"}}}}]}}"#
        );
        let lines = lines(&text);
        let line = |at: usize| lines[at].as_ref().expect("a line");
        let patient: Value = serde_json::from_str(line(0)).expect("JSON");
        let id = &name["urn:uuid:".len()..];
        assert_eq!(patient["id"], id);
        let observation: Value = serde_json::from_str(line(1)).expect("JSON");
        assert_eq!(observation["subject"]["reference"], format!("Patient/{id}"));
        assert!(
            line(1).contains(r#""value":1.50"#) && !line(1).contains('\n'),
            "{}",
            line(1)
        );
        let refused: Vec<&str> = lines[2..]
            .iter()
            .map(|line| line.as_ref().expect_err("refused").as_str())
            .collect();
        let of = |what: &str| format!("{what} cannot be loaded in bulk: load this file without --bulk");
        assert_eq!(
            refused,
            [
                of("a conditional create"),
                of("a conditional update"),
                of("a create whose fullUrl is no urn:uuid"),
                of("an update of another address than its resource's"),
                of("an update of another address than its resource's"),
                of("what has a condition"),
                "the entry has no resource".to_owned(),
                of("what is neither create nor update"),
            ]
        );
    }

    #[test]
    fn a_transaction_has_lines_for_all_or_for_none() {
        let bundle = |more: &str| {
            let entry = r#"{"resource":{"resourceType":"Basic","id":"1"},"request":{"method":"PUT","url":"Basic/1"}}"#;
            lines(&format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entry}{more}]}}"#
            ))
        };
        assert!(matches!(bundle("").as_slice(), [Ok(_)]));
        let refused = bundle(r#",{"request":{"method":"DELETE","url":"Basic/2"}}"#);
        let refused: Vec<String> = refused.into_iter().map(|line| line.expect_err("refused")).collect();
        assert_eq!(
            refused,
            [
                "another entry of its transaction cannot be loaded in bulk",
                "the entry has no resource"
            ]
        );
    }

    #[test]
    fn a_lone_resource_is_a_line_under_the_same_id_every_time() {
        let text = "{\n \"resourceType\": \"Patient\",\r\n \"active\": true }";
        let [first, second] = [lines(text), lines(text)];
        assert_eq!(first, second);
        let line = first[0].as_ref().expect("a line");
        let resource: Value = serde_json::from_str(line).expect("JSON");
        assert!(resource["id"].is_string() && !line.contains(['\n', '\r']), "{line}");
        assert_eq!(
            joined(&[line.clone(), line.clone()]),
            format!("{line}\n{line}\n").into_bytes()
        );
        assert!(of_document("[]").is_err() && of_resource("").is_err());
    }
}
