"""Names that no person may be given: those that systems keep for themselves, and those a school would rather not print on a label."""

from __future__ import annotations

RESERVED = frozenset(
    ["admin", "administrator", "administrators", "adm", "root", "sysadmin", "sys", "system", "superuser", "supervisor", "operator", "owner", "guest", "user", "users", "nobody", "none", "null", "nil", "undefined", "test", "tester", "default", "anonymous", "everyone", "self", "localsystem", "localservice", "networkservice", "service", "krbtgt", "defaultaccount", "wdagutilityaccount", "domainadmins", "domainusers", "domainguests", "schemaadmins", "enterpriseadmins", "replicator", "creatorowner", "postmaster", "hostmaster", "webmaster", "abuse", "noc", "security", "support", "info", "marketing", "sales", "mailerdaemon", "mailer", "daemon", "noreply", "donotreply", "nntp", "news", "usenet", "uucp", "ftp", "www", "http", "dns", "smtp", "imap", "pop", "mail", "email", "list", "listserv", "majordomo", "help", "helpdesk", "it", "ict", "itsupport", "ithelpdesk", "office", "reception", "head", "headteacher", "principal", "governor", "governors", "safeguarding", "admissions", "finance", "exams", "library", "onroll", "con", "prn", "aux", "nul", "clock", "com", "lpt"]
) | frozenset(f"{port}{n}" for port in ("com", "lpt") for n in range(10))
"""Whole usernames that are never issued: Windows' device names and built-in accounts, RFC 2142's mailboxes, and a school's own offices."""

_UNFORTUNATE = frozenset(
    ["anal", "anus", "arse", "arsehole", "ass", "asses", "asshole", "bastard", "bitch", "bitches", "bollock", "bollocks", "boner", "boob", "boobs", "bugger", "bum", "bums", "bumhole", "clit", "cock", "cocks", "coon", "crap", "cum", "cunt", "cunts", "damn", "dick", "dicks", "dike", "dildo", "dyke", "fag", "fags", "faggot", "fanny", "fart", "farts", "fatso", "fatty", "feck", "fuck", "fucker", "fucks", "gay", "git", "gook", "hell", "hoe", "homo", "hooker", "idiot", "jizz", "kill", "killer", "knob", "knobs", "kkk", "klan", "lesbo", "loser", "mong", "moron", "muff", "nazi", "nazis", "nigga", "nigger", "nob", "nonce", "nude", "paki", "pecker", "pee", "penis", "perv", "phuck", "piss", "pissed", "poo", "poof", "poon", "porn", "prick", "pube", "pubes", "pussy", "queer", "rape", "raped", "raper", "rapist", "retard", "scum", "sex", "sexy", "shag", "shags", "shit", "shite", "shits", "shitty", "skank", "slag", "slags", "slut", "sluts", "smut", "snog", "spastic", "spaz", "sperm", "spunk", "stupid", "suck", "sucks", "thick", "thicko", "tit", "tits", "tosser", "tramp", "trollop", "turd", "twat", "twats", "ugly", "vagina", "wank", "wanker", "wanks", "weed", "whore", "willy", "wog"]
)


def is_reserved(username: str) -> bool:
    """True when the whole username, with or without its punctuation, is one that systems keep for themselves."""
    bare = username.replace(".", "").replace("-", "")
    return username in RESERVED or bare in RESERVED


def is_unfortunate(body: str) -> bool:
    """True when the letters of a username, taken as a whole, are a word that a school would not print.

    Only the whole counts: what initial and surname make together (s.hit), and nothing that merely sits inside a longer name, so that Scunthorpe,
    Essex, Hancock and Dickinson keep theirs. A surname that is such a word by itself waits for a person too: better once asked than printed.
    """
    return "".join(letter for letter in body if letter.isalpha()) in _UNFORTUNATE
