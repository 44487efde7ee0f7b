# Shared by the scripts beside it: steps that are run, timed, counted and summed up, and what they need on the machine.
# Each step writes to a log of its own under target/logs; a failed one shows the end of it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
target=${CARGO_TARGET_DIR:-$root/target}
logs=$target/logs
tools=$target/tools
mkdir -p "$logs" "$tools"

passed=0
failed=0
failures=()
started=$SECONDS

# say TEXT: one line for the person who waits.
say() { printf '%s\n' "$*"; }

# step NAME COMMAND…: runs it; the tests that its log counts, or the step itself, enter the sum.
step() {
  local name=$1 log before=$SECONDS status=0 good=0 bad=0
  shift
  log=$logs/$(tr -c 'a-z0-9\n' - <<<"$name").log
  "$@" >"$log" 2>&1 </dev/null || status=$?
  read -r good bad < <(count "$log")
  if [ $((good + bad)) -eq 0 ]; then
    if [ $status -eq 0 ]; then good=1; else bad=1; fi
  elif [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  if [ $status -eq 0 ]; then
    say "$(printf 'ok      %-24s %5s passed %5s s' "$name" "$good" $((SECONDS - before)))"
  else
    say "--- the end of ${log#"$root"/}"
    tail -n 60 "$log"
    say "---"
    failures+=("$(printf 'FAILED  %-24s %5s failed %5s s' "$name" "$bad" $((SECONDS - before)))")
    say "${failures[-1]}"
  fi
  return $status
}

# count LOG: tests passed and failed by the closing lines of cargo test and pytest.
count() {
  awk '
    /^test result: / { good += $4; bad += $6 }
    /^=+ .*(passed|failed|error).* in .*=+$/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) good += $(i - 1)
        if ($i ~ /^(failed|errors?)/) bad += $(i - 1)
      }
    }
    END { print good + 0, bad + 0 }' "$1"
}

# ahead NAME COMMAND…: begins what a later step waits for by `begun NAME`, beside the steps before that one.
declare -A ahead=()
ahead() {
  local name=$1
  shift
  "$@" >"$logs/ahead-$name.log" 2>&1 </dev/null &
  ahead[$name]=$!
}

# begun NAME: waits until that has ended; its log and its status.
begun() {
  local status=0
  wait "${ahead[$1]}" || status=$?
  cat "$logs/ahead-$1.log"
  return $status
}

# install NAME COMMAND…: no test; it counts only when it fails.
install() {
  local name=$1 log before=$SECONDS
  shift
  log=$logs/$(tr -c 'a-z0-9\n' - <<<"$name").log
  if "$@" >"$log" 2>&1 </dev/null; then
    say "$(printf 'ready   %-24s %18s s' "$name" $((SECONDS - before)))"
    return
  fi
  failed=$((failed + 1))
  failures+=("FAILED  $name")
  say "--- the end of ${log#"$root"/}"
  tail -n 60 "$log"
  say "---"
  say "${failures[-1]}"
  return 1
}

# close: the sum, and the exit status of the script.
close() {
  say ""
  [ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
  say "in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; logs in ${logs#"$root"/}"
  say ""
  say "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# need_commands COMMAND:PACKAGE…: installs the Debian packages of the commands that are missing.
need_commands() {
  local pair missing=() as_root=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    say "missing on this machine: ${missing[*]} (names of Debian's packages)"
    return 1
  fi
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${missing[@]}"
}

# need PACKAGE COMMAND…: installs a Debian package when the command that needs it fails.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 </dev/null || need_commands "no-such-command:$package"
}

# need_build: what `cargo build` needs (README.md).
need_build() {
  need_commands cc:gcc make:make || return
  # gcc only recommends the files that programs are linked with, and every Debian has a perl without modules.
  need libc6-dev cc -include stdio.h -x c -E - || return
  need perl perl -MFindBin -MIPC::Cmd -MFile::Compare -MPod::Usage -e 1 || return
  command -v cargo >/dev/null || { say "Rust is missing: install it with rustup"; return 1; }
}

# need_tests: the programs that judge hygie in `cargo test`, and the server that tests start on a socket of their own.
need_tests() {
  need_commands python3:python3 openssl:openssl curl:curl || return
  need postgresql ls /usr/lib/postgresql/*/bin/initdb
}

# need_nginx: the reverse proxy in front of two processes. Debian puts it where only root's path leads; the service that its
# package may start is not used.
need_nginx() {
  export PATH=$PATH:/usr/sbin
  command -v nginx >/dev/null || need_commands nginx:nginx-light
}

deny_version=0.20.2

# need_deny: cargo-deny, compiled without optimisation because it runs for a second.
need_deny() {
  "$tools/bin/cargo-deny" --version 2>/dev/null | grep -q " $deny_version\$" && return
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$tools/build \
    cargo install --locked --profile dev --root "$tools" "cargo-deny@$deny_version" && rm -rf "$tools/build"
}

# need_servers: what judges blobs and events (docs/adr/0012-objects-and-events.md): Azurite, Moto's S3 and Apache Kafka,
# fetched at the same time.
need_servers() {
  need_tests && need_commands node:nodejs npm:npm javac:openjdk-17-jdk-headless mvn:maven || return
  need python3-venv python3 -c 'import ensurepip, venv' || return
  local one pids=() status=0
  need_azurite & pids+=($!)
  need_moto & pids+=($!)
  need_kafka & pids+=($!)
  for one in "${pids[@]}"; do wait "$one" || status=1; done
  return $status
}

need_azurite() {
  local lock=$root/tests/servers/package-lock.json place=$tools/azurite
  cmp -s "$lock" "$place/lock" && return
  rm -rf "$place" && mkdir "$place" && cp "$root/tests/servers/package.json" "$lock" "$place" &&
    (cd "$place" && npm ci --ignore-scripts --no-audit --no-fund) && cp "$lock" "$place/lock"
}

need_moto() {
  local lock=$root/tests/servers/requirements.txt place=$tools/moto
  cmp -s "$lock" "$place/lock" && return
  rm -rf "$place"
  python3 -m venv "$place" && "$place/bin/pip" install --quiet --require-hashes --requirement "$lock" && cp "$lock" "$place/lock"
}

need_kafka() {
  local lock=$root/tests/servers/pom.xml place=$tools/kafka
  cmp -s "$lock" "$place/lock" && return
  rm -rf "$place"
  mvn --batch-mode --quiet --file "$lock" dependency:copy-dependencies -DoutputDirectory="$place/jars" && cp "$lock" "$place/lock"
}

# need_clients: the environments of the outside clients, in Python and for Node, made again when their locks change; the Kafka
# that reads events, and Azurite, which keeps large content.
need_clients() {
  need_tests && need_nginx && need_commands chromium:chromium certutil:libnss3-tools jq:jq faketime:faketime \
    javac:openjdk-17-jdk-headless mvn:maven node:nodejs npm:npm || return
  need_kafka && need_azurite || return
  need python3-venv python3 -c 'import ensurepip, venv' || return
  local lock=$root/tests/clients/requirements.txt venv=$tools/clients
  if ! cmp -s "$lock" "$venv/lock"; then
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --require-hashes --requirement "$lock" &&
      cp "$lock" "$venv/lock" || return
  fi
  need_node_modules
}

# need_node_modules: Node itself is one of the Python packages, because Debian's is older than these libraries want.
need_node_modules() {
  local scripts=$root/tests/clients/node modules=$tools/clients-node
  if ! cmp -s "$scripts/package-lock.json" "$modules/lock"; then
    rm -rf "$modules"
    mkdir -p "$modules" && cp "$scripts"/package*.json "$modules" &&
      PATH=$tools/clients/bin:$PATH npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund &&
      cp "$scripts/package-lock.json" "$modules/lock" || return
  fi
  # Where Node looks for them from the scripts.
  ln -sfn "$modules/node_modules" "$scripts/node_modules"
}
