"""Means of identification in a real browser: codes, passkeys, the page of one's own, and what policies ask for."""

from chromium import arrivals, sign_in
from means import authenticator, prove
from test_pages import authorize, check, person  # noqa: F401  (a fixture)
from test_security import forgotten  # noqa: F401  (a fixture)


def psc(world, uri, **more):
    return authorize(world, uri, client_id=world.app("PSC_BAS")["client_id"], scope="openid", **more)


def test_a_second_factor_that_an_application_asks_for(world, person):  # noqa: F811
    # Whoever has a card would be asked for it.
    secretary = world.user("secretary")
    with arrivals() as listener:
        person.goto(authorize(world, listener.uri, acr_values="mfa"))
        sign_in(person, secretary)
        person.locator("input[name=proof]").wait_for()
        check(person, "code")
        person.locator("input[name=proof]").fill("")
        person.locator("main button.primary").click()
        check(person, "code-missing")
        prove(person, secretary)
        assert "code" in listener.next(person)
    assert person.complaints == []


def test_a_passkey_is_registered_and_opens_pro_sante_connect(world, person, forgotten):  # noqa: F811
    # Whoever has a card would be asked for it.
    secretary = world.user("secretary")
    forgotten.append(secretary)
    with authenticator(person), arrivals() as listener:
        # A password alone does not open it, and neither does a code: FA01-ProSantéConnect.
        person.goto(psc(world, listener.uri))
        sign_in(person, secretary)
        person.get_by_text("AADSTS50079").wait_for(state="attached")
        check(person, "no-strong-means")
        # To the page of one's own means: the password was given just now, the code is asked for.
        person.locator("main a.button.primary").click()
        check(person, "code-for-the-page")
        prove(person, secretary)
        check(person, "security-information")
        person.locator("button[name=step][value=passkey]").click()
        check(person, "new-passkey")
        person.locator("[data-passkey-button]").click()
        person.locator("main .notice, main .success").first.wait_for()
        check(person, "passkey-added")
        # And now it opens.
        person.goto(psc(world, listener.uri, prompt="login", login_hint=secretary["upn"]))
        person.locator("button[name=way][value=passkey]").click()
        check(person, "passkey")
        person.locator("[data-passkey-button]").click()
        assert "code" in listener.next_with_terms(person)
    # The page that says what is missing is an answer to a request that was refused.
    assert [each for each in person.complaints if "status of 400" not in each] == []
