"""The pages as people meet them: axe-core finds nothing, in both languages, light and dark, narrow and wide."""

from importlib.resources import files

import pytest
from chromium import arrivals, sign_in

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LOOKS = [(locale, scheme) for locale in ("fr-FR", "en-GB") for scheme in ("light", "dark")]
WIDTHS = (360, 768, 1280)


def check(page, name):
    """No finding of axe-core, no sideways scrolling, a title and a language."""
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
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{name} at {width} px is {over} px too wide"


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def person(request, chromium):
    context = chromium.context(*request.param)
    page = context.new_page()
    # What a page asks of another host, or tells the console, is a finding as well.
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
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
        person.locator("input[type=password]").fill("wrong")
        person.locator("main button.primary").click()
        person.locator("[aria-invalid=true]").first.wait_for()
        check(person, "wrong password")
        person.locator("input[type=password]").fill(nurse["password"])
        person.locator("main button.primary").click()
        assert "code" in listener.next(person)
        person.goto(authorize(world, listener.uri, prompt="select_account"))
        check(person, "choose an account")
    person.goto(f"{world.authority}/oauth2/v2.0/logout")
    leave = person.locator("main form button.primary")
    if leave.count():
        check(person, "leaving")
        leave.click()
        person.wait_for_load_state()
    check(person, "signed out")
    assert not person.complaints


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


def test_the_portal(world, person):
    assert person.goto(world.demo["endpoints"]["portal"]).status == 200
    check(person, "portal")
    assert not person.complaints


def test_the_portal_works_with_the_keyboard_and_switches_language(world, page):
    page.goto(world.demo["endpoints"]["portal"])
    before = page.locator("html").get_attribute("lang")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        if 'name="lang"' in reached[-1] or 'value="fr"' in reached[-1]:
            page.keyboard.press("Enter")
            page.wait_for_load_state()
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
