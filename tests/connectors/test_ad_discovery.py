"""A domain is found before anybody has signed in to it."""

from __future__ import annotations

import socket

from directories import RealDomain
from onroll_connectors.targets.ad_discovery import discover, domain_of, root_of
from samba import Samba


def test_a_domain_controller_tells_its_domain_to_anyone(samba: Samba) -> None:
    found = discover(samba.env["AD_HOST"])
    assert found is not None
    assert (found.name, found.root) == ("school.test", samba.root)
    assert found.server.lower().endswith(".school.test")


def test_the_root_of_the_domain_is_told_after_signing_in(samba: Samba) -> None:
    world = RealDomain(samba=samba)
    assert root_of(world.settings(base="DC=unknown")) == samba.root
    world.clear()


def test_where_no_directory_answers_there_is_none() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        assert discover("127.0.0.1", unused.getsockname()[1]) is None


def test_a_root_is_read_as_a_name() -> None:
    assert domain_of("DC=School,DC=test") == "school.test"
