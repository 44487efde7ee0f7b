//! A PostgreSQL server of the tests' own: from the binaries of the system, in a directory that vanishes, on a socket in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Debian keeps each version in a directory of its own.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user whom PostgreSQL runs as when the tests run as root, which it refuses.
const USER: &str = "postgres";

/// What waits for the end of the tests, however they end, and cleans up: its input is a pipe that nobody else holds.
const CLEANER: &str = r#"trap '' INT TERM HUP; cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1; rm -rf "$2""#;

/// A server. It panics where it cannot be started: a test cannot go on.
pub struct PostgresServer {
    binaries: PathBuf,
    directory: PathBuf,
    databases: AtomicU32,
    _cleaner: Child,
}

impl PostgresServer {
    /// The one of this test binary.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One that nobody else uses.
    pub fn start() -> Self {
        let binaries = binaries();
        // Not `TempDir`: the cleaner removes it, also when the tests are killed.
        let directory = tempfile::Builder::new()
            .prefix("hygie-pg-")
            .tempdir()
            .expect("a writable temporary directory")
            .keep();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("a directory of our own");
        if is_root() {
            let (uid, gid) = (id("-u"), id("-g"));
            chown(&directory, Some(uid), Some(gid)).expect("root gives a directory away");
        }
        let mut cleaner = as_user("sh");
        cleaner.args(["-c", CLEANER, "sh"]).arg(&binaries).arg(&directory);
        let cleaner = cleaner.stdin(Stdio::piped()).spawn().expect("sh is there");
        let server = Self {
            binaries,
            directory,
            databases: AtomicU32::new(0),
            _cleaner: cleaner,
        };
        let data = server.directory.join("data");
        let mut initdb = server.command("initdb");
        initdb.args([
            "--username=hygie",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        succeed(initdb.arg(data));
        server.run();
        server
    }

    /// Starts it again after [`PostgresServer::kill`].
    pub fn run(&self) {
        // Nothing over TCP; a socket in a directory that only its owner enters.
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=300",
            self.directory.display()
        );
        let mut start = self.control("start");
        succeed(start.arg("-l").arg(self.directory.join("log")).arg("-o").arg(options));
    }

    /// Ends it as a crash would: its processes end at once, and it recovers at its next start.
    pub fn kill(&self) {
        succeed(self.control("stop").args(["-m", "immediate"]));
    }

    /// Makes an empty database; its address.
    pub fn create_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = self.command("createdb");
        create.args([
            "--template=template0",
            "--encoding=UTF8",
            "--locale=C",
            "--username=hygie",
            "-h",
        ]);
        succeed(create.arg(&self.directory).arg(&name));
        self.address(&name)
    }

    /// Copies a database as it is at this moment, whoever writes to it; the address of the copy.
    pub fn copy_database(&self, address: &str) -> String {
        let copy = self.create_database();
        let script = r#"set -e; "$1/pg_dump" --dbname="$2" | "$1/psql" --quiet --set=ON_ERROR_STOP=1 --dbname="$3""#;
        let mut copying = as_user("sh");
        copying
            .args(["-c", script, "sh"])
            .arg(&self.binaries)
            .args([address, &copy]);
        succeed(&mut copying);
        copy
    }

    /// Runs SQL on a database, as its owner would by hand; what it answers.
    pub fn psql(&self, address: &str, sql: &str) -> String {
        let mut psql = self.command("psql");
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
        ]);
        psql.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = psql
            .arg(format!("--dbname={address}"))
            .args(["-c", sql])
            .output()
            .expect("psql is there");
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    fn address(&self, database: &str) -> String {
        format!("host={} user=hygie dbname={database}", self.directory.display())
    }

    fn command(&self, program: &str) -> Command {
        as_user(self.binaries.join(program))
    }

    fn control(&self, what: &str) -> Command {
        let mut control = self.command("pg_ctl");
        control
            .arg("--silent")
            .arg("-D")
            .arg(self.directory.join("data"))
            .arg(what);
        control
    }
}

/// The newest version on this machine.
fn binaries() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let found = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let binaries = entry.path().join("bin");
        binaries.join("initdb").exists().then_some((version, binaries))
    });
    let newest = found.max_by_key(|(version, _)| *version);
    newest.map_or_else(
        || panic!("PostgreSQL is not installed: `apt-get install postgresql`, or run scripts/test, which does"),
        |(_, binaries)| binaries,
    )
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn id(option: &str) -> u32 {
    let output = Command::new("id").args([option, USER]).output().expect("id is there");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("there is no user {USER}"))
}

/// A command as a user whom PostgreSQL accepts.
fn as_user(program: impl AsRef<Path>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={USER}")).arg(format!("--regid={USER}"));
        command.arg("--clear-groups").arg("--").arg(program.as_ref());
        command
    } else {
        Command::new(program.as_ref())
    };
    // It may not enter the directory that the tests run in.
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.env_remove("PGOPTIONS").env("LC_ALL", "C");
    command
}

fn succeed(command: &mut Command) {
    let errors = tempfile::tempfile().expect("a temporary file");
    // Not a pipe: the server that is started holds it open.
    command.stderr(errors.try_clone().expect("a file"));
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if !status.success() {
        let mut said = String::new();
        let mut errors = errors;
        let _read =
            std::io::Seek::rewind(&mut errors).and_then(|()| std::io::Read::read_to_string(&mut errors, &mut said));
        panic!("{command:?} failed: {said}");
    }
}
