//! `hygie psc check` on files.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A policy as Graph sends it, which is what Pro Santé Connect asks for.
fn policy() -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#identity/conditionalAccess/policies/$entity",
        "displayName": "AC02-ProSantéConnect-Session4hAvecMFA-Global-ToutePlateforme-PourANS",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": { "includeApplications": ["99383c77-0bb9-41f0-96e1-b72ad6eca607"] },
            "users": { "includeUsers": ["All"], "excludeUsers": ["4a1d3f0e-0000-4000-8000-0000000000e1"] }
        },
        "grantControls": { "operator": "OR", "authenticationStrength": {
            "id": "4a1d3f0e-0000-4000-8000-0000000000fa", "displayName": "FA01-ProSantéConnect",
            "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
        } },
        "sessionControls": { "signInFrequency": { "isEnabled": true, "value": 4, "type": "hours" } }
    })
}

fn check(content: &str, options: &[&str]) -> Output {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("policies.json");
    fs::write(&file, content).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
    command
        .args(["psc", "check"])
        .arg(&file)
        .args(options)
        .output()
        .expect("it runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_policy_that_conforms() {
    let content = json!({ "value": [policy()] }).to_string();
    let (status, out, err) = said(&check(&content, &[]));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.ends_with("Conforme.\n") && out.contains("  ok   sign-in-frequency "),
        "{out}"
    );
    let (status, out, _) = said(&check(&content, &["--lang", "en"]));
    assert_eq!(status, Some(0));
    assert!(
        out.ends_with("It conforms.\n") && out.contains("targets the application"),
        "{out}"
    );
}

#[test]
fn a_policy_that_does_not() {
    let mut weak = policy();
    weak["sessionControls"]["signInFrequency"]["value"] = json!(8);
    let content = weak.to_string();
    let (status, out, err) = said(&check(&content, &[]));
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    assert!(
        out.contains("  NON  sign-in-frequency   La fréquence de connexion dépasse quatre heures."),
        "{out}"
    );
    assert!(
        out.contains("NON CONFORME : points à corriger : 1, à vérifier : 0."),
        "{out}"
    );
    let (status, out, _) = said(&check(&content, &["--json"]));
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((status, &report["verdict"]), (Some(1), &json!("does_not_conform")));
    let points = report["points"].as_array().expect("points");
    let point = points
        .iter()
        .find(|point| point["id"] == "sign-in-frequency")
        .expect("the point");
    assert_eq!(point["verdict"], "does_not_conform");
    assert_eq!(
        point["message"]["en"],
        "The sign-in frequency is longer than four hours."
    );

    let elsewhere = policy().to_string();
    let app = "4a1d3f0e-0000-4000-8000-0000000000aa";
    let (status, out, _) = said(&check(&elsewhere, &["--app", app]));
    assert_eq!(status, Some(1));
    assert!(out.contains("  NON  application ") && out.contains(app), "{out}");
}

#[test]
fn the_script_does_not_tell_the_strength() {
    let content = r#"{
        "PolicyName": "AC02-ProSantéConnect-Session4h", "State": "enabled", "CreatedDateTime": "\/Date(1727081821827)\/",
        "Conditions": {
            "Applications": { "IncludeApplications": ["99383c77-0bb9-41f0-96e1-b72ad6eca607"], "ExcludeApplications": [] },
            "ClientAppTypes": ["all"], "Locations": { "ExcludeLocations": null, "IncludeLocations": null },
            "Users": { "IncludeUsers": ["All"], "ExcludeUsers": ["4a1d3f0e-0000-4000-8000-0000000000e1"] }
        },
        "GrantControls": { "BuiltInControls": [], "Operator": "OR", "TermsOfUse": [] },
        "SessionControls": { "SignInFrequency": { "FrequencyInterval": "timeBased", "IsEnabled": true, "Type": "hours", "Value": 4 } }
    }"#;
    let (status, out, _) = said(&check(content, &[]));
    assert_eq!(status, Some(0), "{out}");
    assert!(
        out.contains("  ??   strength ") && out.contains("points à vérifier : 1."),
        "{out}"
    );
}

#[test]
fn wrong_usage_gets_one_line() {
    for (content, options, said_so) in [
        ("[]", &[][..], "the file holds no conditional access policy"),
        ("{", &[], "the file is not JSON: EOF"),
        ("[]", &["--app", "psc"], "invalid value 'psc' for '--app <ID>'"),
        ("[]", &["--lang", "de"], "invalid value 'de' for '--lang <LANG>'"),
    ] {
        let (status, out, err) = said(&check(content, options));
        assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains(said_so) && err.lines().count() == 1, "{err}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
    let (status, _, err) = said(&command.args(["psc", "check", "absent.json"]).output().expect("it runs"));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.starts_with("hygie: absent.json: "), "{err}");
}

/// The other end of the pipe is gone before the first line.
#[test]
fn who_stops_reading_does_not_change_the_verdict() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("policies.json");
    let mut wrong = policy();
    wrong["state"] = json!("disabled");
    for (document, status) in [(policy(), 0), (wrong, 1)] {
        fs::write(&file, json!({ "value": [document] }).to_string()).expect("written");
        for option in ["--lang=en", "--json"] {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
            command.args(["psc", "check"]).arg(&file).arg(option).stdout(writer);
            let output = command.output().expect("it runs");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(
                (output.status.code(), told.contains("panicked")),
                (Some(status), false),
                "{told}"
            );
        }
    }
}
