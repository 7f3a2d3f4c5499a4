"""What `onroll setup` prints of the rights in Active Directory, and what the page on it tells: both come of the one table."""

from __future__ import annotations

from pathlib import Path

from onroll_connectors.targets import active_directory
from onroll_connectors.targets.ad_rights import sentence, together

SETTINGS = active_directory.Settings.model_validate(
    {"server": "ldaps://dc1.school.test", "base": "OU=Milton Park,DC=school,DC=test", "write": ["department"],
     "user": "onroll@school.test", "password": "env:ONROLL_AD_PASSWORD"}
)  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "targets" / "active-directory.md"
_ON = {"base": "`base`", "groups": "the groups' OU", "names": "the domain, or `names_base`"}


def test_the_page_tells_the_rights_of_the_table_and_the_commands_that_setup_prints() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| right ")]
    table = active_directory.table(SETTINGS, True)
    assert rows == [f"| {sentence(some)} | {_ON[some[0].where]} | {some[0].purpose} |" for some in together(table)]
    printed = active_directory.grants(SETTINGS, ["teaching"])
    assert [line for line in lines if line.startswith("    ds")] == [
        each for each in printed if each.startswith("    ds")
    ]


def test_setup_prints_the_account_of_the_settings_and_what_they_ask_for() -> None:
    def printed(groups: tuple[str, ...] = (), **other: object) -> str:
        return "\n".join(active_directory.grants(SETTINGS.model_copy(update=other), groups))

    assert "group" not in printed()
    assert '"onroll@school.test:WP;extensionAttribute3;user"' in printed(identity_attribute="extensionAttribute3")
    assert "employeeID" not in printed(identity_attribute="extensionAttribute3")
    nested = printed(("year",), groups_place="All/Groups").splitlines()
    made = [line for line in nested if line.startswith("    dsadd")]
    assert [line.count("OU=") for line in made] == [2, 3]
    unnamed = printed(user="", kerberos=True, password=None)
    assert '"DOMAIN\\ACCOUNT:CC;user"' in unnamed and "Put the account under which onroll signs in" in unnamed
    assert '"SCHOOL\\onroll$:CC;user"' in printed(user="SCHOOL\\onroll$")
    twice = printed(write=["mail2", "info", "displayName"])
    assert twice.count(";info;") == twice.count(";displayName;") == 1
    embedded = active_directory.Settings(server="embedded:demo", base=SETTINGS.base)
    assert active_directory.grants(embedded) == ["The demo's own directory asks nobody for rights."]
