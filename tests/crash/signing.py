"""The part of the load that signs people in: passwords, sessions, codes, refresh tokens, signing out."""

import base64
import hashlib
import html
import re
from urllib.parse import parse_qs, urljoin, urlsplit

from history import DONE, UNKNOWN, Person, expect, send, session, text

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://localhost"
KEPT = 6


class Gone(Exception):
    """No answer came: the process is gone, or the request was refused."""


class Signing:
    """An application and the people who sign in to it, one after the other."""

    def __init__(self, world, history, random):
        self.world, self.history, self.random = world, history, random
        self.client = session(world)
        self.app = world.app("demo-web")["client_id"]

    def run(self, over):
        """Until it is over or nobody answers any more."""
        try:
            while not over.is_set():
                self.one()
        except Gone:
            pass

    def one(self):
        """Somebody signs in, works on, and sometimes leaves."""
        person = self.sign_in()
        self.redeem(person, self.authorize(person))
        for _ in range(self.random.randint(0, 2)):
            self.refresh(person)
        if self.random.random() < 0.3:
            self.redeem(person, self.authorize(person), is_kept=False)
        if self.random.random() < 0.3:
            self.leave(person)

    def ask(self, client, method, url, **options):
        outcome, answer = send(client, method, url, **options)
        if outcome != DONE:
            raise Gone(outcome)
        return answer

    def request(self, **other):
        return {
            "client_id": self.app, "response_type": "code", "redirect_uri": REDIRECT, "code_challenge": CHALLENGE,
            "code_challenge_method": "S256", "scope": f"openid offline_access {self.world.user_scope}", **other,
        }

    def authorize_url(self):
        return f"{self.world.authority}/oauth2/v2.0/authorize"

    def sign_in(self):
        """By password, in a new browser."""
        user = self.world.user(self.random.choice(["nurse", "doctor", "secretary"]))
        browser = session(self.world)
        page = self.ask(browser, "GET", self.authorize_url(), params=self.request())
        page = self.submit(browser, page, username=user["upn"])
        # Whatever comes of it: the session is known to be there when the answer was heard.
        answer = self.submit(browser, page, username=user["upn"], password=user["password"])
        expect(answer.status_code == 303 and code_of(answer), text(answer))
        person = Person(browser)
        self.history.people.append(person)
        self.history.count("sign-in")
        return person

    def submit(self, browser, page, **members):
        """The form of the page that has the last of these members."""
        last = list(members)[-1]
        form = next(form for form in re.findall(r"<form.*?</form>", page.text, re.S) if f'name="{last}"' in form)
        hidden = re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form)
        fields = {html.unescape(name): html.unescape(value) for name, value in hidden}
        action = html.unescape(re.search(r'action="([^"]*)"', form)[1])
        return self.ask(browser, "POST", urljoin(page.url, action), data={**fields, **members})

    def authorize(self, person):
        """A code by the session alone."""
        answer = self.ask(person.browser, "GET", self.authorize_url(), params=self.request(prompt="none"))
        code = code_of(answer)
        expect(code, "a session that was there is gone:", answer.headers.get("Location"))
        self.history.count("sign-in")
        return code

    def token(self, **form):
        return send(self.client, "POST", f"{self.world.authority}/oauth2/v2.0/token", data={"client_id": self.app, **form})

    def redeem(self, person, code, is_kept=True):
        """Redeems a code. One that is not kept is tried again after a restart, which ends what it gave."""
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        outcome, answer = self.token(**grant)
        outcome = self.history.outcome(outcome, answer)
        if outcome != DONE:
            (person.used_codes if outcome == UNKNOWN else person.unused_codes).append((code, None))
            raise Gone(outcome)
        self.history.count("sign-in")
        if is_kept:
            person.refresh = answer.json()["refresh_token"]
        else:
            person.used_codes.append((code, answer.json()["refresh_token"]))

    def refresh(self, person):
        outcome, answer = self.token(grant_type="refresh_token", refresh_token=person.refresh)
        if outcome != DONE:
            raise Gone(outcome)
        self.history.count("sign-in")
        person.refresh = answer.json()["refresh_token"]

    def leave(self, person):
        person.is_signed_in = None
        cookies = person.browser.cookies.copy()
        self.ask(person.browser, "GET", f"{self.world.authority}/oauth2/v2.0/logout")
        # A browser that kept its cookie all the same.
        person.browser.cookies = cookies
        person.is_signed_in = False
        self.history.count("sign-in")

    def check(self):
        """After a restart: sessions, refresh tokens and codes are what they were."""
        for person in self.history.people:
            self.check_person(person)
        del self.history.people[:-KEPT]

    def check_person(self, person):
        answer = self.ask(person.browser, "GET", self.authorize_url(), params=self.request(prompt="none"))
        if person.is_signed_in is not None:
            expect(bool(code_of(answer)) == person.is_signed_in, "signed in:", person.is_signed_in, answer.headers)
        person.is_signed_in = bool(code_of(answer))
        if person.refresh:
            outcome, answer = self.token(grant_type="refresh_token", refresh_token=person.refresh)
            expect(outcome == DONE, "a refresh token that was given is refused:", text(answer))
            person.refresh = answer.json()["refresh_token"]
        for token in person.revoked:
            self.expect_refused(grant_type="refresh_token", refresh_token=token)
        for code, given in person.used_codes:
            grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
            if given is None:
                # Nobody knows whether it was used; afterwards it was.
                _, answer = self.token(**grant)
                expect(answer is not None and answer.status_code in (200, 400), text(answer))
            self.expect_refused(**grant)
            if given:
                self.expect_refused(grant_type="refresh_token", refresh_token=given)
                person.revoked.append(given)
        person.used_codes = []
        for code, _ in person.unused_codes:
            self.redeem(person, code, is_kept=False)
        person.unused_codes = []

    def expect_refused(self, **form):
        outcome, answer = self.token(**form)
        expect(answer is not None and answer.status_code == 400, form["grant_type"], "was taken again:", outcome)
        expect(answer.json()["error"] == "invalid_grant", answer.text)


def code_of(answer):
    """The code in the address to which the browser is sent, if there is one."""
    members = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    return members.get("code", [None])[0]
