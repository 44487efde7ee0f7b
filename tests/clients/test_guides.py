"""Every command of the guides, in its order, as a reader types it; and the English pages have those of the French."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Chromium, sign_in
from cryptography.hazmat.primitives.asymmetric import ec
from guides import GUIDES, PLACEHOLDER, commands, in_english, is_as_shown, program
from means import authenticator, prove
from test_readme import Reader
from world import BINARY, REPOSITORY

# What Chromium's own security key says of itself; and a model that nobody here has.
MODEL = "01020304-0506-0708-0102-030405060708"
OTHER_MODEL = "6e96969e-a5cf-4aad-9b56-305fe6c82795"
RETURN = "http://localhost:9999"


@pytest.mark.parametrize("french, english", GUIDES, ids=lambda name: name.removesuffix(".md"))
def test_both_languages_have_the_same_commands(french, english):
    ours = [in_english(command.text) for command in commands(f"fr/{french}")]
    theirs = [command.text.replace(" --lang en", "") for command in commands(f"en/{english}")]
    assert ours == theirs
    assert ours, "a guide without a command"


class Walk(Reader):
    """Somebody who follows the guides, and puts something of theirs where these ask for it."""

    def __init__(self, directory, language):
        super().__init__(directory)
        self.language, self.shown = language, []
        # Not every machine has this program; the code is the same.
        shown = f"import sys; sys.path.insert(0, '{Path(__file__).parent}')"
        shown += "; import means; print(means.one_time_code(sys.argv[3]))"
        tool = directory / "bin/oathtool"
        tool.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"{shown}\" \"$@\"\n")
        tool.chmod(0o755)

    def cargo(self):
        ports = f"case $1 in demo) set -- \"$@\" --base-port {self.base} ;; esac"
        quiet = "[ $2 = --quiet ] && set -- run \"${@:3}\""
        return f"{quiet}\n[ \"$1 $2 $3\" = 'run --release --' ] || exit 9\nshift 3\n{ports}\nexec {BINARY} \"$@\""

    def open(self, context):
        """The browser at hand."""
        self.page = context.new_page()

    def words(self, text):
        """As the language of the page has it."""
        return text if self.language == "fr" else in_english(text)

    def ask(self, command):
        """What a command of the test's own prints, but for the statuses."""
        shown = self.type(command)
        return "\n".join(line for line in shown.splitlines() if line and not line.startswith("HTTP "))

    def person(self, name):
        world = json.loads((self.directory / "hygie-demo/demo.json").read_text())
        return next(user for user in world["tenants"][0]["users"] if user["name"] == name)

    def run(self, command):
        """Types a command of a guide; gives what it shows."""
        text = left = command.text
        for needle, prepare in BEFORE:
            if self.words(needle) in text:
                prepare(self)
        for needle, placeholder, found in FILLS:
            if self.words(needle) in command.text:
                text = text.replace(self.words(placeholder), found(self))
                left = left.replace(self.words(placeholder), "")
        assert not PLACEHOLDER.search(left), f"who puts what here?\n{left}"
        shown = self.type(text)
        self.shown.append((command.text, shown))
        said = f"{text}\n{shown}"
        statuses = re.findall(r"HTTP (\d+)$", shown, re.M)
        assert all(status.startswith("2") for status in statuses), said
        assert not re.search(r"jq: error|parse error|command not found|syntax error|^null$|^error: ", shown, re.M), said
        assert command.shown is None or is_as_shown(command.shown, shown), f"{said}\n--- but the page shows\n{command.shown}"
        for needle, pattern in SAYS:
            if self.words(needle) in command.text:
                assert re.search(pattern, shown, re.M | re.S), f"{said}\n--- without {pattern}"

    def walk(self, guide):
        """Each command of a page; those that undo what later ones need come last."""
        given = commands(f"{self.language}/{guide}")
        for command in sorted(given, key=lambda command: command.text in LAST):
            if command.text.startswith("REQUESTS_CA_BUNDLE="):
                self.confirm(command.text, program(f"{self.language}/{guide}"))
            elif not command.text.endswith(" -- demo\n"):
                self.run(command)

    def confirm(self, command, source):
        """The program that asks for the nurse, who answers in her browser."""
        (self.directory / command.split()[-1]).write_text(source)
        asking = subprocess.Popen(
            ["bash", "-c", f"exec {sys.executable} -u {command.split()[-1]}"], cwd=self.directory, text=True,
            env={**self.environment, "REQUESTS_CA_BUNDLE": f"{self.directory}/hygie-demo/ca.pem"}, stdout=subprocess.PIPE,
        )
        with self.page.context.browser.new_context() as context:
            page = context.new_page()
            # Only a sign-in of a later second is one after the request.
            page.wait_for_timeout(1_100)
            page.goto(asking.stdout.readline().strip())
            sign_in(page, self.person("nurse"))
            page.locator("main article button").click()
            page.locator("main button[name=answer][value=yes]").click()
            page.locator("main button[name=answer]").first.wait_for(state="detached")
        said, _ = asking.communicate(timeout=60)
        assert said.splitlines()[-1] == {"fr": "confirmé", "en": "confirmed"}[self.language]
        assert asking.returncode == 0


def as_installed(walk):
    """The guides' application has what the guide of installation gives to its own, and no more: of each command that is enough."""
    given = re.search(r"directory_permissions = (\[.*?\])", (REPOSITORY / "docs/en/installation.md").read_text(), re.S)[1]
    taken = walk.ask(
        f"""own=$(api GET "servicePrincipals(appId='$(app directory-admin client_id)')" | jq -r .id)
        api=$(api GET "servicePrincipals(appId='00000003-0000-0000-c000-000000000000')" | jq -c .appRoles)
        api GET "servicePrincipals/$own/appRoleAssignments?\\$top=999" |
          jq -r --argjson roles "$api" --argjson given '{given}' \
            '.value[] | select([.appRoleId as $id | $roles[] | select(.id == $id) | .value | IN($given[])] | any | not) | .id' |
          while read -r one; do api DELETE "servicePrincipals/$own/appRoleAssignments/$one"; echo $one; done"""
    )
    assert taken, "the demo's application has what the guide gives, and no more"
    walk.type("connect")


def staff(walk):
    """A group of everybody who is named in the guides."""
    walk.type(
        """staff=${staff:-$(send POST groups '{"displayName": "Staff", "mailEnabled": false, "mailNickname": "staff",
          "securityEnabled": true}' | jq -r .id)}
        for name in administrator doctor nurse secretary; do
          send POST "groups/$staff/members/\\$ref" '{"@odata.id": "'$graph'/v1.0/directoryObjects/'$(person $name oid)'"}'
        done; true"""
    )
    return walk.ask("echo $staff")


def somebody_deleted(walk):
    return walk.ask(
        """gone=$(send POST users '{"accountEnabled": true, "displayName": "Gone", "mailNickname": "gone",
          "userPrincipalName": "gone@ch-demo.example", "passwordProfile": {"password": "Vélo-rouge-42"}}' | jq -r .id)
        api DELETE users/$gone; echo $gone"""
    )


def nothing_for_pro_sante_connect(walk):
    """As in an establishment that has none of its policies yet."""
    walk.type(
        """api GET $ca/policies | jq -r '.value[] | select(.displayName | test("^AC0[12]-ProSantéConnect")) | .id' |
          while read -r id; do api DELETE $ca/policies/$id; done
        api GET $strengths | jq -r '.value[] | select(.displayName | startswith("FA01")) | .id' |
          while read -r id; do api DELETE $strengths/$id; done"""
    )


def authorities(walk):
    """The authorities and the list of the demo as files, as if it had no trust store yet: it fetches no other lists."""
    root, issuing, bundle, card = map(walk.words, ("RACINE.pem", "EMETTRICE.pem", "AUTORITES.p7b", "CARTE.pem"))
    walk.type(
        f"""demo_pki=directory/publicKeyInfrastructure/certificateBasedAuthConfigurations
        demo_store=$(api GET $demo_pki | jq -r '.value[0].id')
        their() {{
          api GET $demo_pki/$demo_store/certificateAuthorities |
            jq -r --arg kind $1 '.value[] | select(.certificateAuthorityType == $kind) | .'$2
        }}
        their root certificate | base64 --decode | openssl x509 -inform DER -out {root}
        their intermediate certificate | base64 --decode | openssl x509 -inform DER -out {issuing}
        openssl crl2pkcs7 -nocrl -certfile {root} -certfile {issuing} -outform DER -out {bundle}
        cp "hygie-demo/$(person doctor card.certificate)" {card}
        for kind in root intermediate; do printf -v "$kind" %s "$(their $kind certificateRevocationListUrl)"; done
        api DELETE $demo_pki/$demo_store"""
    )


def list_of(kind):
    return lambda walk: walk.ask(f"echo ${kind}")


def issuer_of_the_card(walk):
    """As the guide says that it is found."""
    return walk.ask(f"openssl x509 -in {walk.words('CARTE.pem')} -noout -issuer").removeprefix("issuer=").strip()


def what_the_card_is_worth(walk):
    """By the rule that the guide makes for its issuer."""
    return walk.ask(
        f"""card=$(openssl x509 -in {walk.words("CARTE.pem")} -outform DER | base64 --wrap=0)
        jq -n --arg der "$card" '{{certificate: $der}}' |
          api POST directory/publicKeyInfrastructure/tryCertificate --header 'Content-Type: application/json' --data @- |
          jq -r '.authenticationMode // .message'"""
    )


def id_of(path, chosen):
    return lambda walk: walk.ask(f"api GET {path} | jq -r '.value[] | select({walk.words(chosen)}) | .id'").splitlines()[0]


def unattested(walk):
    """The keys of a demo have no maker that vouches for them, as the guide says."""
    walk.type("""send PATCH "$methods/Fido2" '{"isAttestationEnforced": false}'""")


def passkey(walk):
    """The answer of a key in software to what the directory asks of it (Web Authentication Level 3 §5.1.8)."""
    options = "fido2Methods/creationOptions(challengeTimeoutInMinutes=10)"
    asked = json.loads(walk.ask(f"""api GET "users/$(person doctor oid)/authentication/{options}" | jq -c .publicKey"""))
    number = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (part.to_bytes(32, "big") for part in (number.x, number.y))
    name = hashlib.sha256(x).digest()[:20]
    key = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
    flags = b"\x45\0\0\0\0"
    data = hashlib.sha256(asked["rp"]["id"].encode()).digest() + flags + bytes.fromhex(MODEL.replace("-", ""))
    data += len(name).to_bytes(2, "big") + name + key
    attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
    login = walk.ask("demo .endpoints.login")
    client = {"type": "webauthn.create", "challenge": asked["challenge"], "origin": login, "crossOrigin": False}
    return '"id": "{}", "response": {{"clientDataJSON": "{}", "attestationObject": "{}"}}'.format(
        *(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (name, json.dumps(client).encode(), attestation))
    )


def the_secretary_comes_back(walk):
    """She registers a key and signs in to Pro Santé Connect by it, as the numbered steps say; with what she comes back."""
    page = walk.page
    first, again = [shown.splitlines()[-1] for text, shown in walk.shown if 'echo "$address' in text]
    with authenticator(page):
        page.goto(first)
        sign_in(page, walk.person("secretary"))
        page.get_by_text("AADSTS50079").wait_for(state="attached")
        page.locator("main a.button.primary").click()
        prove(page, walk.person("secretary"))
        page.locator("button[name=step][value=passkey]").click()
        page.locator("[data-passkey-button]").click()
        page.locator("main .notice, main .success").first.wait_for()
        page.goto(again)
        page.locator("button[name=way][value=passkey]").click()
        with page.expect_request(f"{RETURN}/**") as came_back:
            page.locator("[data-passkey-button]").click()
            document = page.locator("main a[href*='/terms/']").first.get_attribute("href")
            assert page.evaluate("async at => (await (await fetch(at)).text()).startsWith('%PDF-')", document)
            page.locator("main button[value=accept]").click()
    return came_back.value.url


def a_means(kind):
    return lambda walk: walk.ask(
        f"""api GET "users/$(person secretary oid)/authentication/{kind}Methods" | jq -r '.value[0].id'"""
    )


def terms(walk):
    (walk.directory / walk.words("cgu.pdf")).write_bytes(b"%PDF-1.4\n%%EOF\n")


# What a reader has or does before a command.
BEFORE = [
    ("base64 -w0 cgu.pdf", terms),
    ("fa01=$(send", nothing_for_pro_sante_connect),
    ("pki=directory", authorities),
    ("creationOptions", unattested),
    # The list of this moment: an older one is refused.
    ("LISTE.crl", lambda walk: walk.type(f"curl --silent --output {walk.words('LISTE.crl')} $intermediate")),
    ("IGC de démonstration", lambda walk: walk.type(
        """send PATCH "$pki/$store" '{"displayName": "IGC de démonstration"}'""")),
    ("https://graph.ch.example", lambda walk: walk.type("printf %s \"$token\" | tee token > jeton")),
]
# In the command that has this, a placeholder, and what stands for it.
FILLS = [
    ('"passwordProfile": {"password": "…"', "…", lambda _: "Herbe-haute-42"),
    ("api DELETE directory/deletedItems/ID", "ID", somebody_deleted),
    ("members@odata.bind", '["…", "…"]', lambda walk: "[{}]".format(", ".join(
        f"\"'$graph'/v1.0/directoryObjects/'$(person {name} oid)'\"" for name in ("doctor", "nurse")))),
    ("strengths/ID/", "ID/", lambda walk: id_of("$strengths", '.displayName == "Clés seulement"')(walk) + "/"),
    ("strengths/ID/", '["AAGUID"]', lambda _: f'["{MODEL}"]'),
    ("ID-DE-LA-PERSONNE-OU-DU-GROUPE", "ID-DE-LA-PERSONNE-OU-DU-GROUPE", staff),
    ("https://graph.ch.example", "https://graph.ch.example", lambda _: '"$graph" --ca hygie-demo/ca.pem'),
    ("https://graph.ch.example", "ID-APPLICATION", lambda _: '"$psc"'),
    ("https://graph.ch.example", "APPLICATION-ID", lambda _: '"$psc"'),
    ("https://graph.ch.example", "secours1@ch.example", lambda _: "urgence@ch-demo.example"),
    ("https://graph.ch.example", "secours2@ch.example", lambda walk: walk.words("secours@ch-demo.example")),
    ("COLLEZ-TOUTE-L-ADRESSE", f"{RETURN}/?code=COLLEZ-TOUTE-L-ADRESSE", the_secretary_comes_back),
    ("ID-DU-GROUPE", "ID-DU-GROUPE", staff),
    ("AAGUID-DU-PREMIER-MODELE", "AAGUID-DU-PREMIER-MODELE", lambda _: MODEL),
    ("AAGUID-DU-SECOND-MODELE", "AAGUID-DU-SECOND-MODELE", lambda _: OTHER_MODEL),
    ("AAGUID-LU-SUR-LE-POSTE", "AAGUID-LU-SUR-LE-POSTE", lambda _: OTHER_MODEL),
    ('"attestationObject": "…"', '"id": "…", "response": {"clientDataJSON": "…", "attestationObject": "…"}', passkey),
    ("ADRESSE-DE-SA-LISTE", "ADRESSE-DE-SA-LISTE", list_of("root")),
    ("ADRESSE-DE-SA-LISTE", "http://igc-sante.esante.gouv.fr/CRL/ACI-EL-PP-TEST.crl", list_of("intermediate")),
    ("ID-DE-L-AUTORITE", "ID-DE-L-AUTORITE",
     id_of('"$pki/$store/certificateAuthorities"', '.certificateAuthorityType == "intermediate"')),
    ("NOM-DE-L-AUTORITE-EMETTRICE", "NOM-DE-L-AUTORITE-EMETTRICE", issuer_of_the_card),
    ('"users/ID" \'{"authorizationInfo"', '"users/ID"', lambda _: '"users/$(person secretary oid)"'),
    ("fido2Methods/ID", "fido2Methods/ID", lambda walk: "fido2Methods/" + a_means("fido2")(walk)),
    ("softwareOathMethods/ID", "softwareOathMethods/ID",
     lambda walk: "softwareOathMethods/" + a_means("softwareOath")(walk)),
    ("temporaryAccessPassMethods/ID", "temporaryAccessPassMethods/ID",
     lambda walk: "temporaryAccessPassMethods/" + a_means("temporaryAccessPass")(walk)),
    ("users/ID/revokeSignInSessions", "users/ID", lambda _: "users/$(person nurse oid)"),
]
# They end what later commands of the page go on with.
LAST = ["api DELETE $ca/policies/$policy"]
# What a guide says in its sentences of what is printed.
SAYS = [
    ("api GET users | jq", r"admin@ch-demo\.example  "),
    ("jq '{keyId, secretText", r'"secretText": "\S{30,}"'),
    ("jq '.responses[] | {id, status}'", r'"status": 2.*"status": 200'),
    ("grant_type=password", r'"token_type": "Bearer"'),
    ('client_assertion="$proof"', r'"token_type": "Bearer"'),
    ("api GET $risky |", r'"riskLevel": "high"'),
    ("api GET $defaults", r"false"),
    ("$ca/evaluate", r"^(true|false)  \S+  \S+"),
    ("api GET agreements/$terms/acceptances", r"^HTTP 200$"),
    ("jq '{displayName, appOwnerOrganizationId", r'"displayName": "PSC_BAS"'),
    ("jq '{iss, tid, amr", r'"amr": \[.*"fido".*"mfa"|"amr": \[.*"mfa".*"fido"'),
    ("hygie psc check", r"ok "),
    ("jq '{isCurrent, problem", r'"isCurrent": true,\s+"problem": null'),
    ("jq '{isCurrent, revokedCount}'", r'"isCurrent": true,\s+"revokedCount": 2'),
    ("\\$select=authorizationInfo", r"X509:<"),
    ("jq '{temporaryAccessPass", r'"temporaryAccessPass": "\S{8,}"'),
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_reader_follows_all_guides(language, playwright, tmp_path):
    walk = Walk(tmp_path, language)
    try:
        [start] = [given.text for given in commands(f"{language}/README.md") if given.text.endswith(" -- demo\n")]
        walk.start_demo(start)
        with Chromium(playwright, str(tmp_path / "hygie-demo/ca.pem"), tmp_path / "home") as chromium:
            walk.open(chromium.context())
            for guide in GUIDES:
                walk.walk(guide[language == "en"])
                if guide is GUIDES[0]:
                    as_installed(walk)
        assert what_the_card_is_worth(walk) == "x509CertificateMultiFactor"
    finally:
        walk.close()
