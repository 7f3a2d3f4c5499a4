"""The service as the service manager of Windows knows it: made, started, stopped, looked at, taken away."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pywintypes
import win32service
import win32serviceutil
import winerror

from onroll_core.errors import Halt
from onroll_daemon import event_log, windows_rights
from onroll_daemon.windows_service import NAME

_CLASS = "onroll_daemon.windows_service.OnrollService"
_ABOUT = "Keeps the school's accounts in step with who is on roll: reads the MIS in its window, then brings the directories into line."
_STATES = {
    win32service.SERVICE_STOPPED: "stopped",
    win32service.SERVICE_START_PENDING: "starting",
    win32service.SERVICE_RUNNING: "running",
    win32service.SERVICE_STOP_PENDING: "stopping",
}
_MINUTE = 60_000
_RESTARTS = {
    "ResetPeriod": 86_400,
    "RebootMsg": "",
    "Command": "",
    "Actions": [(win32service.SC_ACTION_RESTART, minutes * _MINUTE) for minutes in (1, 5, 15)],
}


@dataclass(frozen=True, slots=True)
class Status:
    """What the service manager says."""

    state: str
    account: str
    process: int
    config: str


def install(config: Path, account: str) -> list[str]:
    """Make the service, or bring it up to date: its account, its folder's permissions, its source in the event log, what happens when it fails.

    Gives a sentence for each setting that this Windows does not know. Raises Halt.
    """
    windows_rights.elevated()
    account = windows_rights.account(account, NAME)
    sid = windows_rights.sid_of(account, NAME)
    windows_rights.guard(config.parent, sid)
    for below in ("logs", "credentials"):
        (config.parent / below).mkdir(exist_ok=True)
    if account.endswith("$"):
        windows_rights.may_log_on_as_service(sid)
    event_log.register()
    told: dict[str, Any] = {"startType": win32service.SERVICE_AUTO_START, "userName": account, "description": _ABOUT}
    host = Path(sys.exec_prefix, "pythonservice.exe")  # named, because pywin32 would take one from the current folder
    told["exeName"] = str(host) if host.exists() else None
    with _answered():
        make = win32serviceutil.InstallService if status() is None else win32serviceutil.ChangeServiceConfig
        make(_CLASS, NAME, displayName="onroll", **told)
        win32serviceutil.SetServiceCustomOption(NAME, "config", str(config))
    return _settled()


def _settled() -> list[str]:
    """Set what happens around the service; says what this Windows does not know."""
    wishes: tuple[tuple[int, Any, str], ...] = (
        (win32service.SERVICE_CONFIG_FAILURE_ACTIONS, _RESTARTS, "a service that failed is not started again"),
        (
            win32service.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG,
            True,
            "a service that ended with an error is not started again",
        ),
        (
            win32service.SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
            True,
            "the service starts with the machine and not a little later",
        ),
        (
            win32service.SERVICE_CONFIG_PRESHUTDOWN_INFO,
            3 * _MINUTE,
            "a run has little time to end when the machine goes down",
        ),
        (
            win32service.SERVICE_CONFIG_SERVICE_SID_INFO,
            win32service.SERVICE_SID_TYPE_UNRESTRICTED,
            "the service has no SID of its own",
        ),
    )
    unknown = []
    with _opened() as service:
        for level, value, otherwise in wishes:
            try:
                win32service.ChangeServiceConfig2(service, level, value)
            except pywintypes.error as failure:
                if failure.winerror != winerror.ERROR_INVALID_LEVEL:
                    raise
                unknown.append(f"This Windows does not know one setting of services: {otherwise}.")
    return unknown


def start(patience: float = 120) -> None:
    """Start it, and see that it stays. Raises Halt with where to look when it does not."""
    with _opened() as service:
        if _state(service)["CurrentState"] != win32service.SERVICE_RUNNING:
            win32service.StartService(service, None)
        _wait(service, win32service.SERVICE_RUNNING, patience)
        time.sleep(2)  # a port that is taken shows at once
        if _state(service)["CurrentState"] != win32service.SERVICE_RUNNING:
            raise Halt(f"The service started and ended again. {_where()}")


def stop(patience: float = 300) -> None:
    """Stop it; a run ends after the batch in hand. Raises Halt when it takes longer than `patience` seconds."""
    with _opened() as service:
        if _state(service)["CurrentState"] not in (win32service.SERVICE_STOPPED, win32service.SERVICE_STOP_PENDING):
            win32service.ControlService(service, win32service.SERVICE_CONTROL_STOP)
        _wait(service, win32service.SERVICE_STOPPED, patience)


def remove() -> None:
    """Stop it and take it away; configuration, store and log stay."""
    windows_rights.elevated()
    stop()
    with _opened() as service:
        win32service.DeleteService(service)
    event_log.unregister()


def status() -> Status | None:
    """What the service manager says of it; None where it is not installed."""
    try:
        with _opened(win32service.SERVICE_QUERY_STATUS | win32service.SERVICE_QUERY_CONFIG) as service:
            now, told = _state(service), win32service.QueryServiceConfig(service)
    except NotInstalled:
        return None
    config = win32serviceutil.GetServiceCustomOption(NAME, "config", "")
    return Status(_STATES.get(now["CurrentState"], "paused"), told[7], now["ProcessId"], config)


class NotInstalled(Halt):
    """There is no such service on this machine."""


@contextmanager
def _answered() -> Iterator[None]:
    """Windows' refusals as sentences."""
    try:
        yield
    except pywintypes.error as failure:
        if failure.winerror == winerror.ERROR_SERVICE_DOES_NOT_EXIST:
            raise NotInstalled(
                "onroll is not installed as a service here. Install it with: onroll service install"
            ) from None
        if failure.winerror == winerror.ERROR_ACCESS_DENIED:
            raise Halt('Windows refused that. Open PowerShell with "Run as administrator" and try again.') from None
        raise Halt(f"Windows refused that ({failure.funcname}): {failure.strerror} {_where()}") from None


@contextmanager
def _opened(access: int = win32service.SERVICE_ALL_ACCESS) -> Iterator[Any]:
    with _answered():
        manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        try:
            service = win32service.OpenService(manager, NAME, access)
            try:
                yield service
            finally:
                win32service.CloseServiceHandle(service)
        finally:
            win32service.CloseServiceHandle(manager)


def _state(service: Any) -> dict[str, Any]:
    found: dict[str, Any] = win32service.QueryServiceStatusEx(service)
    return found


def _wait(service: Any, wanted: int, patience: float) -> None:
    until = time.monotonic() + patience
    while (now := _state(service)["CurrentState"]) != wanted:
        if now == win32service.SERVICE_STOPPED:
            raise Halt(f"The service ended as it started. {_where()}")
        if time.monotonic() > until:
            raise Halt(f"The service is still {_STATES.get(now, 'busy')} after {patience:.0f} seconds. {_where()}")
        time.sleep(0.2)


def _where() -> str:
    return "Its log and the event log (Application, source onroll) say why."
