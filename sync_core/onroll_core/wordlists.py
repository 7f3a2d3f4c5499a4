"""Names that no person may be given: those that systems keep for themselves, and those a school would rather not print on a label.

Both lists only make a name wait for a person, with a proposal, so they may be short and a little careful; what they must not be is a nuisance to
people with honest names. Hence nothing is ever looked for *inside* a name: Scunthorpe, Essex, Penistone, Hancock and Dickinson keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))])
"""Windows' devices: no file or folder (a home or profile folder, say) can have such a name, even when a dot and more follow."""

_SYSTEMS = frozenset(
    """
    admin administrator administrators adm root superuser supervisor operator sys sysadmin system owner guest guests user users nobody anonymous
    everyone self none null nil undefined default test tester com lpt
    localsystem localservice networkservice service krbtgt defaultaccount wdagutilityaccount replicator creatorowner authenticatedusers
    domainadmins domainusers domainguests domaincomputers domaincontrollers schemaadmins enterpriseadmins dnsadmins
    abuse noc security postmaster hostmaster webmaster usenet news uucp ftp www mailerdaemon daemon noreply donotreply
    http https dns smtp imap pop mail email listserv majordomo onroll
    """.split()
)
"""Built-in accounts and groups, the mailboxes of RFC 2142 (Google keeps abuse and postmaster for itself), and words that programs take for "nothing".
They are refused however they are punctuated: post.master is no better than postmaster."""

_OFFICES = frozenset(
    """
    info marketing sales support help helpdesk it ict itsupport it-support it.support office reception head headteacher principal governor governors
    safeguarding admissions attendance absence finance exams library parents staff students pupils list
    """.split()
)
"""Addresses that a school has, or will want, for itself. Only as they stand: Harry Ead may be h.ead."""

_UNFORTUNATE = frozenset(
    """
    anal anus arse arses arsehole ass asses asshole bastard bellend bitch bitches bollock bollocks boner boob boobs bugger bum bums bumhole clit cock
    cocks coon crap cum cunt cunts dick dicks dickhead dildo dyke fag fags faggot fanny fart farts feck fuck fucker fucks gimp git gook hoe homo jizz
    kkk knob knobs knobhead lesbo minge mong moron muff nazi nazis nigga nigger nob nonce nude paedo paki pecker pedo pee penis perv phuck piss pissed
    poo poof porn prick pube pubes pussy rape rapist retard scum sex sexy shag shags shit shite shits shitty skank slag slags slut sluts smeg spastic
    spaz sperm spunk tit tits tosser turd twat twats vagina wank wanker wankers wanking wanks whore wog
    """.split()
)
"""Refused when they are all there is."""

_COARSE = ("fuck", "cunt", "shit", "wank", "nigg", "slut", "whore")
"""Refused also at the beginning or end of something longer, but only where an initial and a name make them together (S. Hitchcock, T. Takahashi).

Short because everything here costs somebody a wait: twat is left out for the sake of every T. Watson, tit, cum and cock for T. Itchen, C. Umber and
C. Ockley, whom nobody laughs at.
"""


def is_reserved(username: str, body: str = "") -> bool:
    """True when a system, or the school's own office, has a better claim to the name.

    `username` is lower-case. `body` is the same without the school's prefix and suffix: s-admin is no better than admin.
    """
    if username.partition(".")[0] in _DEVICES:
        return True
    return any(
        each in _OFFICES or each.replace(".", "").replace("-", "").replace("_", "") in _SYSTEMS
        for each in (username, body)
        if each
    )


def is_unfortunate(runs: Sequence[Sequence[str]]) -> bool:
    """True when a username would read as a word that a school does not print.

    `runs` are its parts in order, lower-case letters: a run for what stands together with neither separator nor digits between. {initial}.{last}
    gives [["s"], ["hit"]], {initial}{last} gives [["s", "hit"]]. The whole counts, with or without separators (s.hit, shit, arse); a beginning or
    an end counts only where it is coarse and runs over the seam between two parts that no separator keeps apart (shitchcock, but not s.hitchcock).
    """
    if "".join(part for run in runs for part in run) in _UNFORTUNATE:
        return True
    return any(_coarse_over_a_seam(run) for run in runs if len(run) > 1)


def _coarse_over_a_seam(run: Sequence[str]) -> bool:
    whole = "".join(run)
    first, last = len(run[0]), len(run[-1])
    return any(
        (whole.startswith(word) and first < len(word)) or (whole.endswith(word) and last < len(word))
        for word in _COARSE
    )
