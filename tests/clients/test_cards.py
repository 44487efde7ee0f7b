"""Cards of professionals: a real Chromium signs in by one, and each way in which a card is refused, over the wire."""

import base64
import html
import json
import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from chromium import Chromium, arrivals
from test_pages import authorize, check, complain


class CardReader(Chromium):
    """A Chromium whose person has a card in the reader, and whose house says which certificate it shows."""

    def __init__(self, playwright, world, home, card):
        super().__init__(playwright, world.ca, home)
        self.world, self.card = world, card

    def __enter__(self):
        super().__enter__()
        self.browser.close()
        pack = self.home / "card.p12"
        certificate, key = (str(self.world.data / self.card[part]) for part in ("certificate", "key"))
        export = ["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-passout", "pass:", "-out", pack]
        subprocess.run([*export, "-name", "card"], check=True)
        store = f"sql:{self.home / '.pki/nssdb'}"
        subprocess.run(["pk12util", "-d", store, "-i", pack, "-W", "", "-K", ""], check=True, capture_output=True)
        chosen = {"setting": {"filters": [{}]}}
        hosts = {f"{host},*": chosen for host in (self.world.demo["endpoints"]["certauth"], below_certauth(self.world))}
        settings = {
            "profile": {"content_settings": {"exceptions": {"auto_select_certificate": hosts}}},
            "intl": {"accept_languages": "fr-FR"},
        }
        self.browser = self.with_settings(self.home / "profile", settings)
        return self


def below_certauth(world):
    """The names of tenants at the host that asks for certificates, as Chromium's settings write them."""
    return f"https://[*.]certauth.localhost:{world.base_port + 2}"


@pytest.fixture(params=["doctor"])
def reader(request, playwright, world, tmp_path):
    with CardReader(playwright, world, tmp_path / "home", world.user(request.param)["card"]) as chromium:
        yield chromium


def psc(world, uri, **more):
    return authorize(world, uri, client_id=world.app("PSC_BAS")["client_id"], scope="openid%20profile", **more)


@pytest.mark.parametrize("named", [True, False], ids=["after-the-name", "without-a-name"])
def test_a_card_opens_pro_sante_connect(world, reader, named):
    """FA01-ProSantéConnect takes no password; a card with its code is enough."""
    doctor = world.user("doctor")
    page = reader.browser.new_page()
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    with arrivals() as listener:
        page.goto(psc(world, listener.uri))
        if named:
            page.locator("input[name=username]:visible").fill(doctor["upn"])
            page.locator("main button.primary").click()
        page.locator("button[name=way][value=certificate]").click()
        page.locator("main a.button.primary").wait_for()
        check(page, "card")
        page.locator("main a.button.primary").click()
        code = listener.next_with_terms(page)["code"]
    tokens = redeem(world, listener.uri, code)
    assert payload(tokens["id_token"])["oid"] == doctor["oid"]
    assert page.complaints == []


def redeem(world, uri, code):
    app = world.app("PSC_BAS")
    form = {
        "grant_type": "authorization_code",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "code": code,
        "redirect_uri": uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    answer = requests.post(f"{world.authority}/oauth2/v2.0/token", data=form, verify=world.ca, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Person:
    """Somebody with a browser of a few lines, and a card or none."""

    def __init__(self, world, card=None):
        self.world, self.session = world, requests.Session()
        self.session.verify = world.ca
        self.cert = card and tuple(str(world.data / card[part]) for part in ("certificate", "key"))

    def asked(self, uri, name):
        """From the authorization request to the link to the host that asks for a certificate."""
        page = self.session.get(psc(self.world, uri), timeout=30)
        page = self.submit(page, username=name)
        page = self.submit(page, step="way", way="certificate", username=name)
        certauth = re.escape(self.world.demo["endpoints"]["certauth"])
        return html.unescape(re.search(f'href="({certauth}[^"]*)"', page.text)[1])

    def submit(self, page, **fields):
        action = re.search(r'action="([^"]*/login)"', page.text)[1]
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text))
        form = {name: html.unescape(value) for name, value in hidden.items()} | fields
        return self.session.post(self.world.login + action, data=form, timeout=30)

    def agree(self, page):
        """Accepts the terms of use of a page."""
        action = re.search(r'<form method="post" action="([^"]*)"', page.text)[1]
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text))
        form = {name: html.unescape(value) for name, value in hidden.items()} | {"answer": "accept"}
        return self.session.post(self.world.login + html.unescape(action), data=form, allow_redirects=False, timeout=30)

    def show(self, link):
        """Shows the card at that host."""
        return self.session.get(link, cert=self.cert, allow_redirects=False, timeout=30)


URI = "http://localhost/callback"


def log(world):
    """The newest entry of the log of sign-ins."""
    answer = graph(world, "GET", "auditLogs/signIns?$top=1")
    assert answer.status_code == 200, answer.text
    return answer.json()["value"][0]


def graph(world, method, path, **body):
    """A call of the directory API by the application that may do everything there."""
    admin = world.app("directory-admin")
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=admin["client_id"],
        client_secret=admin["client_secret"],
        scope="https://graph.microsoft.com/.default",
    )
    assert answer.status_code == 200, answer.text
    head = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"{world.demo['endpoints']['graph']}/v1.0/{path}"
    return requests.request(method, url, headers=head, json=body or None, verify=world.ca, timeout=30)


@pytest.mark.parametrize(
    "card, code, reason",
    [
        ("revoked", 500183, "certificate-revoked"),
        ("expired", 50017, "certificate-expired"),
        ("unknown", 50017, "certificate-unknown-issuer"),
        ("nurse", 1001003, "certificate-unbound"),
    ],
)
def test_a_card_is_refused_by_a_page_with_its_reason(world, card, code, reason):
    doctor = world.user("doctor")
    shown = world.demo["cards"]["refused"].get(card) or world.user(card)["card"]
    person = Person(world, shown)
    answer = person.show(person.asked(URI, doctor["upn"]))
    assert answer.status_code == 400 and f"AADSTS{code}" in answer.text, answer.text
    entry = log(world)
    assert entry["status"]["errorCode"] == code
    assert reason in entry["status"]["failureReason"]
    assert entry["userPrincipalName"] == doctor["upn"]


def test_a_refused_card_is_told_by_a_page_like_others(playwright, world, tmp_path):
    """In a browser, which has this page from the host that asks for cards."""
    with CardReader(playwright, world, tmp_path / "home", world.demo["cards"]["refused"]["revoked"]) as chromium:
        page = chromium.browser.new_page()
        with arrivals() as listener:
            page.goto(psc(world, listener.uri))
            page.locator("button[name=way][value=certificate]").click()
            page.locator("main a.button.primary").click()
            page.get_by_text("AADSTS500183").wait_for(state="attached")
            check(page, "card-revoked")


def test_a_card_whose_list_cannot_be_fetched_is_refused(own_world):
    """Nobody knows whether it was revoked."""
    world = own_world
    place = "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations"
    (pki,) = graph(world, "GET", place).json()["value"]
    for authority in graph(world, "GET", f"{place}/{pki['id']}/certificateAuthorities").json()["value"]:
        nowhere = {"certificateRevocationListUrl": f"http://localhost:{world.base_port + 14}/nothing.crl"}
        answer = graph(world, "PATCH", f"{place}/{pki['id']}/certificateAuthorities/{authority['id']}", **nowhere)
        assert answer.status_code in (200, 204), answer.text
    doctor = world.user("doctor")
    person = Person(world, doctor["card"])
    answer = person.show(person.asked(URI, doctor["upn"]))
    assert answer.status_code == 400 and "AADSTS220501" in answer.text, answer.text
    entry = log(world)
    assert entry["status"]["errorCode"] == 220501
    assert "certificate-list-unavailable" in entry["status"]["failureReason"]
    assert entry["userPrincipalName"] == doctor["upn"]


def test_no_card_is_a_page_as_well(world):
    person = Person(world)
    answer = person.show(person.asked(URI, world.user("doctor")["upn"]))
    assert answer.status_code == 400 and "AADSTS50192" in answer.text, answer.text
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("path", ["/x/certauth", "/assets/hygie.css", "/nothing"])
def test_no_connection_to_the_host_that_asks_for_cards_stays_open(world, path):
    # A browser that kept one would be let in by a card that is no longer there.
    answer = requests.get(f"{world.demo['endpoints']['certauth']}{path}", verify=world.ca, timeout=30)
    assert answer.headers["connection"] == "close"


def test_a_hand_over_is_of_one_browser_and_used_once(world):
    doctor = world.user("doctor")
    person, thief = Person(world, doctor["card"]), Person(world, doctor["card"])
    thief.asked(URI, doctor["upn"])
    over = person.show(person.asked(URI, doctor["upn"])).headers["Location"]
    assert over.startswith(world.login)
    stolen = thief.session.get(over, allow_redirects=False, timeout=30)
    assert "AADSTS50089" in stolen.text
    over = person.show(person.asked(URI, doctor["upn"])).headers["Location"]
    back = person.session.get(over, allow_redirects=False, timeout=30)
    if back.status_code == 200 and "answer" in back.text:
        # The terms of use, which the doctor accepts once.
        back = person.agree(back)
    assert "code" in parse_qs(urlsplit(back.headers["Location"]).query), back.text
    again = person.session.get(over, allow_redirects=False, timeout=30)
    assert "AADSTS50089" in again.text


TRUST = "directory/publicKeyInfrastructure/certificateBasedAuthConfigurations"


@pytest.fixture
def hinted(own_world):
    """A world whose tenant has browsers told of the authority that issues cards, and of no other one."""
    world = own_world
    (pki,) = graph(world, "GET", TRUST).json()["value"]
    place = f"{TRUST}/{pki['id']}/certificateAuthorities"
    for authority in graph(world, "GET", place).json()["value"]:
        is_issuing = authority["certificateAuthorityType"] == "intermediate"
        answer = graph(world, "PATCH", f"{place}/{authority['id']}", isIssuerHintEnabled=is_issuing)
        assert answer.status_code == 204, answer.text
    method = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/X509Certificate"
    change = {"@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethodConfiguration"}
    answer = graph(world, "PATCH", method, **change, issuerHintsConfiguration={"state": "enabled"})
    assert answer.status_code in (200, 204), answer.text
    return world


def names_asked_for(world, name, version):
    """What the handshake under a name says of authorities: what `openssl s_client` reads in the request for a certificate."""
    command = ["openssl", "s_client", "-connect", f"localhost:{world.base_port + 2}", "-servername", name, "-CAfile", world.ca]
    checked = ["-verify_hostname", name, "-verify_return_error", version]
    ran = subprocess.run([*command, *checked], input="", capture_output=True, text=True, timeout=30, check=False)
    assert "Verify return code: 0 (ok)" in ran.stdout, ran.stdout + ran.stderr
    if "No client certificate CA names sent" in ran.stdout:
        return []
    listed = ran.stdout.split("Acceptable client certificate CA names\n")[1]
    return re.findall(r"^C ?= ?FR.*$", listed.split("Requested Signature Algorithms")[0], re.MULTILINE)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_handshake_names_the_authorities_under_the_name_of_the_tenant_alone(hinted, version):
    tenant = hinted.demo["tenants"]
    names = {which: names_asked_for(hinted, f"t{one['id']}.certauth.localhost", version) for which, one in enumerate(tenant)}
    assert [re.sub(" ?= ?", "=", name) for name in names.pop(0)] == ["C=FR, O=HYGIE-TEST, CN=HYGIE TEST AC PERSONNES"]
    assert names and not any(names.values()), names
    assert names_asked_for(hinted, "localhost", version) == []


def test_a_browser_offers_the_cards_of_the_authorities_that_it_is_told_of(playwright, hinted, tmp_path):
    """A card of another authority is not even asked about; the doctor's card opens Pro Sante Connect."""
    tenant = hinted.demo["tenants"][0]["id"]
    cards = {"unknown": hinted.demo["cards"]["refused"]["unknown"], "doctor": hinted.user("doctor")["card"]}
    for which, card in cards.items():
        with CardReader(playwright, hinted, tmp_path / which, card) as chromium:
            page = chromium.browser.new_page()
            with arrivals() as listener:
                page.goto(psc(hinted, listener.uri))
                page.locator("button[name=way][value=certificate]").click()
                link = page.locator("main a.button.primary")
                address = link.get_attribute("href")
                assert urlsplit(address).netloc == f"t{tenant}.certauth.localhost:{hinted.base_port + 2}"
                link.click()
                if which == "doctor":
                    assert "code" in listener.next_with_terms(page)
                else:
                    # Without hints it would be shown, and refused as one of an unknown authority.
                    page.get_by_text("AADSTS50192").wait_for(state="attached")
