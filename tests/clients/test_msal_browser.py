"""The library `@azure/msal-browser`, unmodified, in a page with the authority, `knownAuthorities` and an address to come
back to as its only settings."""

import functools
import http.server
import json
import threading
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
from chromium import sign_in
from nodes import MODULES

PAGES = Path(__file__).parent / "page"
LIBRARY = MODULES / "@azure/msal-browser/lib"
FILES = {
    "/": PAGES / "index.html",
    "/redirect.html": PAGES / "redirect.html",
    "/msal-browser.min.js": LIBRARY / "msal-browser.min.js",
    "/msal-redirect-bridge.min.js": LIBRARY / "redirect-bridge/msal-redirect-bridge.min.js",
}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}
DAY = 86400


class Site(http.server.BaseHTTPRequestHandler):
    """Serves the page, its library and its settings, nothing else."""

    def __init__(self, settings, *arguments):
        self.settings = settings
        super().__init__(*arguments)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/settings.js":
            self.reply(".js", f"const settings = {json.dumps(self.settings)};".encode())
        elif path in FILES:
            self.reply(FILES[path].suffix or ".html", FILES[path].read_bytes())
        else:
            self.send_error(404)

    def reply(self, suffix, body):
        self.send_response(200)
        self.send_header("Content-Type", TYPES[suffix])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(world):
    """The origin of the page: plain http on this machine, so another site than the login host."""
    settings = {}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Site, settings))
    origin = f"http://localhost:{server.server_port}"
    settings["auth"] = {
        "clientId": world.app("demo-spa")["client_id"],
        "authority": world.authority,
        "knownAuthorities": [urlsplit(world.login).netloc],
        "redirectUri": f"{origin}/redirect.html",
        "postLogoutRedirectUri": f"{origin}/",
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield origin
    server.shutdown()
    server.server_close()


def opened(page, site):
    """Loads the page; gives what it finds of a sign-in by redirect."""
    page.goto(site)
    return page.evaluate("ready")


def signed_in(page, world, site, name):
    """Signs a person in by redirect; gives what the page has then."""
    assert opened(page, site) is None
    page.evaluate("scopes => void app.loginRedirect({ scopes })", [world.user_scope])
    sign_in(page, world.user(name))
    page.wait_for_url(f"{site}/")
    return page.evaluate("ready")


def silently(page, scope, **request):
    """`acquireTokenSilent`; gives the result, or the code of the error and its text."""
    return page.evaluate(
        """async request => {
          request.account = app.getAllAccounts()[0];
          try { return await app.acquireTokenSilent(request) }
          catch (error) { return { error: error.errorCode, message: error.message } }
        }""",
        {"scopes": [scope], **request},
    )


def in_a_hidden_frame(page, scope, name):
    """`ssoSilent`: `prompt=none` in a frame that nobody sees."""
    return page.evaluate(
        """async request => {
          try { return await app.ssoSilent(request) }
          catch (error) { return { error: error.errorCode, message: error.message } }
        }""",
        {"scopes": [scope], "loginHint": name},
    )


def asked_to_sign_in(page, world):
    """Whether nobody is signed in to this browser."""
    page.evaluate("scopes => void app.acquireTokenRedirect({ scopes })", [world.user_scope])
    page.locator("input[name=username]:visible").wait_for()
    return page.url.startswith(world.login)


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_a_page_signs_a_person_in_and_renews_her_tokens(world, page, site):
    nurse = world.user("nurse")
    got = signed_in(page, world, site, "nurse")
    assert got["account"]["username"] == nurse["upn"]
    assert got["account"]["homeAccountId"] == f"{nurse['oid']}.{world.tenant['id']}"
    claims = said(got["accessToken"])
    assert (claims["oid"], claims["appidacr"], claims["scp"]) == (nurse["oid"], "0", "user_impersonation")
    assert world.call("GET", "Patient?_count=1", token=got["accessToken"]).status_code == 200

    kept = silently(page, world.user_scope)
    assert (kept["fromCache"], kept["accessToken"]) == (True, got["accessToken"])
    # By the refresh token: a request of the page to another origin, which its own type of address allows.
    with page.expect_response(f"{world.authority}/oauth2/v2.0/token*") as awaited:
        renewed = silently(page, world.user_scope, forceRefresh=True)
    assert (renewed["fromCache"], renewed["accessToken"] != got["accessToken"]) == (False, True)
    assert awaited.value.headers["access-control-allow-origin"] == site
    assert DAY - 120 < awaited.value.json()["refresh_token_expires_in"] <= DAY
    elsewhere = silently(page, world.app("demo-server")["scope"])
    assert said(elsewhere["accessToken"])["aud"] == world.app("demo-server")["client_id"]


@pytest.fixture
def lenient(chromium, tmp_path):
    """A page of a browser that sends cookies with what another site's page asks for, which Chromium does no more by
    itself."""
    context = chromium.with_settings(tmp_path / "profile", {"profile": {"cookie_controls_mode": 0}})
    yield context.new_page()
    context.close()


def test_a_page_without_tokens_asks_in_a_hidden_frame(world, lenient, site):
    nurse = world.user("nurse")
    opened(lenient, site)
    nobody = in_a_hidden_frame(lenient, world.user_scope, nurse["upn"])
    assert nobody["error"] == "login_required" and "AADSTS50058" in nobody["message"], nobody

    signed_in(lenient, world, site, "nurse")
    # Another tab has a store of its own: it knows nothing but that somebody may be signed in.
    other = lenient.context.new_page()
    opened(other, site)
    assert other.evaluate("app.getAllAccounts()") == []
    got = in_a_hidden_frame(other, world.user_scope, nurse["upn"])
    assert got["account"]["username"] == nurse["upn"], got
    assert world.call("GET", "Patient?_count=1", token=got["accessToken"]).status_code == 200
    # And without its cache and its refresh token.
    skip = other.evaluate("msal.CacheLookupPolicy.Skip")
    assert silently(other, world.user_scope, cacheLookupPolicy=skip)["account"]["username"] == nurse["upn"]
    # Another person is not signed in here.
    doctor = in_a_hidden_frame(other, world.user_scope, world.user("doctor")["upn"])
    assert doctor["error"] in ("login_required", "interaction_required"), doctor


def test_an_image_of_another_site_signs_nobody_out(world, lenient, site):
    """The same cookie comes along with it, and the browser says that it is for an image."""
    signed_in(lenient, world, site, "nurse")
    address = f"{world.authority}/oauth2/v2.0/logout"
    # The answer is no image, and the page is shown none of it.
    with lenient.expect_event("requestfailed", lambda request: request.url == address):
        lenient.evaluate("address => void (new Image().src = address)", address)
    nurse = world.user("nurse")["upn"]
    assert in_a_hidden_frame(lenient, world.user_scope, nurse)["account"]["username"] == nurse


def test_where_such_cookies_are_blocked_the_page_is_told_to_ask_the_person(world, page, site):
    """Without a word of a person in between, since the browser says who she is when she is sent to us."""
    signed_in(page, world, site, "nurse")
    blocked = in_a_hidden_frame(page, world.user_scope, world.user("nurse")["upn"])
    assert blocked["error"] == "login_required", blocked
    page.evaluate("scopes => void app.acquireTokenRedirect({ scopes })", [world.user_scope])
    page.wait_for_url(f"{site}/redirect.html*")
    page.wait_for_url(f"{site}/")
    assert page.evaluate("ready")["account"]["username"] == world.user("nurse")["upn"]


def test_a_person_signs_in_and_out_in_a_window_of_its_own(world, page, site):
    opened(page, site)
    with page.expect_popup() as awaited:
        page.evaluate("scopes => void (window.answer = app.loginPopup({ scopes }))", [world.user_scope])
    sign_in(awaited.value, world.user("doctor"))
    assert page.evaluate("answer")["account"]["username"] == world.user("doctor")["upn"]
    with page.expect_popup():
        page.evaluate(
            """() => void (window.answer = app.logoutPopup({
              account: app.getAllAccounts()[0],
              postLogoutRedirectUri: settings.auth.redirectUri,
            }))"""
        )
    page.evaluate("answer")
    assert page.evaluate("app.getAllAccounts()") == []
    assert asked_to_sign_in(page, world)


def test_signing_out_comes_back_to_the_page(world, page, site):
    signed_in(page, world, site, "nurse")
    page.evaluate("() => void app.logoutRedirect({ account: app.getAllAccounts()[0] })")
    page.wait_for_url(f"{site}/?state=*")
    page.evaluate("ready")
    assert page.evaluate("app.getAllAccounts()") == []
    assert asked_to_sign_in(page, world)


def test_a_page_of_another_origin_reads_nothing(world, page, site):
    """It has the refresh token of the page, by whatever means; its own origin is not registered."""
    signed_in(page, world, site, "nurse")
    with page.expect_response(f"{world.authority}/oauth2/v2.0/token*") as awaited:
        silently(page, world.user_scope, forceRefresh=True)
    form = {
        "client_id": world.app("demo-spa")["client_id"],
        "grant_type": "refresh_token",
        "refresh_token": awaited.value.json()["refresh_token"],
    }
    redeem = """async ([url, form]) => {
      const body = new URLSearchParams(form);
      try { return (await fetch(url, { method: "POST", body })).status } catch (error) { return error.name }
    }"""
    address = f"{world.authority}/oauth2/v2.0/token"
    assert page.evaluate(redeem, [address, form]) == 200
    page.goto(site.replace("localhost", "elsewhere.hygie.test"))
    assert page.evaluate(redeem, [address, form]) == "TypeError"
    # Nor may a program that is no page, and so sends no origin, redeem what a page was given.
    answer = world.post_form(address, **form)
    assert answer.json()["error_codes"] == [9002327], answer.text
