"""Apache Kafka as its makers wrote it: one broker that is its own controller, and the consumer that comes with it. It verifies
the tokens of an installation by the keys that this publishes."""

import os
import socket
import subprocess
from collections import namedtuple
from pathlib import Path

from cluster import Authority, free_ports, wait_for
from world import REPOSITORY

TOOLS = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "tools"
JAVA = ["java", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
RESOURCE, TOPIC, USER, PASSWORD = "https://kafka.ch.test", "fhir", "hygie", "let me in"
SECURITY = "org.apache.kafka.common.security"

Record = namedtuple("Record", "partition headers key value")


class Kafka:
    """A broker with a listener for managed identities and one for a user with a password, both by TLS."""

    def __init__(self, directory):
        assert (TOOLS / "kafka/jars").exists(), f"{TOOLS}/kafka is not there: scripts/test installs it (need_kafka)"
        self.directory = Path(directory)
        self.authority = Authority(self.directory)
        self.clear, self.by_identity, self.by_password, self.own = free_ports(4)
        chain, key = self.authority.issue("kafka")
        (self.directory / "both.pem").write_bytes(key.read_bytes() + chain.read_bytes())
        self.output, self.broker, self.consumer = self.directory / "consumed", None, None

    def events(self, port, login):
        """What a configuration says of it."""
        return (f'events = {{ brokers = ["localhost:{port}"], topic = "{TOPIC}", authorities = "{self.authority.file}", '
                f"login = {{ {login} }} }}")

    def start(self, issuer, keys, authority, principals):
        """Starts it: tokens of this issuer are verified by its keys; these principals may do everything, all others nothing."""
        properties = self.directory / "server.properties"
        properties.write_text(f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{self.own}
listeners=CLEAR://127.0.0.1:{self.clear},IDENTITY://127.0.0.1:{self.by_identity},PASSWORD://127.0.0.1:{self.by_password},OWN://127.0.0.1:{self.own}
advertised.listeners=CLEAR://127.0.0.1:{self.clear},IDENTITY://localhost:{self.by_identity},PASSWORD://localhost:{self.by_password}
listener.security.protocol.map=CLEAR:PLAINTEXT,IDENTITY:SASL_SSL,PASSWORD:SASL_SSL,OWN:PLAINTEXT
inter.broker.listener.name=CLEAR
controller.listener.names=OWN
log.dirs={self.directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.partitions=3
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users={";".join(f"User:{principal}" for principal in ("ANONYMOUS", USER, *principals))}
ssl.keystore.type=PEM
ssl.keystore.location={self.directory}/both.pem
listener.name.password.sasl.enabled.mechanisms=PLAIN
listener.name.password.plain.sasl.jaas.config={SECURITY}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.identity.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.identity.oauthbearer.sasl.server.callback.handler.class={SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.identity.oauthbearer.sasl.jaas.config={SECURITY}.oauthbearer.OAuthBearerLoginModule required \\
  unsecuredLoginStringClaim_sub="broker" ssl.truststore.type="PEM" ssl.truststore.location="{authority.file}";
sasl.oauthbearer.jwks.endpoint.url={keys}
sasl.oauthbearer.expected.issuer={issuer}
sasl.oauthbearer.expected.audience={RESOURCE}
""")
        formatted = subprocess.run([*self.java("kafka.tools.StorageTool"), "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c",
                                    str(properties)], capture_output=True, text=True, timeout=120, check=False)
        assert formatted.returncode == 0, formatted.stdout + formatted.stderr
        # Which addresses a broker may fetch keys from is said outside of its configuration.
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"
        self.broker = self.run("broker.log", *self.java("kafka.Kafka", allowed), str(properties))
        log = self.directory / "broker.log.errors"

        def answers():
            assert self.broker.poll() is None, log.read_text()[-4000:]
            return self.is_open(self.clear) and self.is_open(self.by_identity)

        wait_for(lambda: f"Kafka does not answer:\n{log.read_text()[-4000:]}", answers)
        shown = [part for name in ("partition", "headers", "key") for part in ("--property", f"print.{name}=true")]
        # It makes the topic.
        self.consumer = self.run("consumed", *self.java("org.apache.kafka.tools.consumer.ConsoleConsumer"), "--bootstrap-server",
                                 f"127.0.0.1:{self.clear}", "--topic", TOPIC, "--from-beginning", *shown)
        return self

    @staticmethod
    def is_open(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @staticmethod
    def java(program, *options):
        return [*JAVA, *options, "-cp", f"{TOOLS}/kafka/jars/*", program]

    def run(self, log, *command):
        with (self.directory / log).open("wb") as output, (self.directory / f"{log}.errors").open("wb") as errors:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True)

    def records(self, source):
        """What has arrived from a service, in the order of each partition."""
        assert self.consumer.poll() is None, (self.directory / "consumed.errors").read_text()
        lines = self.output.read_text().split("\n")[:-1]
        records = [record(line) for line in lines if line.startswith("Partition:")]
        return [record for record in records if record.headers["ce_source"] == source]

    def close(self):
        for process in (self.consumer, self.broker):
            if process:
                process.kill()
                process.wait(timeout=60)


def record(line):
    """`Partition:N⇥name:value,name:value⇥key⇥value`"""
    partition, headers, key, value = line.split("\t", 3)
    headers = dict(header.split(":", 1) for header in headers.split(","))
    return Record(int(partition.split(":")[1]), headers, key, value)
