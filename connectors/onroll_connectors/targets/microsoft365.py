"""Microsoft 365 through Microsoft's own SDK: authentication, request builders and transport are the SDK's, the `$batch` document is ours.

The SDK's batch loses the bodies of its answers (kiota-python#737), and its retry sends a create a second time: neither is used. Bodies are our own JSON,
because a model that clears a property sends Python's name for it. Answers are read as JSON: the SDK spends some 5 ms a user on models nobody needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlsplit

from onroll_connectors.targets.graph_asks import (
    Answer,
    Ask,
    AssignLicences,
    CreateUser,
    Delta,
    GroupDelta,
    ListDeleted,
    ListGroups,
    ListUsers,
    MakeClass,
    MakeGroup,
    MakeTeam,
    More,
    PatchGroup,
    PatchUser,
    PutIn,
    ReadOrganization,
    ReadUser,
    Restore,
    RevokeSessions,
    TakeOut,
)
from onroll_connectors.targets.graph_grants import grants
from onroll_connectors.targets.graph_json import answer_of, claim, read_json
from onroll_connectors.targets.graph_problems import sign_in_problem
from onroll_connectors.targets.graph_settings import Settings
from onroll_connectors.targets.graph_target import Microsoft365, Options
from onroll_core.accounts import Anchor
from onroll_core.contracts import Context, Target
from onroll_core.errors import Halt
from onroll_core.people import GroupKind

if TYPE_CHECKING:
    from kiota_abstractions.authentication import AccessTokenProvider
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.generated.models.user import User
    from msgraph.generated.users.item.assign_license.assign_license_post_request_body import (
        AssignLicensePostRequestBody,
    )

__all__ = ["Settings", "connect", "grants"]

_NOBODY = Anchor("-")
EVERY_KIND: tuple[Ask, ...] = (
    *(ListUsers(()), ListDeleted(()), ListGroups(()), Delta(()), ReadUser(_NOBODY, ()), ReadOrganization()),
    *(CreateUser({}), PatchUser(_NOBODY, {}), RevokeSessions(_NOBODY), Restore(_NOBODY)),
)
OF_GROUPS: tuple[Ask, ...] = (
    *(GroupDelta(()), MakeGroup({}), MakeClass({}), MakeTeam({}), PatchGroup(_NOBODY, {})),
    *(PutIn(_NOBODY, each, "-") for each in ("members", "owners", "teachers")),
    *(TakeOut(_NOBODY, each, "-") for each in ("members", "owners", "teachers")),
)
OF_LICENCES: tuple[Ask, ...] = (AssignLicences(_NOBODY, {}),)
_CONNECT_SECONDS, _ANSWER_SECONDS = 30.0, 100.0
_MICROSOFT = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")
_PAGE = {"Prefer": "odata.maxpagesize=999"}
_ADVANCED = {"ConsistencyLevel": "eventual"}


def connect(settings: Settings, context: Context) -> Target:
    """A tenant as a target; nothing is sent yet. Raises Halt when a secret cannot be had."""
    options = Options(
        settings.base,
        settings.identity,
        frozenset(settings.extra_fields),
        settings.create,
        settings.usage_location,
        settings.writes_per_window,
        settings.domain,
        {GroupKind(kind): made_as for kind, made_as in settings.groups_as.items()},
    )
    wire = GraphWire(settings, bool(context.groups), context.licences)
    return Microsoft365(options, context, wire, wire.roles, wire.entra_roles)


class GraphWire:
    """The way to Graph through the SDK (see graph_asks.Wire): one event loop, one client, kept for the life of a run."""

    def __init__(self, settings: Settings, groups: bool = True, licences: bool = True) -> None:
        import asyncio
        import ssl
        import warnings

        import httpx
        from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider
        from kiota_http.middleware.options import RetryHandlerOption
        from msgraph.graph_request_adapter import GraphRequestAdapter, options
        from msgraph.graph_service_client import GraphServiceClient
        from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

        self._settings = settings
        self._tokens, self._forget_tokens = _token_provider(settings)
        self._runner = asyncio.Runner()
        self._closed = False
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            http2=not settings.loopback,
            trust_env=not settings.loopback,
            # The machine's own certificate store: schools inspect TLS. A sandbox without TLS has nothing to verify.
            verify=ssl.create_default_context() if settings.base.startswith("https:") else False,
            base_url=settings.base,
        )
        # The SDK's transport wraps these and does not close them (msgraph-core 1.5.2).
        self._transports = [self._http._transport, *filter(None, self._http._mounts.values())]  # noqa: SLF001
        retry = RetryHandlerOption(should_retry=False)
        GraphClientFactory.create_with_default_middleware(
            client=self._http, options={**options, RetryHandlerOption.get_key(): retry}
        )
        self._adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(self._tokens), self._http)
        self._adapter.base_url = settings.base
        self._client = GraphServiceClient(request_adapter=self._adapter)
        with warnings.catch_warnings():
            # Each module of request builders warns of a class of its own when it is first imported: that happens here, once.
            warnings.simplefilter("ignore", DeprecationWarning)
            for ask in (*EVERY_KIND, *OF_GROUPS[: None if groups else 0], *OF_LICENCES[: None if licences else 0]):
                self._request(ask)

    def send(self, ask: Ask) -> Answer:
        """One request."""
        return self._runner.run(self._send(self._request(ask)))

    def batches(self, batches: Sequence[Sequence[Ask]]) -> list[list[Answer]]:
        """Several `$batch` documents of at most 20 parts at the same time."""
        return self._runner.run(self._batches(batches))

    def roles(self) -> frozenset[str] | None:
        """The permissions that the token names; None when it is not one that tells (a sandbox's)."""
        return self._claim("roles")

    def entra_roles(self) -> frozenset[str] | None:
        """The templates of the Entra roles that the token names; None when it tells none."""
        return self._claim("wids")

    def _claim(self, name: str) -> frozenset[str] | None:
        from azure.core.exceptions import ClientAuthenticationError

        try:
            token: str = self._runner.run(self._tokens.get_authorization_token(self._settings.base))
        except ClientAuthenticationError as failure:
            raise Halt(sign_in_problem(str(failure.message), self._settings.client_id)) from None
        return claim(token, name)

    def close(self) -> None:
        """Let go of connections; may be called twice."""
        if not self._closed:
            self._closed = True
            self._runner.run(self._let_go())
            self._runner.close()
            self._forget_tokens()

    async def _let_go(self) -> None:
        await self._http.aclose()
        for transport in self._transports:
            await transport.aclose()

    async def _batches(self, batches: Sequence[Sequence[Ask]]) -> list[list[Answer]]:
        import asyncio

        return list(await asyncio.gather(*(self._batch(batch) for batch in batches)))

    async def _batch(self, asks: Sequence[Ask]) -> list[Answer]:
        from kiota_abstractions.method import Method
        from kiota_abstractions.request_information import RequestInformation

        document = {"requests": [_part(at, self._request(ask)) for at, ask in enumerate(asks)]}
        request = RequestInformation(Method.POST, "{+baseurl}/$batch", {})
        request.headers.try_add("Accept", "application/json")
        request.set_stream_content(json.dumps(document).encode(), "application/json")
        whole = await self._send(request)
        parts = whole.body.get("responses") if whole.done and isinstance(whole.body, dict) else None
        if not isinstance(parts, list):
            return [Answer(whole.status if not whole.done else 0, whole.body, whole.headers)] * len(asks)
        by_id = {str(part.get("id")): part for part in parts}
        return [answer_of(by_id.get(str(at))) for at in range(len(asks))]

    async def _send(self, request: RequestInformation) -> Answer:
        """Send once. Whatever comes back is an answer; only a token that cannot be had raises (Halt)."""
        import httpx
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from kiota_abstractions.native_response_handler import NativeResponseHandler
        from kiota_http.middleware.options import ResponseHandlerOption

        request.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        try:
            # With a native handler the adapter gives the HTTP response itself, whatever its status.
            response: Any = await self._adapter.send_primitive_async(request, "bytes", {})
        except ClientAuthenticationError as failure:
            raise Halt(sign_in_problem(str(failure.message), self._settings.client_id)) from None
        except AzureError as failure:
            return Answer(0, f"no token could be fetched ({type(failure).__name__})")
        except httpx.HTTPError as failure:
            return Answer(0, f"{type(failure).__name__}")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, read_json(response.content), headers)

    def _request(self, ask: Ask) -> RequestInformation:
        """The request that the SDK's builders make of an ask."""
        users, directory = self._client.users, self._client.directory
        match ask:
            case ListUsers():
                headers = _ADVANCED if ask.advanced else {}
                request = _with(
                    users.to_get_request_information(), headers, select=ask.select, filter=ask.filter, top=ask.top
                )
                return _with(request, {}, count="true") if ask.advanced else request
            case Delta():
                delta = users.delta if ask.link is None else users.delta.with_url(ask.link)
                select = ask.select if ask.link is None else None
                return _with(delta.to_get_request_information(), _PAGE, select=select)
            case More():
                return users.with_url(ask.link).to_get_request_information()
            case ListDeleted():
                return _with(
                    directory.deleted_items.graph_user.to_get_request_information(), {}, select=ask.select, top=999
                )
            case ListGroups():
                groups = self._client.groups.to_get_request_information()
                return _with(groups, {}, select=ask.select, filter=ask.filter, top=999)
            case ReadUser():
                return _with(users.by_user_id(ask.key).to_get_request_information(), {}, select=ask.select)
            case ReadOrganization():
                return self._client.organization.to_get_request_information()
            case GroupDelta() | MakeGroup() | MakeClass() | MakeTeam() | PatchGroup() | PutIn() | TakeOut():
                return self._of_groups(ask)
            case CreateUser():
                return users.to_post_request_information(_user(ask.body))
            case PatchUser():
                return users.by_user_id(ask.anchor).to_patch_request_information(_user(ask.body))
            case RevokeSessions():
                return users.by_user_id(ask.anchor).revoke_sign_in_sessions.to_post_request_information()
            case AssignLicences():
                return users.by_user_id(ask.anchor).assign_license.to_post_request_information(_licences(ask.body))
            case Restore():
                item = directory.deleted_items.by_directory_object_id(ask.anchor)
                return item.restore.to_post_request_information()
            case _:
                assert_never(ask)

    def _of_groups(
        self, ask: GroupDelta | MakeGroup | MakeClass | MakeTeam | PatchGroup | PutIn | TakeOut
    ) -> RequestInformation:
        from msgraph.generated.models.education_class import EducationClass
        from msgraph.generated.models.group import Group
        from msgraph.generated.models.team import Team

        groups, classes = self._client.groups, self._client.education.classes
        match ask:
            case GroupDelta():
                delta = groups.delta if ask.link is None else groups.delta.with_url(ask.link)
                select = ask.select if ask.link is None else None
                return _with(delta.to_get_request_information(), _PAGE, select=select)
            case MakeGroup():
                return groups.to_post_request_information(Group(additional_data=dict(ask.body)))
            case MakeClass():
                return classes.to_post_request_information(EducationClass(additional_data=dict(ask.body)))
            case MakeTeam():
                return self._client.teams.to_post_request_information(Team(additional_data=dict(ask.body)))
            case PatchGroup():
                group = groups.by_group_id(ask.anchor)
                return group.to_patch_request_information(Group(additional_data=dict(ask.body)))
            case PutIn() | TakeOut():
                return self._of_people(ask)
            case _:
                assert_never(ask)

    def _of_people(self, ask: PutIn | TakeOut) -> RequestInformation:
        from msgraph.generated.models.reference_create import ReferenceCreate

        group = self._client.groups.by_group_id(ask.anchor)
        teachers = self._client.education.classes.by_education_class_id(ask.anchor).teachers
        if isinstance(ask, PutIn):
            kind = "education/users" if ask.relation == "teachers" else "directoryObjects"
            reference = ReferenceCreate(odata_id=f"{self._settings.base}/{kind}/{ask.person}")
            if ask.relation == "teachers":
                return teachers.ref.to_post_request_information(reference)
            who = group.members if ask.relation == "members" else group.owners
            return who.ref.to_post_request_information(reference)
        if ask.relation == "teachers":
            return teachers.by_education_user_id(ask.person).ref.to_delete_request_information()
        people = group.members if ask.relation == "members" else group.owners
        return people.by_directory_object_id(ask.person).ref.to_delete_request_information()


def _licences(body: Mapping[str, Any]) -> AssignLicensePostRequestBody:
    from msgraph.generated.users.item.assign_license.assign_license_post_request_body import (
        AssignLicensePostRequestBody,
    )

    return AssignLicensePostRequestBody(additional_data=dict(body))


def _with(request: RequestInformation, headers: Mapping[str, str], **options: object) -> RequestInformation:
    for name, value in options.items():
        if value is not None:
            request.query_parameters[f"%24{name}"] = list(value) if isinstance(value, tuple) else value
    for name, text in headers.items():
        request.headers.try_add(name, text)
    return request


def _user(body: Mapping[str, Any]) -> User:
    """The SDK's user with our JSON as it stands: a property of the model that is set to None would go out under Python's name."""
    from msgraph.generated.models.user import User

    return User(additional_data=dict(body))


def _part(at: int, request: RequestInformation) -> dict[str, Any]:
    """A request as a part of a batch: its address without the base, its body as JSON."""
    request.path_parameters["baseurl"] = ""
    method = request.http_method
    part: dict[str, Any] = {"id": str(at), "method": method.value if method else "GET", "url": request.url}
    headers = dict(request.request_headers or {})
    if request.content:
        part["body"] = json.loads(request.content)
        headers["Content-Type"] = "application/json"
        headers.pop("content-type", None)
    part["headers"] = headers
    return part


def _token_provider(settings: Settings) -> tuple[AccessTokenProvider, Callable[[], None]]:
    """Where tokens come from, and how that is closed; raises Halt when a secret cannot be had or the certificate cannot be read."""
    from azure.identity import CertificateCredential, ClientSecretCredential
    from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator
    from kiota_authentication_azure.azure_identity_access_token_provider import AzureIdentityAccessTokenProvider

    # A link in an answer that leads elsewhere gets no token.
    host = urlsplit(settings.endpoint).hostname or ""
    if settings.token is not None:

        class Fixed(AccessTokenProvider):
            """A sandbox's token."""

            def __init__(self, token: str) -> None:
                self._token = token
                self._hosts = AllowedHostsValidator([host])

            async def get_authorization_token(
                self, uri: str, additional_authentication_context: dict[str, Any] | None = None
            ) -> str:
                return self._token if self._hosts.is_url_host_valid(uri) else ""

            def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
                return self._hosts

        return Fixed(settings.token.reveal()), lambda: None
    credential: CertificateCredential | ClientSecretCredential
    # Microsoft's own authorities can be asked about each other; any other (a sandbox) is what the settings say.
    place: dict[str, Any] = {
        "authority": settings.authority,
        "disable_instance_discovery": not settings.authority.endswith(_MICROSOFT),
    }
    if settings.certificate is not None:
        pem = settings.certificate.reveal().encode()
        try:
            credential = CertificateCredential(settings.tenant, settings.client_id, certificate_data=pem, **place)
        except ValueError:
            raise Halt(
                f"The certificate {settings.certificate.reference} cannot be used to sign in to Microsoft 365: it must be a PEM file that"
                " holds the certificate and its private key, without a password."
            ) from None
    else:
        assert settings.client_secret is not None
        secret = settings.client_secret.reveal()
        credential = ClientSecretCredential(settings.tenant, settings.client_id, secret, **place)
    return AzureIdentityAccessTokenProvider(credential, None, allowed_hosts=[host]), credential.close
