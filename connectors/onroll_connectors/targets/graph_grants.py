"""What a school has to click in Entra so that onroll can work, for these settings; what `onroll setup` prints of a tenant."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from onroll_connectors.targets.graph_rights import WIDE, rights, uses
from onroll_connectors.targets.graph_settings import Settings

KEY = (
    'openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 730 -subj "/CN=onroll" -keyout onroll.pem -out onroll.pem'
)
PUBLIC_PART = "openssl x509 -in onroll.pem -out onroll.cer"


def grants(settings: Settings, groups: Collection[str] = (), licences: bool = False) -> Sequence[str]:
    """Sentences, and commands and permissions to copy, which are indented. `groups` are the kinds that are looked after ("teaching")."""
    if settings.token is not None:
        return ["A sandbox asks nobody for rights."]
    asked = rights(
        uses(
            settings.create,
            groups,
            {str(kind): each for kind, each in settings.groups_as.items()},
            licences,
            settings.extra_fields,
        )
    )
    permissions = [each for each in asked if not each.role]
    lines = [
        "Everything is done in the Entra admin center (entra.microsoft.com) as somebody who may consent for the whole tenant: a Privileged Role"
        " Administrator or a Global Administrator.",
        f"1. The app. Under App registrations: the app {settings.client_id}. If it is not there yet: New registration, the name onroll, accounts in"
        " this organizational directory only, no redirect URI. Its Application (client) ID is client_id in onroll.toml, its Directory (tenant) ID"
        f" is tenant ({settings.tenant}).",
        *_proof(settings),
        "3. What it may do. API permissions, Add a permission, Microsoft Graph, Application permissions (not Delegated permissions): these, and no others.",
        *(f"    {each.name}: {each.purpose}{' (optional)' if each.without else ''}" for each in permissions),
        "Remove User.Read, which Entra gives to every new app. Where the tenant does not offer User.Create and User.ReadUpdate.All yet (they are of"
        f" July 2026), grant {WIDE} in place of everything that begins with User. (with a dot); it allows more than onroll uses.",
        "4. Consent. Grant admin consent, on the same page, or by this link; what was granted works in a new token, an hour later at most:",
        f"    {settings.authority.rstrip('/')}/{settings.tenant}/adminconsent?client_id={settings.client_id}",
    ]
    lines += [
        f"5. To {each.purpose}, Microsoft wants a role beside the permission: Roles & admins, {each.name}, Add assignments, the app. Choose an"
        " administrative unit that holds the pupils as its scope, if there is one, and not the whole directory. Leave both away where passwords are handed out elsewhere."
        for each in asked
        if each.role
    ]
    return [*lines, "onroll check then says which right is missing, and what for."]


def _proof(settings: Settings) -> list[str]:
    """How the app shows that it is itself."""
    if settings.certificate is None:
        where = settings.client_secret.reference if settings.client_secret is not None else "client_secret"
        return [
            f"2. Its secret. Certificates & secrets, Client secrets, New client secret; its Value (not its Secret ID) is what {where} refers to."
            " Entra shows it once. A certificate, which nobody can read off a screen, is better: certificate in place of client_secret."
        ]
    return [
        "2. Its certificate. Make one that is good for two years, and its public part:",
        f"    {KEY}",
        f"    {PUBLIC_PART}",
        "Upload onroll.cer under Certificates & secrets, Certificates. onroll.pem holds the private key: it is what"
        f" {settings.certificate.reference} refers to. Nobody but onroll may read it; delete every other copy. Note the day on which it ends:"
        " two certificates can be there at the same time, so the next one is uploaded before that.",
    ]
