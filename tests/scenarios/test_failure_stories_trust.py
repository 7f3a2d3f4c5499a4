"""The story of a pupil at two schools of a trust, each of which sends a record: one human, one account, and each school only ever takes its own groups."""

from __future__ import annotations

from pathlib import Path

from trust_days import EVERYWHERE, LOWER, MILTON, TrustDays, trust_days

HARRY = ("H801200001001", "Harry", "Potter")
MILTONS = {"Milton Park 7A", "Milton Park 7A-Ma", "Milton Park Year 2020", "Milton Park Students"}
LOWERS = {"Lower Park 7L", "Lower Park 7L-Ma", "Lower Park Year 2020", "Lower Park Students"}


def works(days: TrustDays) -> bool:
    (answer,) = set(days.enabled(days.person("Harry", "Potter")).values())
    return answer


def test_dual_registered_pupils_across_trust_schools(tmp_path: Path) -> None:
    """Story 19: both schools sent the pupil as their own: two accounts, and leaving one school disabled both. Here there is one, and it stays."""
    with trust_days(tmp_path) as days:
        days.milton.admits("17", *HARRY, "7", "7A")
        days.milton.admits("18", "H801200001002", "Ron", "Weasley", "7", "7A")
        days.milton.employs("MG", "Minerva", "McGonagall")
        days.lower.employs("PS", "Pomona", "Sprout")
        days.lower.admits("19", "H801200001004", "Neville", "Longbottom", "7", "7L")
        days.night()
        days.nothing_to_do()
        before = days.person("Harry", "Potter")

        # The second school sends him too, and both say that theirs is the main registration, as both offices do.
        days.milton.tells("17", Enrolment="M")
        days.lower.admits("90", *HARRY, "7", "7L", **{"Enrolment Status": "M"})
        nights = days.night()
        assert not any(
            one.tally["created"] or one.tally["moved"] or one.tally["updated"]
            for night in nights.values()
            for one in night.targets.values()
        )
        assert days.accounts("Harry", "Potter") == dict.fromkeys(EVERYWHERE, 1)
        assert days.groups("20hpotter") == MILTONS | LOWERS
        assert days.place("20hpotter") == "Milton Park/2020"
        # Whichever school is read first, and however often: the account does not go to and fro.
        for order in ((LOWER, MILTON), (MILTON, LOWER)):
            nights = days.night(*order)
            assert not any(sum(one.tally.values()) for night in nights.values() for one in night.targets.values())
        days.nothing_to_do()

        # The second school takes him off its roll: its groups lose him, and nothing else does.
        days.lower.tells("90", Leaving=days.today)
        nights = days.night()
        assert not any(one.tally["disabled"] for night in nights.values() for one in night.targets.values())
        assert (days.groups("20hpotter"), works(days)) == (MILTONS, True)
        days.nothing_to_do()

        # Back at both, and now the first one lets him go: the account goes over to the second, with its name, and works all the time.
        days.lower.tells("90", Leaving="")
        days.night()
        days.milton.tells("17", Leaving=days.today)
        for _ in range(2):
            nights = days.night()
            assert not any(
                one.tally["disabled"] or one.tally["created"]
                for night in nights.values()
                for one in night.targets.values()
            )
            assert works(days)
        after = days.person("Harry", "Potter")
        assert (after.id, after.username, after.email, after.school) == (
            before.id,
            before.username,
            before.email,
            LOWER,
        )
        assert {name: bond.anchor for name, bond in after.bonds.items()} == {
            name: bond.anchor for name, bond in before.bonds.items()
        }
        assert days.groups("20hpotter") == LOWERS
        days.nothing_to_do()

        # A school whose extract loses him does not take him away from where he is; and when both have let him go he is disabled, once.
        days.milton.pupils.pop("17")
        for _ in range(3):
            days.night()
            assert works(days)
        days.lower.tells("90", Leaving=days.today)
        days.night()
        assert not works(days)
        assert days.accounts("Harry", "Potter") == dict.fromkeys(EVERYWHERE, 1)
        days.nothing_to_do()
