"""Who may read what onroll keeps on Windows: the system, administrators and the service's own account, and nobody else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from onroll_core.errors import Halt

SYSTEM, ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_FULL, _MODIFY = 0x1F01FF, 0x1301BF
_INHERITED = 0x3  # by files and folders below


def virtual_sid(service: str) -> str:
    """The SID of `NT SERVICE\\service`: Windows makes it from the name alone, so that it is known before the service is there."""
    digest = hashlib.sha1(service.upper().encode("utf-16-le")).digest()
    return "S-1-5-80-" + "-".join(str(int.from_bytes(digest[n : n + 4], "little")) for n in range(0, 20, 4))


def account(told: str, service: str) -> str:
    """The account as the service manager takes it. Raises Halt for one that would have a password to keep, or too many rights."""
    if told.upper() == f"NT SERVICE\\{service}".upper():
        return f"NT SERVICE\\{service}"
    if re.fullmatch(r"[^\\/@\s]+\\[^\\/@\s]+\$", told):
        return told
    raise Halt(
        f"{told} is not an account for the service. It runs as NT SERVICE\\{service}, its own account on this server, or as a group-managed service"
        " account, whose name ends with $ (SCHOOL\\onroll$). Neither has a password that anybody has to keep."
    )


def guard(folder: Path, who: str) -> None:
    """Make the folder where it is not there, and leave it to the system, administrators and the account `who` (a SID).

    Raises Halt when the folder is somebody else's: any user may make folders in %ProgramData%, and whoever owns one can open it again.
    """
    import win32security as security

    there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if there:
        found = security.GetNamedSecurityInfo(str(folder), security.SE_FILE_OBJECT, security.OWNER_SECURITY_INFORMATION)
        owner = security.ConvertSidToStringSid(found.GetSecurityDescriptorOwner())
        if owner not in (SYSTEM, ADMINISTRATORS, _TRUSTED_INSTALLER, who, myself()):
            raise Halt(
                f"{folder} belongs to {owner}, who is not an administrator. Look what is in it, move it away, and try again."
            )
    what = security.DACL_SECURITY_INFORMATION | security.PROTECTED_DACL_SECURITY_INFORMATION
    security.SetNamedSecurityInfo(str(folder), security.SE_FILE_OBJECT, what, None, None, entries(who), None)


def entries(who: str) -> Any:
    """The list of who may do what: nothing is inherited from the folder around it."""
    import win32security as security

    found = security.ACL()
    for sid, rights in ((SYSTEM, _FULL), (ADMINISTRATORS, _FULL), (who, _MODIFY)):
        found.AddAccessAllowedAceEx(security.ACL_REVISION, _INHERITED, rights, security.ConvertStringSidToSid(sid))
    return found


def sid_of(name: str, service: str) -> str:
    """The SID of the service's account. Raises Halt when a domain does not know it."""
    import pywintypes
    import win32security as security

    if name.upper().startswith("NT SERVICE\\"):
        return virtual_sid(service)
    try:
        text: str = security.ConvertSidToStringSid(security.LookupAccountName(None, name)[0])
        return text
    except pywintypes.error as failure:
        raise Halt(
            f"This server does not know the account {name}: {failure.strerror} Install-ADServiceAccount makes it known here."
        ) from None


def may_log_on_as_service(sid: str) -> None:
    """Give a group-managed account the right to log on as a service; a virtual account has it."""
    import win32security as security

    policy = security.LsaOpenPolicy(None, security.POLICY_CREATE_ACCOUNT | security.POLICY_LOOKUP_NAMES)
    try:
        security.LsaAddAccountRights(policy, security.ConvertStringSidToSid(sid), ("SeServiceLogonRight",))
    finally:
        security.LsaClose(policy)


def elevated() -> None:
    """Raises Halt unless this process has an administrator's rights in hand."""
    import win32security as security

    if not security.CheckTokenMembership(None, security.ConvertStringSidToSid(ADMINISTRATORS)):
        raise Halt('Only an administrator may do that. Open PowerShell with "Run as administrator" and try again.')


def myself() -> str:
    """The SID of whoever runs this."""
    import win32api
    import win32security as security

    token = security.OpenProcessToken(win32api.GetCurrentProcess(), security.TOKEN_QUERY)
    text: str = security.ConvertSidToStringSid(security.GetTokenInformation(token, security.TokenUser)[0])
    return text
