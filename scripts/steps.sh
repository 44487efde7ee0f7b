# The steps of scripts/check and scripts/test, in the order in which they fail soonest.

# prepare FUNCTION: installs what is missing; without it nothing else makes sense.
prepare() {
  install "what a build needs" "$1" || { close; exit 1; }
}

check_steps() {
  step "format" cargo fmt --all --check
  step "layers" cargo run --quiet --package xtask -- layers
  step "budgets" cargo run --quiet --package xtask -- budgets
  step "documents" cargo run --quiet --package xtask -- documents
  step "clippy" cargo clippy --workspace --all-targets --locked -- --deny warnings
  # The feature that may be left out.
  step "clippy without cloud" cargo clippy --package hygie --no-default-features --features vendored-openssl --locked -- \
    --deny warnings
}

deny_steps() {
  install "cargo-deny" need_deny && step "deny" "$tools/bin/cargo-deny" --locked check bans licenses sources
  advisories
}

# The advisory database is in no package registry: checked where a copy of it is.
advisories() {
  local copies=${HYGIE_ADVISORY_DB:-$HOME/.cargo/advisory-dbs}
  if [ -d "$copies" ]; then
    step "advisories" "$tools/bin/cargo-deny" --locked check --disable-fetch advisories
  else
    say "not run: advisories (no copy of the database in $copies)"
  fi
}

test_steps() {
  # Not the documentation: no example in it is run.
  step "cargo test" cargo test --workspace --tests --locked --no-fail-fast
  step "services on PostgreSQL" on_postgres
  # What could not be fetched is tried again, and told, by the step that needs it.
  begun fetch >/dev/null
  install "servers of the tests" need_servers &&
    step "objects and events" cargo test --workspace --test it --locked --no-fail-fast -- --ignored objects:: kafka::
  install "hygie for release" begun release
}

# begin_ahead: what later steps wait for, beside those before them: what comes over the network, and what is compiled with
# what the others leave of the processor.
begin_ahead() {
  ahead fetch fetch
  ahead deny modestly need_deny
  # What README.md has its reader build, and what the clients and the crash laboratory run.
  ahead release modestly cargo build --release --locked --package hygie
}

modestly() {
  renice --priority 19 --pid "$BASHPID" >/dev/null
  "$@"
}

fetch() { need_servers; need_clients; }

# The tests of the services once more on the engine that several processes share, at once, by the programs that "cargo test"
# has built: for fewer packages cargo would build most of them again, with other features.
on_postgres() {
  local package directory program running=() status=0 one
  while read -r package directory program; do
    case $package in
      hygie-directory | hygie-means | hygie-idp | hygie-fhir-store | hygie-fhir) ;;
      *) continue ;;
    esac
    (cd "$directory" && HYGIE_TEST_ENGINE=postgres CARGO_MANIFEST_DIR=$directory "$program") \
      >"$logs/on-postgresql-$package.log" 2>&1 </dev/null &
    running+=($!)
  done < <(cargo test --workspace --test it --locked --no-run --message-format=json | python3 -c "$PROGRAMS")
  [ ${#running[@]} -eq 5 ] || status=1
  for one in "${running[@]}"; do wait "$one" || status=1; done
  cat "$logs"/on-postgresql-*.log
  return $status
}

# Of what cargo tells: package, directory and program of each integration test.
PROGRAMS='
import json, os, sys
for line in sys.stdin:
    told = json.loads(line)
    if told["reason"] == "compiler-artifact" and told["target"]["kind"] == ["test"]:
        directory = os.path.dirname(told["manifest_path"])
        package = told["package_id"].split("#")[-1].split("@")[0].split("/")[-1]
        package = package if not package[0].isdigit() else os.path.basename(directory)
        print(package, directory, told["executable"])
'

# The clients that we did not write, against a running demo world. Beside them, because both wait more than they work, the
# program killed and started again on disks that lose, fail and lie (docs/crash-laboratory.md): a fresh seed for each commit
# would make a failure hard to see again, so it is always the same one here.
client_steps() {
  local shared=${HYGIE_SHARED_DATA:-$root/../shared/data}
  [ -d "$shared" ] || say "not run: suites over the shared test data (none in $shared)"
  export HYGIE_BIN=$target/release/hygie HYGIE_SHARED_DATA=$shared
  # For the whole workspace, because for one package it would be built with other features, and all below it again.
  install "large objects" cargo build --workspace --example large_objects --locked
  ahead crash "$tools/clients/bin/pytest" tests/crash
  HYGIE_README_RELEASE=1 step "clients" "$tools/clients/bin/pytest" tests/clients
  step "crash laboratory" begun crash
}
