"""Headless Chromium with the demo's authority in its own certificate store, and what a person does in it."""

import http.server
import json
import os
import subprocess
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

EXECUTABLE = os.environ.get("HYGIE_CHROMIUM", "/usr/bin/chromium")
# Chromium speaks to its maker's services at start; here it can reach this machine only.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.hygie.test 127.0.0.1, MAP hygie.test 127.0.0.1, MAP *.certauth.localhost 127.0.0.1, "
    "MAP * ~NOTFOUND, EXCLUDE localhost",
]


class Chromium:
    """One browser; each context is a person who has never been here."""

    def __init__(self, playwright, ca, home):
        self.playwright, self.ca, self.home = playwright, ca, home

    def __enter__(self):
        store = self.home / ".pki/nssdb"
        store.mkdir(parents=True)
        database = ["certutil", "-d", f"sql:{store}"]
        subprocess.run([*database, "-N", "--empty-password"], check=True)
        subprocess.run([*database, "-A", "-t", "C,,", "-n", "demo", "-i", self.ca], check=True)
        self.browser = self.playwright.chromium.launch(
            executable_path=EXECUTABLE, args=ARGUMENTS, env={**os.environ, "HOME": str(self.home)}
        )
        return self

    def __exit__(self, *_):
        self.browser.close()

    def context(self, locale="en-GB", scheme="light", width=1280):
        context = self.browser.new_context(
            locale=locale, color_scheme=scheme, viewport={"width": width, "height": 800}
        )
        context.set_default_timeout(30_000)
        return context

    def with_settings(self, directory, settings):
        """The one context of a second browser, in which a person, or the policy of the house, changed settings."""
        (directory / "Default").mkdir(parents=True)
        (directory / "Default/Preferences").write_text(json.dumps(settings))
        context = self.playwright.chromium.launch_persistent_context(
            str(directory), executable_path=EXECUTABLE, args=ARGUMENTS, env={**os.environ, "HOME": str(self.home)}
        )
        context.set_default_timeout(30_000)
        return context


def sign_in(page, user, password=None):
    """Answers the two questions of the sign-in pages."""
    page.locator("input[name=username]:visible").fill(user["upn"])
    page.locator("main button.primary").click()
    page.locator("input[type=password]").fill(password or user["password"])
    page.locator("main button.primary").click()


def connect_device(page, login, code, user, answer="yes"):
    """Types the code of a device, signs in, and says whether the device is the person's."""
    page.goto(f"{login}/device")
    page.locator("input[name=user_code]").fill(code)
    page.locator("main button.primary").click()
    sign_in(page, user)
    page.locator(f"main button[name=answer][value={answer}]").click()
    page.locator("main h1").wait_for()


class Arrivals:
    """A loopback listener, as a native application has: keeps the parameters with which the browser comes back."""

    def __init__(self):
        self.seen = []
        arrivals = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.arrive(urlsplit(self.path).query)

            def do_POST(self):
                self.arrive(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def arrive(self, text):
                if members := parse_qs(text):
                    arrivals.seen.append({name: values[0] for name, values in members.items()})
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"You may close this page.")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next_with_terms(self, page):
        """Waits for the browser, and agrees to terms of use where they are asked for; gives the parameters."""
        page.wait_for_function(
            "uri => location.href.startsWith(uri) || document.querySelector('main button[value=accept]')", arg=self.uri
        )
        if not page.url.startswith(self.uri):
            page.locator("main button[value=accept]").click()
        return self.next(page)

    def next(self, page):
        """Waits for the browser; gives the parameters."""
        page.wait_for_url(f"{self.uri}/**")
        return self.seen[-1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def arrivals():
    listener = Arrivals()
    try:
        yield listener
    finally:
        listener.close()
