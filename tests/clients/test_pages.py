"""The pages as people meet them: axe-core finds nothing, in both languages, light and dark, narrow and wide."""

from importlib.resources import files

import pytest
from chromium import arrivals, sign_in

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# The colours do not depend on the language: each is seen once.
LOOKS = [("fr-FR", "light"), ("en-GB", "dark")]
WIDTHS = (360, 768, 1280)


ERROR = {"fr": "Erreur\u202f:", "en": "Error:"}
# What a finger or a shaky hand must hit (WCAG 2.5.5).
TARGET = 44
SMALL = """least => [...document.querySelectorAll("button, summary, a.button, input:not([type=hidden])")]
  .map(each => ["checkbox", "radio"].includes(each.type) ? each.closest("label") ?? each : each)
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < least - 0.5)
  .map(each => each.outerHTML.slice(0, 120))"""
SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(seen => seen.getEntries().forEach(each => { sum += each.value; }))
    .observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => setTimeout(() => done(sum), 50));
})"""
WRONG = """() => [...document.querySelectorAll("[aria-invalid=true]")].map(each => [
  each === document.activeElement,
  (each.getAttribute("aria-describedby") ?? "").split(" ").map(id => document.getElementById(id)?.textContent).join(" "),
])"""


def check(page, name):
    """What `look` finds; errors are told and have the focus; there is a way on; nothing moved while the page loaded."""
    assert page.evaluate(SHIFT) < 0.01, f"{name} moves while it loads"
    language = page.evaluate("navigator.language")[:2]
    wrong = page.evaluate(WRONG)
    assert page.title().startswith(ERROR[language]) == bool(wrong), f"{name}: {page.title()}"
    assert all(focused and ERROR[language] in told for focused, told in wrong), f"{name}: {wrong}"
    assert page.locator("main :is(a, button):visible").count(), f"{name} is a dead end"
    look(page, name)


def look(page, name):
    """No finding of axe-core, no sideways scrolling, targets that are large enough, a title and a language."""
    language = page.evaluate("navigator.language")[:2]
    assert page.locator("html").get_attribute("lang") == language, name
    assert page.title().strip(), name
    page.evaluate(AXE)
    run = "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})"
    found = page.evaluate(run, RULES)
    assert found["passes"], name
    told = [f"{v['id']}: {v['help']} ({', '.join(str(n['target']) for n in v['nodes'])})" for v in found["violations"]]
    assert not told, f"{name}: {told}"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for size in ("200%", ""):
            page.evaluate("size => { document.documentElement.style.fontSize = size; }", size)
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{name} at {width} px {size} is {over} px too wide"
        assert page.evaluate(SMALL, TARGET) == [], f"{name} at {width} px"


def complain(page, message):
    # The loopback listener of the application is plain http; what it says of its own is no matter of ours.
    if message.type in ("error", "warning") and not message.location["url"].startswith("http://localhost"):
        page.complaints.append(f"{message.text} {message.location['url']}")


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def person(request, chromium):
    context = chromium.context(*request.param)
    page = context.new_page()
    # What a page asks of another host, or tells the console, is a finding as well.
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    page.on("pageerror", lambda problem: page.complaints.append(str(problem)))
    yield page
    context.close()


def authorize(world, uri, **more):
    client = world.app("demo-web")["client_id"]
    query = {
        "client_id": client,
        "response_type": "code",
        "redirect_uri": uri,
        "scope": f"openid {world.user_scope}",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        **more,
    }
    return f"{world.authority}/oauth2/v2.0/authorize?" + "&".join(f"{k}={v}" for k, v in query.items())


def test_signing_in_and_out(world, person):
    nurse = world.user("nurse")
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        check(person, "who")
        person.locator("main button.primary").click()
        check(person, "nobody was named")
        person.locator("input[name=username]:visible").fill(nurse["upn"])
        person.locator("main button.primary").click()
        person.locator("input[type=password]").wait_for()
        check(person, "password")
        person.locator("main button.primary").click()
        person.locator("[aria-invalid=true]").first.wait_for()
        check(person, "no password")
        person.locator("input[type=password]").fill("wrong")
        person.locator("main button.primary").click()
        person.locator("[aria-invalid=true]").first.wait_for()
        check(person, "wrong password")
        person.locator("input[type=password]").fill(nurse["password"])
        person.locator("main button.primary").click()
        assert "code" in listener.next(person)
        person.goto(authorize(world, listener.uri, prompt="select_account"))
        check(person, "choose an account")
        # A colleague at the same workstation.
        person.locator("main button.quiet").click()
        doctor = world.user("doctor")
        person.locator("input[name=username]:visible").wait_for()
        check(person, "another account")
        sign_in(person, doctor)
        assert "code" in listener.next(person)
    person.goto(world.login)
    check(person, "whose sessions")
    person.goto(f"{world.authority}/oauth2/v2.0/logout?logout_hint={doctor['upn']}")
    assert nurse["display_name"] in person.locator("main").inner_text()
    check(person, "one of two signed out")
    person.locator("main a.primary").click()
    person.wait_for_load_state()
    assert nurse["display_name"] not in person.locator("main").inner_text()
    check(person, "signed out")
    person.reload()
    check(person, "nobody to sign out")
    assert not person.complaints


def test_a_device(world, person):
    """The pages of who connects a device without a browser."""
    nurse = world.user("nurse")

    def code():
        client = world.app("demo-web")["client_id"]
        form = {"client_id": client, "scope": f"openid {world.user_scope}"}
        return world.post_form(f"{world.authority}/oauth2/v2.0/devicecode", **form).json()["user_code"]

    for answer, name in (("yes", "connected"), ("no", "declined")):
        person.goto(f"{world.login}/device")
        check(person, "code")
        person.locator("main button.primary").click()
        check(person, "no code")
        person.locator("input[name=user_code]").fill("BBB-BBB-BBB")
        person.locator("main button.primary").click()
        person.locator("[aria-invalid=true]").wait_for()
        check(person, "wrong code")
        person.locator("input[name=user_code]").fill(code().lower())
        person.locator("main button.primary").click()
        if answer == "yes":
            sign_in(person, nurse)
        else:
            person.locator("main button[name=account]").first.click()
        person.locator("main button[name=answer]").first.wait_for()
        check(person, "confirm")
        assert nurse["upn"] in person.locator("main").inner_text()
        person.locator(f"main button[name=answer][value={answer}]").click()
        person.locator("main button[name=answer]").first.wait_for(state="detached")
        check(person, name)
    assert not person.complaints


def test_a_locked_account(world, person):
    # One that no other test signs in with.
    person.goto(authorize(world, "http://localhost"))
    sign_in(person, world.user("emergency"), "wrong 0")
    for attempt in range(1, 11):
        person.locator("input[type=password]").fill(f"wrong {attempt}")
        person.locator("main button.primary").click()
        person.wait_for_load_state()
    told = person.locator(".field-error").inner_text()
    assert "verrouillé après" in told or "is locked" in told, told
    check(person, "locked")


@pytest.mark.parametrize("what", ["client_id", "redirect_uri"])
def test_a_refusal(world, person, what):
    wrong = {"client_id": "11111111-2222-3333-4444-555555555555", "redirect_uri": "https://thief.example/"}
    url = authorize(world, "http://localhost").replace(
        f"{what}=" + (world.app("demo-web")["client_id"] if what == "client_id" else "http://localhost"),
        f"{what}={wrong[what]}",
    )
    assert person.goto(url).status == 400
    assert person.url.startswith(world.login)
    check(person, what)


def test_other_refusals(world, person):
    usual = authorize(world, "http://localhost")
    unknown = usual.replace(world.tenant["id"], "hopital-inconnu.example")
    addresses = {
        "tenant": (unknown, 400),
        "personal accounts": (usual.replace(world.tenant["id"], "consumers"), 400),
        "not of this organisation": (usual.replace(world.tenant["id"], "organizations"), 400),
        "malformed": (usual.replace("client_id=", "client="), 400),
        "reloaded form": (f"{world.authority}/login", 400),
        "no such code": (f"{world.login}/error?code=1", 400),
        "a code": (f"{world.login}/error?code=50058", 200),
        "no such page": (f"{world.login}/nowhere", 404),
        "no such page of the portal": (f"{world.demo['endpoints']['portal']}/nowhere", 404),
    }
    for name, (address, status) in addresses.items():
        assert person.goto(address).status == status, name
        check(person, name)
    # Another method, by a form of ours that is bent.
    person.goto(world.demo["endpoints"]["portal"])
    person.locator("button[name=lang]").evaluate("each => { each.form.action = '/design'; each.form.submit(); }")
    person.wait_for_url("**/design")
    check(person, "method")


def test_a_page_that_is_no_longer_valid_leads_back(world, person):
    person.goto(authorize(world, "http://localhost"))
    person.context.clear_cookies()
    person.locator("input[name=username]:visible").fill(world.user("nurse")["upn"])
    person.locator("main button.primary").click()
    person.get_by_text("50089").wait_for(state="attached")
    check(person, "expired")
    person.locator("main a.primary").click()
    person.locator("input[name=username]:visible").wait_for()


def test_the_way_back_by_form(world, person):
    with arrivals() as listener:
        # The application answers nothing to show: the page that sends the form stays.
        person.route(f"{listener.uri}/**", lambda route: route.fulfill(status=204))
        person.goto(authorize(world, listener.uri, response_mode="form_post"))
        sign_in(person, world.user("nurse"))
        person.locator("form[data-autosubmit]").wait_for()
        check(person, "way back")


def test_an_application_without_consent(world, person):
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri))
        sign_in(person, world.user("nurse"))
        listener.next(person)
    asked = authorize(world, "http://localhost", scope="openid https://graph.microsoft.com/User.Read.All")
    assert person.goto(asked).status == 400
    check(person, "no consent")


def test_the_portal(world, person):
    assert person.goto(world.demo["endpoints"]["portal"]).status == 200
    check(person, "portal")
    person.locator("details.menu summary").click()
    look(person, "menu")
    # The page of the design system shows errors that nobody made.
    assert person.goto(world.demo["endpoints"]["portal"] + "/design").status == 200
    look(person, "design")
    assert not person.complaints


def test_the_switches_keep_the_page(world, page):
    page.goto(authorize(world, "http://localhost"))
    page.locator("input[name=username]:visible").fill(world.user("nurse")["upn"])
    page.locator("main button.primary").click()
    page.locator("input[type=password]").wait_for()
    page.locator("button[name=lang]").click()
    page.locator("html[lang=fr] input[type=password]").wait_for()
    assert world.user("nurse")["upn"] in page.locator(".account").inner_text()


def test_the_portal_works_with_the_keyboard_and_switches_language(world, page):
    page.goto(world.demo["endpoints"]["portal"])
    before = page.locator("html").get_attribute("lang")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        if 'name="lang"' in reached[-1] or 'value="fr"' in reached[-1]:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            break
    assert (before, page.locator("html").get_attribute("lang")) == ("en", "fr"), reached


def test_every_asset_comes_from_us_and_a_page_is_small(world, page):
    sizes, hosts = [], set()

    def seen(response):
        hosts.add(response.url.split("/")[2])
        sizes.append(len(response.body()))

    page.on("response", seen)
    page.goto(world.demo["endpoints"]["portal"])
    page.wait_for_load_state("networkidle")
    assert hosts == {world.demo["endpoints"]["portal"].split("/")[2]}
    assert 0 < sum(sizes) <= 150_000, sum(sizes)


def test_a_page_works_without_script(world, chromium):
    context = chromium.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with arrivals() as listener:
        page.goto(authorize(world, listener.uri))
        sign_in(page, world.user("doctor"))
        assert "code" in listener.next(page)
    context.close()
