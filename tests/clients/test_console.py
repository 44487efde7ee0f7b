"""The console of administration, as an administrator and as somebody without a role meet it."""

import json
import os
import time
from datetime import UTC, datetime, timedelta

import msal
import requests
from chromium import arrivals, sign_in
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_consent import directory
from test_pages import SHIFT, authorize, check, look, person  # noqa: F401  (a fixture)


def shown(page, name):
    """What every page is looked at for; a picture of it where somebody asked for pictures."""
    check(page, name)
    if folder := os.environ.get("HYGIE_PICTURES"):
        language = page.evaluate("navigator.language")[:2]
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name.replace(' ', '-')}-{language}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def portal(world):
    return world.demo["endpoints"]["portal"]


def enter(world, page, user, path="/admin"):
    """Signs in on the way to a page of the console."""
    page.goto(f"{portal(world)}{path}")
    sign_in(page, user)
    page.locator("nav.nav").wait_for()


def test_people_and_groups(world, person):  # noqa: F811
    enter(world, person, world.user("administrator"))
    shown(person, "overview")
    assert person.locator(".who-name").inner_text().find(world.user("administrator")["display_name"]) >= 0
    person.locator("nav.nav ul ul a[href='/admin/users']").click()
    shown(person, "users")

    # A new person, found by search.
    person.locator("a.button.primary").click()
    shown(person, "new user")
    name = f"Zoé Martin {time.time_ns() % 100_000}"
    upn = f"zoe.{time.time_ns()}@{world.tenant['domain']}"
    person.locator("input[name=displayName]").fill(name)
    person.locator("input[name=userPrincipalName]").fill(upn)
    person.locator("input[name=password]").fill("short")
    person.locator("main button.primary").click()
    person.locator(".notice.danger").wait_for()
    assert person.locator("input[name=userPrincipalName]").input_value() == upn
    look(person, "a password that is too weak")
    person.locator("input[name=password]").fill("Cerisier-bleu-42-nuage")
    person.locator("main button.primary").click()
    person.get_by_role("heading", name=name).wait_for()
    shown(person, "user")
    person.goto(f"{portal(world)}/admin/users?q={upn[:12]}")
    assert person.locator("tbody th a").count() >= 1
    person.get_by_role("link", name=name).click()

    # A function, and a card that is bound; a binding of another form is refused.
    person.locator("details.more summary").nth(0).click()
    person.locator("input[name=jobTitle]").fill("Aide-soignante")
    look(person, "profile")
    person.locator("button[value=profile]").click()
    person.locator(".notice.success").wait_for()
    assert "Aide-soignante" in person.locator("dl.facts").first.inner_text()
    for card, outcome in (("8997", "danger"), (f"X509:<PN>{time.time_ns()}@carte-cps.fr", "success")):
        # The form that was refused is open, with what was typed.
        if not person.locator("textarea[name=cards]").is_visible():
            person.locator("details.more summary").nth(1).click()
        person.locator("textarea[name=cards]").fill(card)
        person.locator("button[value=cards]").click()
        person.locator(f".notice.{outcome}").wait_for()
    assert card in person.locator("dl.facts").first.inner_text()

    # A pass is shown once.
    person.locator("button[value=pass]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "pass")
    person.locator("button[value=disable]").click()
    person.locator("button[value=enable]").wait_for()

    # A group with this person in it.
    person.goto(f"{portal(world)}/admin/groups")
    person.locator("a.button.primary").click()
    shown(person, "new group")
    group = f"Cardiologie {time.time_ns()}"
    person.locator("input[name=displayName]").fill(group)
    person.locator("main button.primary").click()
    person.get_by_role("heading", name=group).wait_for()
    person.locator("input[name=member]").last.fill("nobody@nowhere.example")
    person.locator("button:has-text('groupe'), button:has-text('group')").last.scroll_into_view_if_needed()
    person.locator("form.filters button").click()
    person.locator(".notice.danger").wait_for()
    person.locator("form.filters input[name=member]").fill(upn)
    person.locator("form.filters button").click()
    person.locator(".notice.success").wait_for()
    assert name in person.locator("ul.choices").inner_text()
    shown(person, "group")
    person.goto(f"{portal(world)}/admin/groups")
    shown(person, "groups")

    # Deleted when the box says that it is meant.
    person.goto(f"{portal(world)}/admin/users?q={upn[:12]}")
    person.get_by_role("link", name=name).click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert not person.complaints


def further_conditions(person):
    """What stands below the common parts: kept, told in words, open where it is set, and refused in words."""
    person.goto(person.url.split("?")[0])
    person.locator("details.more").nth(0).locator("summary").first.click()

    def box(field, value):
        return person.locator(f"input[name={field}][value='{value}']")

    wanted = [
        ("except-guest", "serviceProvider"),
        ("except-platform", "iOS"),
        ("program", "browser"),
        ("filter-mode", "exclude"),
        ("sign-in-risk", "high"),
        ("user-risk", "medium"),
        ("flow", "deviceCodeFlow"),
        ("unit", "days"),
        ("persistent", "never"),
    ]
    for field, value in wanted:
        part = person.locator("form.policy details", has=box(field, value))
        if part.count() and part.get_attribute("open") is None:
            part.locator("summary").click()
        box(field, value).check()
    person.locator("textarea[name=filter-rule]").fill("device.nothing -eq")
    person.locator("form.policy button.primary").click()
    person.locator(".notice.danger").wait_for()
    assert "deviceFilter.rule" in person.locator(".notice.danger").inner_text()
    shown(person, "policy with a rule that is refused")
    person.locator("textarea[name=filter-rule]").fill('device.displayName -eq "Poste 7"')
    person.locator("form.policy button.primary").click()
    person.locator(".notice.success").wait_for()
    sentence = person.locator("p.sentence").inner_text()
    assert "iOS" in sentence and "Poste 7" in sentence, sentence
    person.locator("details.more").nth(0).locator("summary").first.click()
    for field, value in wanted:
        assert box(field, value).is_checked() and box(field, value).is_visible(), field
    look(person, "policy with further conditions")


def test_policies_in_words(world, person):  # noqa: F811
    enter(world, person, world.user("administrator"), "/admin/policies")
    shown(person, "policies")
    language = person.evaluate("navigator.language")[:2]
    told = person.locator("main").inner_text()
    assert ("une nouvelle connexion toutes les 4 heures" if language == "fr" else "a new sign-in every 4 hours") in told
    person.locator("li.card a").first.click()
    person.locator("h1").wait_for()
    shown(person, "policy")
    person.locator("a[href$='effect=1']").click()
    person.get_by_text("évaluée" if language == "fr" else "evaluated").first.wait_for()
    shown(person, "policy effect")

    # A new one by the form; nobody is asked more while it observes.
    person.goto(f"{portal(world)}/admin/policies/new")
    shown(person, "new policy")
    name = f"Pays {time.time_ns()}"
    person.locator("input[name=name]").fill(name)
    person.locator("textarea[name=people]").fill("Personne de ce nom")
    person.locator("main button.primary").click()
    person.locator(".notice.danger").wait_for()
    assert person.locator("input[name=name]").input_value() == name
    person.locator("textarea[name=people]").fill(world.user("secretary")["upn"])
    person.locator("textarea[name=except]").fill(world.user("emergency")["upn"])
    # All of the controls unless one is said to be enough, as Entra ID begins.
    assert person.locator("input[name=operator][value=AND]").is_checked()
    person.locator("input[name=unit][value=hours]").check()
    person.locator("input[name=count]").fill("8")
    person.locator("main button.primary").click()
    person.get_by_role("heading", name=name).wait_for()
    sentence = person.locator("p.sentence").inner_text()
    assert world.user("secretary")["display_name"] in sentence, sentence
    assert "8" in sentence, sentence
    person.locator("details.more").nth(0).locator("summary").first.click()
    assert person.locator("textarea[name=except]").input_value() == world.user("emergency")["upn"]
    look(person, "policy by form")

    # A draft is tried, and nothing of it is kept.
    person.locator("input[name=count]").fill("1")
    person.locator("button[value=try]").click()
    person.locator("#effect ~ p.soft").nth(1).wait_for()
    assert person.locator("input[name=count]").input_value() == "1"
    assert "8" in person.locator("p.sentence").inner_text()
    shown(person, "draft that is tried")

    # What it would do.
    person.goto(f"{portal(world)}/admin/what-if")
    shown(person, "what if")
    person.locator("input[name=person]").fill(world.user("secretary")["upn"])
    person.locator("select[name=application]").select_option(world.app("PSC_BAS")["client_id"])
    person.locator("main button.primary").click()
    person.locator("#applying").wait_for()
    applying = person.locator("section", has=person.locator("#applying")).inner_text()
    assert "AC01" in applying or "AC02" in applying, applying
    shown(person, "what if answered")

    person.goto(f"{portal(world)}/admin/policies")
    person.get_by_role("link", name=name).click()
    person.get_by_role("heading", name=name).wait_for()
    further_conditions(person)
    sentence = person.locator("p.sentence").inner_text()

    def delete():
        person.locator("input[name=sure]").check()
        person.locator("button[value=delete]").click()
        person.locator(".notice.success").wait_for()

    # What was deleted comes back as it was.
    delete()
    person.goto(f"{portal(world)}/admin/deleted?kind=policy")
    person.locator("li.choice", has_text=name).locator("button[value=restore]").click()
    person.get_by_role("heading", name=name).wait_for()
    assert person.locator("p.sentence").inner_text() == sentence
    delete()
    assert not person.complaints


def test_applications_and_the_log(world, person):  # noqa: F811
    enter(world, person, world.user("administrator"), "/admin/applications")
    shown(person, "applications")
    person.get_by_role("link", name="PSC_BAS").click()
    shown(person, "application")
    # Script that comes late moves nothing.
    person.route("**/hygie.*.js", lambda route: (time.sleep(0.5), route.continue_()))
    person.goto(f"{portal(world)}/admin/sign-ins")
    assert person.evaluate(SHIFT) == 0
    shown(person, "sign-ins")
    person.unroute("**/hygie.*.js")
    # A filter stays in the address; what it finds is a file.
    upn = world.user("administrator")["upn"]
    person.locator("input[name=q]").fill(upn)
    person.locator("select[name=outcome]").select_option("success")
    person.locator("details.more summary").click()
    person.locator("input[name=from]").fill("2020-01-01")
    person.locator("details.more button").click()
    person.wait_for_url("**from=2020-01-01**")
    assert person.locator("input[name=q]").input_value() == upn
    assert {upn} == set(person.locator("tbody td .soft").all_inner_texts())
    shown(person, "sign-ins found")
    for kind in ("csv", "ndjson"):
        with person.expect_download() as download:
            person.locator(f"a[download][href*='format={kind}']").click()
        assert download.value.suggested_filename == f"sign-ins.{kind}"
        lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
        if kind == "csv":
            assert lines.pop(0).startswith("createdDateTime"), lines
            assert all(upn in line for line in lines), lines
        else:
            found = [json.loads(line) for line in lines]
            assert {(one["userPrincipalName"], one["status"]["errorCode"]) for one in found} == {(upn, 0)}
        assert lines
    person.goto(f"{portal(world)}/admin/sign-ins?code=x")
    person.locator("#code-error").wait_for()
    look(person, "sign-ins with a wrong number")
    person.goto(f"{portal(world)}/admin/sign-ins")
    person.locator("tbody th a").first.click()
    person.locator("ol.steps").wait_for()
    steps = person.locator("ol.steps > li").all_inner_texts()
    assert len(steps) == 6, steps
    assert any("Mot de passe" in step or "Password" in step for step in steps), steps
    shown(person, "sign-in")
    person.goto(f"{portal(world)}/admin/gaps")
    person.locator("figure.chart svg").wait_for()
    shown(person, "missing factors")
    person.goto(f"{portal(world)}/admin/changes")
    person.locator("li.card").first.wait_for()
    shown(person, "changes")
    person.goto(f"{portal(world)}/admin/mails")
    shown(person, "mails")
    person.locator("textarea[name=security]").fill("nobody")
    person.locator("button[value=save]").click()
    person.locator(".notice.danger").wait_for()
    person.goto(f"{portal(world)}/admin/alerts")
    person.locator("li.choice").first.wait_for()
    shown(person, "alerts")
    person.locator(".session button").click()
    person.wait_for_url(f"{portal(world)}/")
    # The session of the console is over as well.
    person.goto(f"{portal(world)}/admin/users")
    person.locator("input[name=username]:visible, button.choice").first.wait_for()
    assert not person.complaints


def test_who_has_no_role_sees_and_changes_nothing_of_the_logs(world, person):  # noqa: F811
    enter(world, person, world.user("secretary"))
    shown(person, "overview without a role")
    answer = person.goto(f"{portal(world)}/admin/sign-ins")
    assert answer.status == 403
    check(person, "denied")


def test_nobody_administers_the_application_of_the_console(world):
    """It may do in every tenant what its person may: who could change its addresses could take that."""
    app, graph = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", world.demo["endpoints"]["graph"]
    client = world.app("directory-admin")
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        scope=f"{graph}/.default",
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def ask(method, path, **more):
        return requests.request(method, f"{graph}/v1.0{path}", headers=headers, verify=world.ca, timeout=30, **more)

    assert ask("GET", f"/applications?$filter=appId eq '{app}'").json()["value"] == []
    (present,) = ask("GET", f"/servicePrincipals?$filter=appId eq '{app}'").json()["value"]
    assert present["appOwnerOrganizationId"] not in [tenant["id"] for tenant in world.demo["tenants"]]
    change = {"spa": {"redirectUris": ["https://evil.example/"]}}
    for address in (f"/applications/{present['id']}", f"/applications(appId='{app}')"):
        assert ask("PATCH", address, json=change).status_code in (404, 501)
        assert ask("POST", f"{address}/addPassword", json={}).status_code in (404, 501)


def test_pro_sante_connect(world, person, tmp_path):  # noqa: F811
    """What is there is judged; what is missing is made, once; a file is judged."""
    administrator = world.user("administrator")
    enter(world, person, administrator, "/admin/pro-sante-connect")
    shown(person, "psc")
    assert person.locator("#now ~ p .tag.success").count() == 1, person.locator("main").inner_text()

    # The policy is taken away, and made again by the page; the strength is there and stays.
    person.locator("li.choice", has_text="AC02-ProSantéConnect").locator("a").click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    person.goto(f"{portal(world)}/admin/pro-sante-connect")
    assert person.locator("#now ~ p .tag.danger").count() == 1
    shown(person, "psc not ready")
    person.locator("textarea[name=emergency]").fill("nobody@nowhere.example")
    person.locator("main button.primary").click()
    person.locator(".notice.danger").wait_for()
    look(person, "psc with an unknown account")
    person.locator("textarea[name=emergency]").fill(world.user("emergency")["upn"])
    person.locator("main button.primary").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("#now ~ p .tag.success").count() == 1
    assert person.locator("li.choice .tag.success").count() >= 2

    export = tmp_path / "export.json"
    policy = {"displayName": "AC02-ProSantéConnect-Essai", "state": "disabled", "conditions": {"clientAppTypes": ["all"]}}
    export.write_text(json.dumps({"value": [policy]}))
    person.locator("input[name=export]").set_input_files(export)
    person.locator("#check ~ form button").click()
    person.locator("#file").wait_for()
    assert person.locator("#file ~ p .tag.danger").count() == 1
    shown(person, "psc file")
    assert not person.complaints


def authority(name):
    """A root authority of this name, in PEM form, and its revocation list, in DER form."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now, public = datetime.now(UTC), key.public_key()
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    usage |= {"key_cert_sign": True, "crl_sign": True, "encipher_only": False, "decipher_only": False}
    certificate = x509.CertificateBuilder(named, named, public, x509.random_serial_number(), now, now + timedelta(days=2))
    certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = certificate.add_extension(x509.KeyUsage(**usage), critical=True)
    certificate = certificate.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    found = x509.CertificateRevocationListBuilder(named, now, now + timedelta(days=1))
    found = found.add_extension(x509.CRLNumber(1), critical=False)
    found = found.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    pem = certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return pem, found.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_trust_and_methods(world, person):  # noqa: F811
    """Authorities with their lists, what would happen to a card, and the methods policy."""
    language = None
    enter(world, person, world.user("administrator"), "/admin/trust")
    language = person.evaluate("navigator.language")[:2]
    shown(person, "trust")

    def attempt(card):
        person.locator("input[name=certificate]").set_input_files(world.data / card["certificate"])
        person.locator("button[value=try]").click()
        person.locator(".notice").first.wait_for()

    doctor = world.user("doctor")
    attempt(doctor["card"])
    assert doctor["display_name"] in person.locator(".notice.success").inner_text()
    assert "→" in person.locator("dl.facts").inner_text()
    shown(person, "card tried")
    # The card is of one person, whoever's name is typed before; what the log would say of it is told.
    for user, outcome in ((doctor, "success"), (world.user("administrator"), "danger")):
        person.locator("input[name=userPrincipalName]").fill(user["upn"])
        attempt(doctor["card"])
        person.locator(f".notice.{outcome}, .notice.warning").first.wait_for()
        assert person.locator("input[name=userPrincipalName]").input_value() == user["upn"]
        assert (doctor["display_name"] in person.locator(".notice").first.inner_text()) == (user is doctor)
        assert "multiFactorAuthentication" in person.locator("dl.facts").inner_text()
    shown(person, "card tried by name")
    person.locator("input[name=userPrincipalName]").fill("")
    attempt(world.demo["cards"]["refused"]["revoked"])
    words = "mise en opposition" if language == "fr" else "reported lost"
    assert words in person.locator(".notice.danger").inner_text()
    look(person, "revoked card tried")

    # The list of the issuing authority is fetched now, and counts.
    person.locator("li.choice a").last.click()
    person.locator("dl.facts").wait_for()
    shown(person, "authority")
    if person.locator("button[value=refresh]").count():
        person.locator("button[value=refresh]").click()
        person.locator(".notice").first.wait_for()
        look(person, "authority checked")

    # A store from its making to its end; what is no certificate is refused.
    person.goto(f"{portal(world)}/admin/trust")
    name = f"IGC {time.time_ns()}"
    person.locator("input[name=name]").fill(name)
    person.locator("button[value=create]").click()
    person.get_by_role("heading", name=name).wait_for()
    shown(person, "new store")
    person.locator("input[name=certificate]").set_input_files(world.data / doctor["card"]["certificate"])
    person.locator("button[value=add]").click()
    person.locator(".notice.danger").wait_for()

    # An authority that is one, and its list as a file: it counts at once.
    certificate, content = authority(name)
    file = {"name": "root.pem", "mimeType": "application/x-x509-ca-cert", "buffer": certificate}
    person.locator("input[name=certificate]").set_input_files(file)
    person.locator("select[name=kind]").select_option("root")
    person.locator("button[value=add]").click()
    person.locator(".notice.success").wait_for()
    person.locator("li.choice a").click()
    person.locator("dl.facts").wait_for()
    assert person.locator(".heading .tag.warning").count() == 1
    file = {"name": "root.crl", "mimeType": "application/pkix-crl", "buffer": content}
    person.locator("details.more", has=person.locator("input[name=list]")).locator("summary").click()
    person.locator("input[name=list]").set_input_files(file)
    person.locator("button[value=upload]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator(".heading .tag.success").count() == 1
    shown(person, "authority with a list")
    for marked in (True, False):
        person.locator("details.more", has=person.locator("input[name=hint]")).locator("summary").click()
        person.locator("input[name=hint]").set_checked(marked)
        person.locator("button[value=hint]").click()
        person.locator(".notice.success").wait_for()
        assert person.locator("input[name=hint]").is_checked() == marked
    person.locator("main p a").first.click()
    person.get_by_role("heading", name=name).wait_for()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert name not in person.locator("main").inner_text()

    person.goto(f"{portal(world)}/admin/methods")
    shown(person, "methods")
    model = "2fc0579f-8113-47ea-b116-bb5a8db9202a"
    for method in ("Fido2", "TemporaryAccessPass", "X509Certificate", "WindowsHelloForBusiness"):
        person.goto(f"{portal(world)}/admin/methods/{method}")
        shown(person, f"method {method}")
    before = person.locator("textarea[name=aaguids]").input_value()
    person.locator("textarea[name=aaguids]").fill("no model")
    person.locator("button[value=save]").click()
    person.locator(".notice.danger").wait_for()
    person.locator("textarea[name=aaguids]").fill(before)
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    person.goto(f"{portal(world)}/admin/methods/Fido2")
    person.locator("select[name=models]").select_option("block")
    person.locator("textarea[name=aaguids]").fill(model)
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("textarea[name=aaguids]").input_value() == model
    assert person.locator("select[name=models]").input_value() == "block"
    person.locator("select[name=models]").select_option("any")
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    person.goto(f"{portal(world)}/admin/methods/X509Certificate")
    bindings = [person.locator(f"select[name=field-{number}]").input_value() for number in range(1, 3)]
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    assert bindings == [person.locator(f"select[name=field-{number}]").input_value() for number in range(1, 3)]
    for hinted in (True, False):
        person.locator("input[value=hints]").set_checked(hinted)
        person.locator("button[value=save]").click()
        person.locator(".notice.success").wait_for()
        assert person.locator("input[value=hints]").is_checked() == hinted
    person.locator("details.more summary").click()
    person.locator("textarea[name=document]").fill("{")
    person.locator("button[value=document]").click()
    person.locator(".notice.danger").wait_for()
    assert not person.complaints


def proof():
    """The key of an application, and its certificate, both in PEM form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "serveur")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        named, named, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2)
    ).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, *form), certificate.public_bytes(pem)


def test_registrations(world, person, tmp_path):  # noqa: F811
    """An application is registered, gets a secret that is shown once and that opens the door, and is deleted."""
    enter(world, person, world.user("administrator"), "/admin/applications/new")
    shown(person, "new application")
    name = f"Dossier {time.time_ns()}"
    person.locator("input[name=name]").fill(name)
    person.locator("input[name=client]").fill("00000000-0000-0000-0000-00000000beef")
    person.locator("button[value=present]").click()
    person.locator(".notice.danger").wait_for()
    person.locator("input[name=name]").fill(name)
    person.locator("textarea[name=addresses]").fill("http://evil.example/")
    person.locator("button[value=create]").click()
    person.locator(".notice.danger").wait_for()
    assert person.locator("input[name=name]").input_value() == name
    person.locator("textarea[name=addresses]").fill("https://dossier.example/callback")
    person.locator("button[value=create]").click()
    person.get_by_role("heading", name=name).wait_for()
    assert person.locator("textarea[name=web]").input_value() == "https://dossier.example/callback"
    person.locator("input[name=secret-name]").fill("serveur 1")
    person.locator("button[value=secret]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "secret")
    client, secret = person.locator("dl.facts code").all_inner_texts()
    answer = world.post_form(
        f"{world.authority}/oauth2/v2.0/token",
        grant_type="client_credentials",
        client_id=client,
        client_secret=secret,
        scope=f"{world.demo['endpoints']['graph']}/.default",
    )
    assert answer.status_code == 200, answer.text
    address = person.url
    person.goto(address)
    assert secret not in person.content()
    shown(person, "registration")
    person.locator("textarea[name=spa]").fill("https://dossier.example/page")
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("textarea[name=spa]").input_value() == "https://dossier.example/page"
    person.locator("button[value=remove-secret]").click()
    person.locator(".notice.success").wait_for()

    # A way to a token that is closed at first, with its warning.
    for count in (1, 0):
        person.locator("details.more summary").click()
        person.locator("input[value=isPasswordGrantEnabled]").click()
        person.locator("button[value=grants]").click()
        person.locator(".notice.success").wait_for()
        assert person.locator(".notice.warning").count() == count
    look(person, "ways to a token")

    # A certificate opens the door, and no more once it is removed; a token of another issuer is named.
    person.locator("a[href$='/credentials']").click()
    shown(person, "credentials")
    key, certificate = proof()
    (tmp_path / "a.pem").write_bytes(certificate)
    person.locator("input[name=certificate]").set_input_files(tmp_path / "a.pem")
    person.locator("input[name=certificate-name]").fill("serveur 2")
    person.locator("button[value=certificate]").click()
    person.locator(".notice.success").wait_for()

    def ask():
        browser = requests.Session()
        browser.verify = world.ca
        credential = {"private_key": key.decode(), "public_certificate": certificate.decode()}
        door = msal.ConfidentialClientApplication(
            client, credential, world.authority, instance_discovery=False, http_client=browser
        )
        return door.acquire_token_for_client([f"{world.demo['endpoints']['graph']}/.default"])

    assert "access_token" in (answer := ask()), answer
    person.locator("input[name=name]").fill("gitlab-main")
    person.locator("input[name=subject]").fill("project_path:soins/agenda")
    person.locator("input[name=issuer]").fill("http://gitlab.example")
    person.locator("button[value=federated]").click()
    person.locator(".notice.danger").wait_for()
    assert person.locator("input[name=name]").input_value() == "gitlab-main"
    person.locator("input[name=issuer]").fill("https://gitlab.example")
    person.locator("button[value=federated]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "credentials that are there")
    for step in ("remove-federated", "remove-certificate"):
        person.locator(f"button[value={step}]").click()
        person.locator(".notice.success").wait_for()
    assert "access_token" not in ask()
    person.goto(f"{portal(world)}/admin/applications?q={name}")
    person.get_by_role("link", name=name).click()
    # It gets a permission for everybody, and loses it; one that is not there is refused.
    api = person.locator("select[name=resource] option", has_text="Directory API").first.get_attribute("value")
    for kind, permission, outcome in (
        ("own", "No.Such", "danger"),
        ("delegated", "User.Read", "success"),
        ("own", "User.Read.All", "success"),
    ):
        person.locator("details.more summary").first.click()
        person.locator("select[name=resource]").select_option(api)
        person.locator("select[name=kind]").select_option(kind)
        person.locator("textarea[name=permissions]").fill(permission)
        person.locator("button[value=grant]").click()
        person.locator(f".notice.{outcome}").wait_for()
    for step in ("revoke-consent", "revoke-permission"):
        person.locator(f"button[value={step}]").click()
        person.locator(".notice.success").wait_for()
    # Somebody is assigned to it, and is not any more.
    person.locator("details.more summary").nth(1).click()
    person.locator("input[name=member]").fill("Nobody of this name")
    person.locator("button[value=assign]").click()
    person.locator(".notice.danger").wait_for()
    person.locator("details.more summary").nth(1).click()
    person.locator("input[name=member]").fill(world.user("secretary")["upn"])
    person.locator("button[value=assign]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "assigned")
    person.locator("button[value=unassign]").click()
    person.locator(".notice.success").wait_for()
    person.locator("a[href^='/admin/registrations/']").click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert not person.complaints


def test_strengths_places_terms_and_templates(world, person, tmp_path):  # noqa: F811
    """What policies refer to is made, changed and deleted; a policy is made of a template."""
    enter(world, person, world.user("administrator"), "/admin/strengths")
    shown(person, "strengths")
    person.locator("a.button.primary").click()
    shown(person, "new strength")
    name = f"Force {time.time_ns()}"
    person.locator("input[name=name]").fill(name)
    person.locator("button[value=create]").click()
    person.locator(".notice.danger").wait_for()
    assert person.locator("input[name=name]").input_value() == name
    person.locator("input[value=fido2]").check()
    person.locator("button[value=create]").click()
    person.get_by_role("heading", name=name).wait_for()
    person.locator("input[value=x509CertificateMultiFactor]").check()
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    person.locator("details.more summary").click()
    person.locator("textarea[name=values]").fill("2fc0579f-8113-47ea-b116-bb5a8db9202a")
    person.locator("button[value=narrow]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "strength")
    person.locator("button[value=widen]").click()
    person.locator(".notice.success").wait_for()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert name not in person.locator("main").inner_text()

    person.goto(f"{portal(world)}/admin/locations/new")
    shown(person, "new location")
    place = f"Site {time.time_ns()}"
    person.locator("input[name=name]").fill(place)
    person.locator("textarea[name=lines]").fill("192.0.2.0/33")
    person.locator("button[value=create]").click()
    person.locator(".notice.danger").wait_for()
    person.locator("textarea[name=lines]").fill("192.0.2.0/24\n2001:db8::/32")
    person.locator("input[value=trusted]").check()
    person.locator("button[value=create]").click()
    person.get_by_role("link", name=place).wait_for()
    shown(person, "locations")
    person.get_by_role("link", name=place).click()
    assert person.locator("textarea[name=lines]").input_value() == "192.0.2.0/24\n2001:db8::/32"
    shown(person, "location")
    person.locator("input[value=trusted]").uncheck()
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    person.get_by_role("link", name=place).click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()

    person.goto(f"{portal(world)}/admin/terms")
    shown(person, "terms")
    person.locator("a.button.primary").click()
    shown(person, "new terms")
    terms = f"Charte {time.time_ns()}"
    (tmp_path / "charte.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (tmp_path / "charte.txt").write_bytes(b"charte")
    person.locator("input[name=name]").fill(terms)
    person.locator("input[name=document]").set_input_files(tmp_path / "charte.txt")
    person.locator("button[value=create]").click()
    person.locator(".notice.danger").wait_for()
    person.locator("input[name=document]").set_input_files(tmp_path / "charte.pdf")
    person.locator("input[name=days]").fill("90")
    person.locator("button[value=create]").click()
    person.get_by_role("heading", name=terms).wait_for()
    assert "90" in person.locator("dl.facts").inner_text()
    person.locator("input[name=document]").set_input_files(tmp_path / "charte.pdf")
    person.locator("select[name=language]").select_option("en")
    person.locator("button[value=add]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("section", has=person.locator("#files")).locator("li.choice").count() == 2
    shown(person, "terms of use")
    with person.expect_download() as download:
        person.locator("section", has=person.locator("#files")).locator("a").first.click()
    assert download.value.path().read_bytes() == b"%PDF-1.4\n%%EOF\n"
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()

    person.goto(f"{portal(world)}/admin/templates")
    shown(person, "templates")
    assert person.locator("li.choice").count() == 17
    person.locator("li.choice button").nth(2).click()
    person.locator(".notice.success").wait_for()
    assert person.locator(".heading .tag.success").count() == 0, "it observes, or is disabled"
    shown(person, "policy of a template")
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert not person.complaints


def test_roles(world, person):  # noqa: F811
    """A role is given and taken; somebody stays who administers the tenant."""
    enter(world, person, world.user("administrator"), "/admin/roles")
    shown(person, "roles")
    language = person.evaluate("navigator.language")[:2]
    person.get_by_role("link", name="Lecteur de rapports" if language == "fr" else "Reports reader").click()
    person.locator("input[name=member]").fill("nobody@nowhere.example")
    person.locator("button[value=give]").click()
    person.locator(".notice.danger").wait_for()
    secretary = world.user("secretary")
    person.locator("input[name=member]").fill(secretary["upn"])
    person.locator("button[value=give]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "role")
    person.locator("li.choice", has_text=secretary["display_name"]).locator("button[value=take]").click()
    person.locator(".notice.success").wait_for()
    assert secretary["display_name"] not in person.locator("main").inner_text()
    assert not person.complaints


def test_deleted_and_invited(world, person):  # noqa: F811
    """A group comes back with its page, and goes for ever; a guest is invited by a link that is shown once."""
    enter(world, person, world.user("administrator"), "/admin/groups/new")
    name = f"Urgences {time.time_ns()}"
    person.locator("input[name=displayName]").fill(name)
    person.locator("main button.primary").click()
    person.get_by_role("heading", name=name).wait_for()

    def delete():
        person.locator("input[name=sure]").check()
        person.locator("button[value=delete]").click()
        person.locator(".notice.success").wait_for()
        person.goto(f"{portal(world)}/admin/deleted?kind=group")
        # The youngest may stand on another page.
        while not person.get_by_role("link", name=name).count():
            person.locator("a[rel=next]").click()

    delete()
    shown(person, "deleted")
    person.get_by_role("link", name=name).click()
    shown(person, "deleted group")
    person.locator("button[value=restore]").click()
    person.locator(".notice.success").wait_for()
    person.get_by_role("heading", name=name).wait_for()
    assert "/admin/groups/" in person.url
    delete()
    person.get_by_role("link", name=name).click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert name not in person.locator("main").inner_text()

    person.goto(f"{portal(world)}/admin/users/invite")
    shown(person, "invite")
    guest = world.demo["tenants"][1]["users"][1]["upn"]
    for address, outcome in (("nobody@nowhere.example", "danger"), (guest, "success")):
        person.locator("input[name=address]").fill(address)
        person.locator("button[value=invite]").click()
        person.locator(f".notice.{outcome}").wait_for()
    link = person.locator("dl.facts code").inner_text()
    assert link.startswith(f"{world.demo['endpoints']['login']}/{world.tenant['id']}/redeem?ticket="), link
    shown(person, "invited")
    person.locator(".heading a.button").click()
    person.locator("input[name=sure]").check()
    person.locator("button[value=delete]").click()
    person.locator(".notice.success").wait_for()
    assert not person.complaints


def test_risk_and_settings(world, person):  # noqa: F811
    """Risk is said and dismissed, a risk of sign-ins added and withdrawn; sessions that live long are warned of."""
    enter(world, person, world.user("administrator"), "/admin/risk")
    shown(person, "risk")
    secretary = world.user("secretary")
    for who, outcome in (("nobody@nowhere.example", "danger"), (secretary["upn"], "success")):
        person.locator("input[name=person]").fill(who)
        person.locator("select[name=level]").select_option("medium")
        person.locator("button[value=report]").click()
        person.locator(f".notice.{outcome}").wait_for()
    shown(person, "people at risk")
    person.get_by_role("link", name=secretary["display_name"]).click()
    shown(person, "person at risk")
    person.locator("button[value=safe]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("button[value=dismiss]").count() == 0
    assert person.locator("section[aria-labelledby=history] li").count() >= 2
    shown(person, "person who is safe")

    person.goto(f"{portal(world)}/admin/risk")
    person.locator("details.more summary").click()
    person.locator("textarea[name=ranges]").fill("198.51.100.0/24")
    person.locator("input[name=description]").fill("Bulletin 42")
    person.locator("button[value=supply]").click()
    person.locator(".notice.success").wait_for()
    shown(person, "supplied risk")
    person.locator("button[value=withdraw]").click()
    person.locator(".notice.success").wait_for()
    assert "Bulletin 42" not in person.locator("main").inner_text()

    person.goto(f"{portal(world)}/admin/settings")
    shown(person, "settings")
    for longest, outcome, warnings in (("10", "danger", 0), ("300", "success", 1), ("240", "success", 0)):
        person.locator("input[name=longest]").fill(longest)
        person.locator("button[value=sessions]").click()
        person.locator(f".notice.{outcome}").wait_for()
        assert person.locator("input[name=longest]").input_value() == longest
        assert person.locator(".notice.warning").count() == warnings
    for is_told in (True, False):
        person.locator("input[name=claim][value=amr]").set_checked(is_told)
        person.locator("button[value=claims]").click()
        person.locator(".notice.success").wait_for()
        assert person.locator("input[name=claim][value=amr]").is_checked() == is_told
    person.locator("select[name=consent]").select_option("")
    person.locator("button[value=people]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("select[name=consent]").input_value() == ""
    person.locator("select[name=consent]").select_option("microsoft-user-default-low")
    person.locator("button[value=people]").click()
    person.locator(".notice.success").wait_for()

    person.goto(f"{portal(world)}/admin/passwords")
    shown(person, "passwords")
    for threshold, outcome in (("0", "danger"), ("5", "success"), ("10", "success")):
        person.locator("input[name=threshold]").fill(threshold)
        person.locator("button[value=save]").click()
        person.locator(f".notice.{outcome}").wait_for()
        assert person.locator("input[name=threshold]").input_value() == threshold
    person.locator("textarea[name=banned]").fill("Saint-Luc")
    # Somebody else says another number of days meanwhile, which stays.
    directory(world, "PATCH", "policies/signInProtectionPolicy", json={"firstPasswordLifetimeInDays": 3})
    person.locator("button[value=save]").click()
    person.locator(".notice.success").wait_for()
    assert person.locator("input[name=first]").input_value() == "3"
    person.locator("input[name=first]").fill("5")
    usual = {"firstPasswordLifetimeInDays": 7, "bannedPasswords": []}
    directory(world, "PATCH", "policies/signInProtectionPolicy", json=usual)
    person.locator("button[value=save]").click()
    person.locator(".notice.warning").wait_for()
    assert person.locator("input[name=first]").input_value() == "7"
    assert not person.complaints


def grants(world):
    """What is given for everybody: the scope by the id of the grant."""
    found = directory(world, "GET", "oauth2PermissionGrants").json()["value"]
    return {grant["id"]: grant["scope"] for grant in found if grant["consentType"] == "AllPrincipals"}


def test_consents(world, person, chromium):  # noqa: F811
    """People ask for a consent, with a reason; an administrator refuses and says why, or gives it to everybody."""
    before = grants(world)
    enter(world, person, world.user("administrator"), "/admin/settings")
    other = chromium.context("fr-FR")
    nurse = other.new_page()
    policy = "policies/adminConsentRequestPolicy"
    principal = f"servicePrincipals(appId='{world.app('demo-web')['client_id']}')"
    try:
        person.locator("select[name=asking]").select_option("on")
        person.locator("button[value=requests]").click()
        person.locator(".notice.success").wait_for()
        with arrivals() as listener:
            asked = authorize(world, listener.uri, scope="openid https://graph.microsoft.com/Group.Read.All")
            for step, field in (("deny", "refusal"), ("block", "blocking"), ("approve", "approval")):
                nurse.goto(asked)
                if step == "deny":
                    sign_in(nurse, world.user("nurse"))
                nurse.locator("[name=reason]").fill("Pour le service")
                nurse.locator("main button.primary").click()
                nurse.locator("a[href*=myapplications]").first.wait_for()
                person.goto(f"{portal(world)}/admin")
                shown(person, "overview with a request")
                person.locator("main li.choice a[href='/admin/consents']").click()
                shown(person, "consents")
                person.locator(".tag.warning").first.wait_for()
                person.locator("main li.choice a").first.click()
                assert "Group.Read.All" in person.locator("main").inner_text()
                assert "Pour le service" in person.locator("main").inner_text()
                shown(person, f"consent to {step}")
                if step == "block":
                    person.locator("details:has(button[value=block]) summary").click()
                person.locator(f"input[name={field}]").fill("Vu avec la DSI")
                person.locator(f"button[value={step}]").click()
                person.locator(".notice.success").wait_for()
                assert person.locator(f"button[value={step}]").count() == 0
                assert "Vu avec la DSI" in person.locator("main").inner_text()
                shown(person, f"consent after {step}")
                if step == "block":
                    # Nobody signs in to it or asks for it, until it is enabled.
                    nurse.goto(asked)
                    nurse.get_by_text("AADSTS7000112").wait_for(state="attached")
                    directory(world, "PATCH", principal, json={"accountEnabled": True}).raise_for_status()
            given = grants(world)
            assert any("Group.Read.All" in scope for key, scope in given.items() if before.get(key) != scope), given
    finally:
        other.close()
        directory(world, "PATCH", principal, json={"accountEnabled": True}).raise_for_status()
        directory(world, "PUT", policy, json={"isEnabled": False, "requestDurationInDays": 30}).raise_for_status()
        for key, scope in grants(world).items():
            if key not in before:
                directory(world, "DELETE", f"oauth2PermissionGrants/{key}").raise_for_status()
            elif before[key] != scope:
                directory(world, "PATCH", f"oauth2PermissionGrants/{key}", json={"scope": before[key]}).raise_for_status()
    assert not person.complaints
