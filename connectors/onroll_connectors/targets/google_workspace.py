"""Google Workspace as a target: users, groups and courses, changed through Google's own client. The only file that knows that client."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onroll_connectors.targets.google_asks import Answer, Ask, Problem, Reply
from onroll_connectors.targets.google_grants import grants
from onroll_connectors.targets.google_problems import not_signed_in
from onroll_connectors.targets.google_rights import PREFIX, needs_of, scopes
from onroll_connectors.targets.google_settings import CLASSROOM, GOOGLE, Settings
from onroll_connectors.targets.google_target import GoogleWorkspace
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

__all__ = ["Settings", "connect", "grants"]


def connect(settings: Settings, context: Context) -> GoogleWorkspace:
    """A target over these settings; nothing is read or sent before it is asked for something."""
    return GoogleWorkspace(settings, context, _Wire(settings, scopes(needs_of(settings, context.groups))))


@dataclass(slots=True)
class _Wire:
    """Asks become requests of Google's client. One service object an API is kept; every thread has its own HTTP connection, for one that is
    shared gives people each other's answers."""

    settings: Settings
    scopes: Sequence[str]
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opened: list[Any] = field(default_factory=list)
    _resources: dict[str, Any] = field(default_factory=dict)
    _services: dict[bool, Any] = field(default_factory=dict)
    _credentials: Any = None

    def send(self, asks: Sequence[Ask]) -> Sequence[Reply]:
        """One HTTP request; every failure becomes a Problem, except credentials that are refused, which raise Halt."""
        import httplib2
        from google.auth.exceptions import GoogleAuthError, TransportError
        from googleapiclient.errors import BatchError, HttpError

        try:
            http = self._http()
            if len(asks) == 1:
                return [self._single(asks[0], http)]
            return self._batch(asks, http)
        except HttpError as failure:
            problem = _problem(failure)
            if len(asks) > 1 and not (problem.busy or problem.passing or problem.locked_out):
                # The batch itself was refused, which tells nothing about any of its parts.
                problem = Problem(0, "", f"the batch was refused ({problem.message or problem.status})")
            return [problem] * len(asks)
        except (TransportError, OSError, httplib2.HttpLib2Error) as failure:
            # Nothing of these texts can hold a token: they are about sockets.
            return [Problem(0, "", str(failure) or type(failure).__name__)] * len(asks)
        except (BatchError, KeyError, IndexError, ValueError):
            # Something between us and Google answered instead of it, or the answer broke off.
            return [Problem(0, "", "the answer could not be read")] * len(asks)
        except GoogleAuthError as failure:
            if getattr(failure, "retryable", False):
                return [Problem(0, "", "Google's token service did not answer")] * len(asks)
            raise not_signed_in(str(failure), self.settings.subject, self.client, self.scopes) from None

    def sign_in(self) -> None:
        """Fetch a token for all of the scopes, and ask for nothing. Raises Halt when Google refuses it, Unavailable when it does not answer."""
        import httplib2
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google_auth_httplib2 import Request

        credentials = self._signing()
        if credentials.valid:
            return
        http = self._plain()
        try:
            credentials.refresh(Request(http))
        except (TransportError, OSError, httplib2.HttpLib2Error):
            raise Unavailable("Google's token service could not be reached. onroll tries again.") from None
        except GoogleAuthError as failure:
            if getattr(failure, "retryable", False):
                raise Unavailable("Google's token service did not answer. onroll tries again.") from None
            raise not_signed_in(str(failure), self.settings.subject, self.client, self.scopes) from None
        finally:
            http.close()

    def with_scopes(self, scopes: Sequence[str]) -> _Wire:
        """Another way to Google for the same account, with a token of its own that is good for these scopes alone."""
        return _Wire(self.settings, scopes)

    def close(self) -> None:
        """Close every thread's connection."""
        while self._opened:
            self._opened.pop().close()

    def _single(self, ask: Ask, http: Any) -> Reply:
        return _answer(ask, self._request(ask).execute(http=http, num_retries=0))

    def _batch(self, asks: Sequence[Ask], http: Any) -> Sequence[Reply]:
        replies: dict[str, Reply] = {}

        def heard(part: str, response: Any, failure: Any) -> None:
            replies[part] = _answer(asks[int(part)], response) if failure is None else _problem(failure)

        # All that goes into one batch is of one API.
        batch = self._services[asks[0].lesson].new_batch_http_request(callback=heard)
        for place, ask in enumerate(asks):
            batch.add(self._request(ask), request_id=str(place))
        batch.execute(http=http)
        return [replies[str(place)] for place in range(len(asks))]

    def _request(self, ask: Ask) -> Any:
        return getattr(self._resources[ask.resource], ask.method)(**ask.arguments)

    def _http(self) -> Any:
        """This thread's connection, signed in."""
        from google_auth_httplib2 import AuthorizedHttp, Request

        http = getattr(self._local, "http", None)
        with self._lock:
            if not self._services:
                self._open()
            if http is None:
                http = AuthorizedHttp(self._credentials, http=self._plain())
                self._local.http = http
                self._opened.append(http)
            if not self._credentials.valid:
                self._credentials.refresh(Request(http.http))
        return http

    def _open(self) -> None:
        from googleapiclient.discovery import build_from_document
        from googleapiclient.discovery_cache import get_static_doc

        # Google's client logs whole answers as warnings, with people's names in them; what matters of them is in our outcomes.
        logging.getLogger("googleapiclient.http").setLevel(logging.ERROR)
        self._credentials = self._signing()

        def service(name: str, version: str, root: str) -> Any:
            document = json.loads(get_static_doc(name, version))
            # Batches follow the root URL, and nothing else does what the client option `api_endpoint` promises for them.
            document["rootUrl"] = f"{root}/"
            return build_from_document(document, http=self._plain())

        endpoint = self.settings.endpoint
        directory = service("admin", "directory_v1", endpoint)
        users = directory.users()
        self._resources = {
            "users": users,
            "users.aliases": users.aliases(),
            "groups": directory.groups(),
            "members": directory.members(),
            "orgunits": directory.orgunits(),
            "domains": directory.domains(),
            "roles": directory.roles(),
            "roleAssignments": directory.roleAssignments(),
        }
        services = {False: directory}
        if self.settings.classroom:
            classroom = service("classroom", "v1", CLASSROOM if endpoint == GOOGLE else endpoint)
            courses = classroom.courses()
            self._resources |= {
                "courses": courses,
                "courses.teachers": courses.teachers(),
                "courses.students": courses.students(),
            }
            services[True] = classroom
        self._services = services

    def _plain(self) -> Any:
        import httplib2

        http = httplib2.Http(timeout=self.settings.timeout, ca_certs=self.settings.ca_file)
        http.follow_redirects = False
        return http

    def _signing(self) -> Any:
        if self.settings.token is not None:
            from google.oauth2.credentials import Credentials

            return Credentials(self.settings.token.reveal())  # type: ignore[no-untyped-call]
        from google.oauth2 import service_account

        assert self.settings.credentials is not None
        try:
            key = json.loads(self.settings.credentials.reveal())
            make = service_account.Credentials.from_service_account_info
            return make(key, scopes=[PREFIX + scope for scope in self.scopes], subject=self.settings.subject)  # type: ignore[no-untyped-call]
        except (ValueError, KeyError, TypeError, AttributeError):
            # The text of these errors can quote the key.
            raise Halt(
                f"{self.settings.credentials.reference} does not hold the JSON key of a service account. Make one in the Google Cloud console (IAM,"
                " Service accounts, Keys, JSON) and put the whole file there."
            ) from None

    @property
    def client(self) -> str:
        """The client id of the service account, which is its unique id too; "" where it is not known."""
        try:
            key = json.loads(self.settings.credentials.reveal()) if self.settings.credentials else {}
        except (ValueError, Halt):
            return ""
        return str(key.get("client_id", "")) if isinstance(key, Mapping) else ""


def _answer(ask: Ask, body: Any) -> Reply:
    """Google's client hands over whatever came with a 200, even a sign-in page; only JSON answers what expects some."""
    if isinstance(body, Mapping):
        return Answer(body)
    if not body and "fields" not in ask.arguments:
        return Answer({})
    return Problem(0, "", "something else answered in Google's place: a web filter or a sign-in page?")


def _problem(failure: Any) -> Problem:
    """A refusal of Google's, understood: JSON, or the plain text in which it speaks of quotas.

    Anything else that claims to be a refusal comes from a web filter, a proxy or a sign-in page between us and Google, and says nothing of
    the account that was asked for.
    """
    status = int(failure.resp.status)
    text = failure.content.decode("utf-8", "replace") if isinstance(failure.content, bytes) else str(failure.content)
    after = str(failure.resp.get("retry-after", ""))
    patience = float(after) if after.isdigit() else None
    try:
        error = json.loads(text)["error"]
        reason = (error.get("errors") or [{}])[0].get("reason") or error.get("status") or ""
        return Problem(status, reason, error.get("message") or "", patience)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        plain = Problem(status, "", text.strip()[:200], patience)
        if plain.busy or plain.passing or plain.locked_out:
            return plain
    return Problem(0, "", f"something else answered in Google's place, with status {status}: a web filter or a proxy?")
