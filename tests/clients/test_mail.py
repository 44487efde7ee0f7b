"""Letters to people and to who looks after the security of an establishment, as a mail server that others wrote takes them
(aiosmtpd): over STARTTLS, with a login. It is away at first and during a kill; a mailbox that is full holds up nobody else's."""

import email
import email.policy
import gc
import ssl
import warnings

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cluster import Cluster, free_ports, wait_for

USER, PASSWORD = "hygie@ch.test", "a password of the relay"
SECURITY = "securite@ch.test"
NEIGHBOUR = "6f1d3c52-7f5c-4f2e-9f39-1d1b1a7a0042"


class Mailboxes:
    """Keeps what it takes. One mailbox is full until there is room, one is nobody's."""

    def __init__(self):
        self.letters, self.logins, self.is_full = [], set(), True

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox: " + address
        if address.startswith("full@") and self.is_full:
            return "452 4.2.2 mailbox full: " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        assert session.ssl is not None and session.authenticated
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        assert [str(to) for to in envelope.rcpt_tos] == [one.strip() for one in self.letters[-1]["To"].split(",")]
        return "250 OK"

    def to(self, address):
        """The letters of a mailbox, each once: delivery is at least once."""
        found = {letter["Message-ID"]: letter for letter in self.letters if address in letter["To"]}
        return list(found.values())


class Relay(Controller):
    """A mail server that takes nothing in clear, and nothing from who does not log in."""

    def __init__(self, mailboxes, port, pair):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        super().__init__(mailboxes, hostname="127.0.0.1", port=port)

    def stop(self, no_assert=False):
        """Its library leaves connections open that broke in their handshake: they are of this test, and not of a later one."""
        super().stop(no_assert)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def factory(self):
        def login(_server, _session, _envelope, mechanism, data):
            self.handler.logins.add(mechanism)
            is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
            return AuthResult(success=is_right, handled=is_right)

        return SMTP(self.handler, tls_context=self.context, require_starttls=True, authenticator=login, auth_required=True)


class Installation(Cluster):
    def __init__(self, directory):
        self.relay_port, self.graph_port = free_ports(2)
        super().__init__(directory, files="[space]\nreserve_mib = 0\n")

    def configuration(self, process, chain, key):
        # Nothing stands before the one process.
        process.login_port = self.login_port
        permissions = '"User.ReadWrite.All", "Organization.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "User.Invite.All"'
        text = super().configuration(process, chain, key).replace('"User.Read.All"', permissions)
        neighbour = f'''[[tenants]]
id = "{NEIGHBOUR}"
domain = "voisin.test"
display_name = "Clinique voisine"
security_defaults = false
[[workspaces]]'''
        text = text.replace("[[workspaces]]", neighbour, 1)
        return text + f"""
[graph]
url = "https://localhost:{self.graph_port}"
listen = "127.0.0.1:{self.graph_port}"
certificate = "{chain}"
key = "{key}"
[outgoing]
roots = ["{self.authority.file}"]
[mail]
host = "localhost"
port = {self.relay_port}
user = "{USER}"
password = {{ env = "MAIL_PASSWORD" }}
from = "Identité du CH <identite@ch.test>"
"""

    def secrets(self, password=None):
        return {**super().secrets(password), "MAIL_PASSWORD": PASSWORD}

    def relay(self, mailboxes):
        relay = Relay(mailboxes, self.relay_port, self.authority.issue("relay"))
        relay.start()
        return relay

    def call_directory(self, method, path, body=None):
        answer = requests.request(method, f"https://localhost:{self.graph_port}/v1.0/{path}", json=body, timeout=30,
                                  headers={"Authorization": f"Bearer {self.token()}"}, verify=self.authority.file)
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json() if answer.content else None

    def token(self):
        return self.loader_token(scope=f"https://localhost:{self.graph_port}/.default").json()["access_token"]

    def person(self, name, **members):
        body = {"accountEnabled": True, "displayName": name.capitalize(), "mailNickname": name,
                "userPrincipalName": f"{name}@ch.test", "mail": f"{name}@ch.test", **members,
                "passwordProfile": {"password": "Correct horse 9", "forceChangePasswordNextSignIn": False}}
        return self.call_directory("POST", "users", body)["id"]

    def new_password(self, person):
        """An administrator gives another one: the person is told."""
        self.call_directory("PATCH", f"users/{person}", {"passwordProfile": {"password": "Another horse 8"}})


@pytest.fixture
def installation(tmp_path):
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def test_letters_arrive(installation):
    mailboxes, [process] = Mailboxes(), installation.processes
    assert process.run("check-config").returncode == 0
    checked = process.run("check-config", "--online")
    assert checked.returncode != 0 and "[mail]: the mail server does not take letters" in checked.stdout + checked.stderr
    process.start()
    process.wait()
    eva = installation.person("eva", preferredLanguage="en-GB")
    installation.new_password(eva)
    wait_for("nobody says that the relay is away", lambda: "the mail server takes no letters" in process.logged())
    # What waits survives the process.
    process.kill()
    process.start()
    process.wait()
    relay = installation.relay(mailboxes)
    try:
        assert process.run("check-config", "--online").returncode == 0
        wait_for("eva is not told", lambda: len(mailboxes.to("eva@ch.test")) == 1)
        [letter] = mailboxes.to("eva@ch.test")
        assert letter["Subject"] == "[Centre hospitalier] What you sign in with has changed"
        assert letter["From"] == "Identité du CH <identite@ch.test>"
        assert (letter["Content-Language"], letter["Auto-Submitted"]) == ("en", "auto-generated")
        assert letter.get_content_type() == "text/plain"
        text = letter.get_content()
        assert "Hello Eva," in text and "Password changed" in text
        assert f"{installation.login}/securityinfo" in text

        # Where the establishment wants to be told of alerts.
        tenant = f"organization/{installation.tenant}"
        installation.call_directory("PATCH", tenant, {"securityComplianceNotificationMails": [SECURITY, "garde@ch.test"]})
        assert installation.call_directory("GET", tenant)["securityComplianceNotificationMails"] == [SECURITY, "garde@ch.test"]
        role = {"principalId": eva, "roleDefinitionId": "f2ef992c-3afb-46b9-b7cf-a126ee74c451", "directoryScopeId": "/"}
        installation.call_directory("POST", "roleManagement/directory/roleAssignments", role)
        installation.call_directory("PATCH", tenant, {"securityComplianceNotificationMails": ["garde@ch.test"]})
        wait_for("nobody is alerted", lambda: len(mailboxes.to(SECURITY)) == 3)
        subjects = [letter["Subject"].removeprefix("[Centre hospitalier] ") for letter in mailboxes.to(SECURITY)]
        assert subjects == ["Une règle de connexion a été modifiée", "Un rôle d’annuaire a été attribué",
                            "Cette adresse ne reçoit plus les alertes"]
        assert "Sur : eva@ch.test" in mailboxes.to(SECURITY)[1].get_content().replace("\u202f", " ")
        wait_for("the other one is not told", lambda: len(mailboxes.to("garde@ch.test")) == 3)

        # A mailbox that is full, one that is nobody's, and who comes after them.
        for name in ("full", "nobody", "leo"):
            installation.new_password(installation.person(name))
        wait_for("who comes after a full mailbox waits", lambda: len(mailboxes.to("leo@ch.test")) == 1)
        assert mailboxes.to("full@ch.test") == []
        mailboxes.is_full = False
        wait_for("there is room, and no letter", lambda: len(mailboxes.to("full@ch.test")) == 1)
        assert mailboxes.to("nobody@ch.test") == []
    finally:
        relay.stop()
    logged = process.logged()
    assert "a letter is given up: the mail server refuses it" in logged
    assert "nobody@" not in logged and "full@" not in logged and PASSWORD not in logged
    assert mailboxes.logins == {"PLAIN"}
    metrics = requests.get(f"http://127.0.0.1:{process.health_port}/metrics", timeout=10).text
    assert "hygie_mail_sent_total" in metrics and "hygie_mail_given_up_total 1" in metrics


def test_who_is_invited_is_written_to(installation):
    mailboxes, [process] = Mailboxes(), installation.processes
    relay = installation.relay(mailboxes)
    try:
        process.start()
        process.wait()
        message = {"customizedMessageBody": "À bientôt\nau bloc", "messageLanguage": "en-GB",
                   "ccRecipients": [{"emailAddress": {"address": "cadre@ch.test"}}]}
        asked = {"invitedUserEmailAddress": "paul@voisin.test", "invitedUserDisplayName": "Paul Durand",
                 "inviteRedirectUrl": "https://portal.test/", "sendInvitationMessage": True,
                 "invitedUserMessageInfo": message}
        made = installation.call_directory("POST", "invitations", asked)
        ticket = made["inviteRedeemUrl"].split("ticket=")[1]
        for address in ("paul@voisin.test", "cadre@ch.test"):
            wait_for("nobody is invited", lambda: len(mailboxes.to(address)) == 1)
            [letter] = mailboxes.to(address)
            assert letter["Subject"] == "[Centre hospitalier] You are invited" and letter["To"] == address
            text = letter.get_content()
            assert "Message: À bientôt au bloc" in text
            assert ticket not in text
        [letter] = mailboxes.to("paul@voisin.test")
        assert "Hello Paul Durand," in letter.get_content()
        # It leads to the sign-in at home, and nowhere else.
        [link] = [line.strip() for line in letter.get_content().splitlines() if line.strip().startswith("https://")]
        led = requests.get(link, allow_redirects=False, verify=installation.authority.file, timeout=30)
        assert led.status_code in (302, 303) and led.headers["Location"].startswith(f"/{NEIGHBOUR}/"), led.headers

        # Who gets another address reads it at the former one too.
        eva = installation.person("eva", preferredLanguage="en-GB")
        installation.call_directory("PATCH", f"users/{eva}", {"mail": "eve@ch.test"})
        for address in ("eva@ch.test", "eve@ch.test"):
            wait_for("nobody is told of the address", lambda: len(mailboxes.to(address)) == 1)
            assert "The address where you are written to has changed" in mailboxes.to(address)[0]["Subject"]
    finally:
        relay.stop()


def test_what_is_wrong_with_it_is_said_before_the_start(installation):
    [process] = installation.processes
    text = process.config.read_text()
    for wrong, said in [
        (text.replace("<identite@ch.test>", "at the hospital"), "`from` is no mail address"),
        (text.replace('host = "localhost"', 'host = "smtp.ch.test"\nsecurity = "none"'), "on this machine"),
        (text.replace('password = { env = "MAIL_PASSWORD" }', ""), "given together"),
        (text.replace('env = "MAIL_PASSWORD"', 'env = "NO_SUCH_VARIABLE"'), "NO_SUCH_VARIABLE"),
    ]:
        process.config.write_text(wrong)
        checked = process.run("check-config")
        assert checked.returncode != 0 and said in checked.stdout + checked.stderr, (said, checked.stdout, checked.stderr)


def test_a_relay_that_shows_another_certificate_gets_nothing(installation, tmp_path):
    mailboxes, [process] = Mailboxes(), installation.processes
    process.config.write_text(process.config.read_text().replace(f'roots = ["{installation.authority.file}"]', ""))
    relay = installation.relay(mailboxes)
    try:
        process.start()
        process.wait()
        installation.new_password(installation.person("eva"))
        wait_for("it is not said", lambda: "the mail server takes no letters" in process.logged())
        assert "UnknownIssuer" in process.logged()
    finally:
        relay.stop()
    assert mailboxes.letters == [] and mailboxes.logins == set()
