"""What a school has to click in Google Cloud and in its Admin console so that onroll can work, for these settings; what `onroll setup` prints of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from onroll_connectors.targets.google_rights import PREFIX, SCOPES, Needs, needs_of, privileges
from onroll_connectors.targets.google_settings import Settings
from onroll_core.people import GroupKind


def grants(settings: Settings, groups: Collection[str] = (), licences: bool = False) -> Sequence[str]:
    """Sentences, and commands, scopes and privileges to copy, which are indented. `groups` are the kinds that are looked after ("teaching");
    `licences` asks for nothing in Google Workspace."""
    if settings.credentials is None:
        return ["A sandbox asks nobody for rights."]
    needs = needs_of(settings, [GroupKind(kind) for kind in groups])
    lines = [
        "1. The service account. In a project of the school in Google Cloud (console.cloud.google.com; Cloud Shell takes these commands), with the"
        " name of the project for PROJECT:",
        f"    gcloud services enable admin.googleapis.com{' classroom.googleapis.com' if needs.courses else ''} --project PROJECT",
        "    gcloud iam service-accounts create onroll --project PROJECT",
        "    gcloud iam service-accounts keys create onroll-google.json --iam-account onroll@PROJECT.iam.gserviceaccount.com",
        "It needs no role in Google Cloud. Where a policy forbids keys of service accounts (iam.disableServiceAccountKeyCreation), it has to be lifted"
        f" for this project. onroll-google.json is what {settings.credentials.reference} refers to: nobody but onroll may read it; delete every other copy.",
    ]
    lines += _delegation(settings.subject, needs) if settings.subject is not None else _own_role(needs)
    return [*lines, "onroll check then says which right is missing, and what for."]


def _delegation(subject: str, needs: Needs) -> list[str]:
    asked = [each for each in SCOPES if each.asked(needs)]
    lines = [
        "2. The scopes. In the Admin console (admin.google.com), as a super administrator: Security, Access and data control, API controls, Manage"
        " domain-wide delegation, Add new. The client ID is the number after client_id in the key file (Google Cloud calls it the unique ID of the"
        " service account). The scopes are these, and no others, in one line:",
        f"    {','.join(PREFIX + each.name for each in asked)}",
        *(f"    {each.name}: {each.purpose}" for each in asked),
    ]
    if needs.courses:
        return [
            *lines,
            f"3. {subject}, for whom onroll acts, has to be a super administrator: Classroom knows no other administrators. It need not be an account that"
            " anybody uses; Classroom has to be switched on for it.",
        ]
    return [
        *lines,
        f"3. The role of {subject}, for whom onroll acts: an account of its own that nobody signs in with, and no super administrator. Account, Admin"
        " roles, Create new role; under Admin API privileges these, and no others:",
        *_listed(needs),
        "Admin roles, the new role, Assign role, Assign members: that account. No such role can change administrators; onroll leaves them alone.",
    ]


def _own_role(needs: Needs) -> list[str]:
    return [
        "2. Its role. In the Admin console (admin.google.com), as a super administrator: Account, Admin roles, Create new role; under Admin API"
        " privileges these, and no others:",
        *_listed(needs),
        "3. Admin roles, the new role, Assign role, Assign service accounts: the address after client_email in the key file. There is no domain-wide"
        " delegation to set up. No such role can change administrators; onroll leaves them alone.",
    ]


def _listed(needs: Needs) -> list[str]:
    return [f"    {each.console} ({each.name}): {each.purpose}" for each in privileges(needs)]
