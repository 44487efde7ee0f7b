"""The first start of an establishment: what a hospital has before anybody changed anything."""

from urllib.parse import urljoin

import pytest
from cluster import ADMINISTRATOR, PASSWORD, Cluster, Fields


class Untouched(Cluster):
    """One process over files, as the configuration makes it."""

    def configuration(self, process, chain, key):
        return super().configuration(process, chain, key).replace("security_defaults = false\n", "")

    @property
    def login(self):
        return self.processes[0].login


@pytest.fixture
def installation(tmp_path):
    installation = Untouched(tmp_path, files="[space]\nreserve_mib = 0\n")
    try:
        yield installation
    finally:
        installation.close()


def test_a_new_establishment_asks_for_two_factors(installation):
    """As a new tenant of Entra ID: a password alone opens nothing, and leads to the page of means."""
    [process] = installation.processes
    process.start()
    process.wait()
    with installation.browser() as browser:
        answer = installation.authorize(browser)
        for value in ({"username": ADMINISTRATOR}, {"username": ADMINISTRATOR, "password": PASSWORD}):
            action, members = Fields(answer.text).asked
            answer = browser.post(urljoin(answer.url, action), data={**members, **value}, allow_redirects=False, timeout=60)
    assert answer.status_code == 400 and "AADSTS50079" in answer.text, answer.text
    assert f"access &#39;{installation.fhir_app}&#39;" in answer.text, answer.text
    assert "Enregistrer un moyen" in answer.text, answer.text
