//! Apache Kafka: one broker that is its own controller, and the programs that come with it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use hygie_core::Secret;
use hygie_store_cloud::kafka::{Limits, Login, Options, Security};

use super::{Certified, Running, free_port, tool, wait_for};

/// A small machine of Java that starts soon.
const JAVA: [&str; 5] = [
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
];

pub struct Kafka {
    files: Certified,
    /// In clear; TLS with login; in clear behind the port that it tells clients; for itself.
    ports: [u16; 4],
    /// What clients of the third listener connect to.
    pub front: u16,
    server: Option<Running>,
}

/// A record, as Kafka's own consumer prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub millis: i64,
    pub partition: u32,
    pub headers: Vec<(String, String)>,
    pub key: String,
    pub value: String,
}

impl Record {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        &found.expect("the header").1
    }
}

impl Kafka {
    pub fn start() -> Self {
        let mut kafka = Self {
            files: Certified::new(),
            ports: [(); 4].map(|()| free_port()),
            front: free_port(),
            server: None,
        };
        fs::write(kafka.files.path("server.properties"), kafka.properties()).expect("a file");
        let format = ["format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c"];
        let mut command = java("kafka.tools.StorageTool");
        output(command.args(format).arg(kafka.files.path("server.properties")));
        kafka.run();
        kafka
    }

    fn properties(&self) -> String {
        let [clear, secure, behind, own] = self.ports;
        let front = self.front;
        let directory = self.files.directory.path().display();
        let login = "org.apache.kafka.common.security";
        format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{own}
listeners=CLEAR://127.0.0.1:{clear},SECURE://127.0.0.1:{secure},BEHIND://127.0.0.1:{behind},OWN://127.0.0.1:{own}
advertised.listeners=CLEAR://127.0.0.1:{clear},SECURE://localhost:{secure},BEHIND://127.0.0.1:{front}
listener.security.protocol.map=CLEAR:PLAINTEXT,SECURE:SASL_SSL,BEHIND:PLAINTEXT,OWN:PLAINTEXT
inter.broker.listener.name=CLEAR
controller.listener.names=OWN
log.dirs={directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={directory}/both.pem
listener.name.secure.sasl.enabled.mechanisms=PLAIN,OAUTHBEARER
listener.name.secure.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_hygie=\"let me in\";
listener.name.secure.oauthbearer.sasl.jaas.config={login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";
"
        )
    }

    /// Starts it again after [`Kafka::kill`].
    pub fn run(&mut self) {
        let mut command = java("kafka.Kafka");
        command.arg(self.files.path("server.properties"));
        let log = self.files.path("log");
        self.server = Some(Running::start(&command, &log));
        wait_for(self.ports[0], &log);
    }

    pub fn kill(&mut self) {
        self.server = None;
    }

    /// The port behind [`Kafka::front`].
    pub fn behind(&self) -> u16 {
        self.ports[2]
    }

    pub fn create_topic(&self, name: &str, partitions: u32, settings: &[&str]) {
        let mut command = java("org.apache.kafka.tools.TopicCommand");
        command.args(["--bootstrap-server", &self.clear(), "--create", "--topic", name]);
        command.args(["--partitions", &partitions.to_string()]);
        for setting in settings {
            command.args(["--config", setting]);
        }
        output(&mut command);
    }

    /// All that has arrived in a topic, each partition in its order.
    pub fn consume(&self, topic: &str) -> Vec<Record> {
        let mut command = java("org.apache.kafka.tools.consumer.ConsoleConsumer");
        command.args(["--bootstrap-server", &self.clear(), "--topic", topic]);
        command.args(["--from-beginning", "--timeout-ms", "2000"]);
        for property in ["timestamp", "partition", "headers", "key"] {
            command.args(["--property", &format!("print.{property}=true")]);
        }
        let text = output(&mut command);
        text.lines().filter_map(record).collect()
    }

    fn clear(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    pub fn in_clear(&self, topic: &str) -> Options {
        Options {
            name: "kafka".to_owned(),
            source: "/instances/test".to_owned(),
            brokers: vec![self.clear()],
            topic: topic.to_owned(),
            security: Security::Clear,
            login: Login::None,
            limits: Limits::default(),
        }
    }

    /// By the port that leads to the third listener.
    pub fn by_the_front(&self, topic: &str) -> Options {
        Options {
            brokers: vec![format!("127.0.0.1:{}", self.front)],
            ..self.in_clear(topic)
        }
    }

    pub fn by_tls(&self, topic: &str, login: Login) -> Options {
        Options {
            brokers: vec![format!("localhost:{}", self.ports[1])],
            security: Security::Tls(vec![self.files.certificate.clone()]),
            login,
            ..self.in_clear(topic)
        }
    }

    pub fn by_password(&self, topic: &str) -> Options {
        let login = Login::Plain {
            user: "hygie".to_owned(),
            password: Secret::new("let me in".to_owned()),
        };
        self.by_tls(topic, login)
    }
}

/// `CreateTime:N⇥Partition:N⇥name:value,name:value⇥key⇥value`
fn record(line: &str) -> Option<Record> {
    let mut parts = line.strip_prefix("CreateTime:")?.splitn(5, '\t');
    let mut next = || parts.next().expect("five parts");
    let header = |text: &str| {
        let (name, value) = text.split_once(':').expect("a header");
        (name.to_owned(), value.to_owned())
    };
    Some(Record {
        millis: next().parse().expect("a number"),
        partition: next()
            .strip_prefix("Partition:")
            .expect("it")
            .parse()
            .expect("a number"),
        headers: next().split(',').map(header).collect(),
        key: next().to_owned(),
        value: next().to_owned(),
    })
}

fn java(class: &str) -> Command {
    let mut jars: PathBuf = tool("kafka/jars");
    jars.push("*");
    let mut java = Command::new("java");
    java.args(JAVA).arg(jars).arg(class);
    java
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("java is there");
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{command:?}: {text} {errors}");
    text
}
