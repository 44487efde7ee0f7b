"""The guides of `docs/fr` and `docs/en` as a reader types them: their commands, and what they say these print."""

import re
from textwrap import dedent
from typing import NamedTuple

from world import REPOSITORY

# In the order in which they are walked: a guide may use what an earlier one made.
GUIDES = [
    ("README.md", "README.md"),
    ("portail.md", "portal.md"),
    ("annuaire.md", "directory.md"),
    ("applications.md", "applications.md"),
    ("acces-conditionnel.md", "conditional-access.md"),
    ("journaux.md", "logs.md"),
    ("pro-sante-connect.md", "pro-sante-connect.md"),
    ("moyens-identification.md", "means-of-identification.md"),
]
PARTS = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<fenced>.*?)^ *```$|`(?P<inline>[^`\n]+)`", re.M | re.S)
# What is in a sentence or a table and begins so is a command as well; `GET users` alone is not.
INLINE = ("api ", "send ", "REQUESTS_CA_BUNDLE=")
# What nobody can type as it is: the reader puts something of theirs in its place.
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}(?:-[A-Z]+)+\b|\bID\b|\bAAGUID\b|…|\b\w+\.ch\.example\b|@ch\.example")
# The French of a page and its English, in what a reader types: names that are given, files, and what is put in a place.
ENGLISH = {
    "Cadre de santé": "Ward manager", "Bloc opératoire": "Theatre", '"bloc"': '"theatre"', '"Bloc"': '"Theatre"',
    "example/retour": "example/back", ":soins:": ":care:", ":soins/": ":care/",
    "Dossier K7-42": "Record K7-42", '"confirmé"': '"confirmed"', "demande.py": "ask.py",
    "ID-DU-GROUPE": "ID-OF-THE-GROUP", "ID-DE-LA-PERSONNE-OU-DU-GROUPE": "ID-OF-THE-PERSON-OR-GROUP",
    "AAGUID-DU-PREMIER-MODELE": "AAGUID-OF-THE-FIRST-MODEL", "AAGUID-DU-SECOND-MODELE": "AAGUID-OF-THE-SECOND-MODEL",
    "AAGUID-LU-SUR-LE-POSTE": "AAGUID-READ-ON-THE-WORKSTATION", "ID-DE-L-AUTORITE": "ID-OF-THE-AUTHORITY",
    "NOM-DE-L-AUTORITE-EMETTRICE": "NAME-OF-THE-ISSUING-AUTHORITY", "ADRESSE-DE-SA-LISTE": "ADDRESS-OF-ITS-LIST",
    "RACINE.pem": "ROOT.pem", "EMETTRICE.pem": "ISSUING.pem", "AUTORITES.p7b": "AUTHORITIES.p7b",
    "LISTE.crl": "LIST.crl", "CARTE.pem": "CARD.pem", "docteur.p12": "doctor.p12",
    "cles-physiques": "hardware-keys", "Clés physiques": "Hardware keys", "Clé bleue": "Blue key",
    "IGC-Santé de test": "IGC-Santé, test", "Compte de secours": "Rescue account", '"secours"': '"rescue"',
    "secours@": "rescue@", "Site principal": "Main site", "AC30-Toutes-Bloc-HorsFrance": "AC30-All-Block-OutOfFrance",
    "AC10-Toutes-MFA-Global-HorsSite": "AC10-All-MFA-Global-Away", "Pilote": "Pilot", '"pilote"': '"pilot"',
    "Relais Tor": "Tor relay", "AC20-Toutes-MotDePasse-Risque": "AC20-All-Password-Risk",
    "Clés seulement": "Keys only", "Dossier sensible": "Sensitive record", "Charte informatique": "IT charter",
    "cgu.": "terms.", "connexions.ndjson": "sign-ins.ndjson", "Brouillon": "Draft",
    "--token-file jeton --app ID-APPLICATION": "--token-file token --app APPLICATION-ID",
    "secours1@": "emergency1@", "secours2@": "emergency2@", "strategies.json": "policies.json",
    "COLLEZ-TOUTE-L-ADRESSE": "PASTE-THE-WHOLE-ADDRESS",
}


class Command(NamedTuple):
    """What is typed, whether it is a block of its own, and what the page shows under it."""

    text: str
    is_block: bool
    shown: str | None


def parts(name):
    """Each block, and what is code in a sentence: (language or None, text, whether it stands right under the one before)."""
    page = (REPOSITORY / "docs" / name).read_text()
    end = 0
    for found in PARTS.finditer(page):
        follows = page[end : found.start()].isspace()
        if found["inline"] is None:
            yield found["language"], dedent(found["fenced"]), follows
        else:
            yield None, found["inline"], follows
        end = found.end()


def commands(name):
    """Each command of a page, in its order."""
    made = []
    for language, text, follows in parts(name):
        if language == "text" and follows:
            made[-1] = made[-1]._replace(shown=text)
        elif language == "sh":
            made.append(Command(text, True, None))
        elif language is None and text.startswith(INLINE) and "{…}" not in text:
            made.append(Command(text, False, None))
    return made


def program(name):
    """The program in Python that a page has the reader write."""
    [text] = [text for language, text, _ in parts(name) if language == "python" and "import requests" in text]
    return text


def in_english(text):
    """What the English page has in the place of this."""
    for french, english in ENGLISH.items():
        text = text.replace(french, english)
    return text.replace(" --lang en", "")


def is_as_shown(shown, printed):
    """Whether this is what the page shows: `…` is anything, within a line or lines of its own."""
    line = "".join(
        r"(?:.*\n)*?" if text.strip() == "…" else " *" + re.escape(text.strip()).replace("…", ".*") + "\n"
        for text in shown.splitlines()
    )
    return re.search(rf"^{line}", f"{printed}\n", re.M)
