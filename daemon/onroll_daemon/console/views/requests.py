"""A request as people see it: what was asked, how far it is, and where its answer is to be read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from onroll_core.store.requests import Request

_TITLES = {
    "sync": "A sync",
    "apply": "Bringing the targets into line",
    "plan": "Looking at what would be done",
    "check": "A check of everything",
    "show-undo": "Looking at what an undo would do",
    "undo": "An undo",
    "links": "Looking for accounts and whose they are",
    "link": "Linking accounts",
    "unlink": "Taking links back",
    "reject-link": "Turning links down",
    "rename-preview": "Looking at what a rename would come to",
    "passwords": "Issuing first passwords",
    "alert-test": "A test of the alerts",
}


def shown(request: Request) -> dict[str, Any]:
    """The request with its title, the address of the page that has its answer, and a percentage where one can be told."""
    progress = request.progress or {}
    done, total = progress.get("done"), progress.get("total")
    return {
        "id": request.id,
        "school": request.school,
        "kind": request.kind,
        "title": _TITLES.get(request.kind, request.kind),
        "by": request.by,
        "at": request.at,
        "began": request.began,
        "ended": request.ended,
        "status": request.status,
        "over": request.over,
        "what": progress.get("what"),
        "done": done,
        "total": total,
        "error": (request.result or {}).get("error"),
        "answer": answer(request),
    }


def answer(request: Request) -> str:
    """The page on which the answer of a request is to be read."""
    school, result = request.school, request.result or {}
    match request.kind:
        case "sync" | "apply" | "undo" if result.get("run"):
            return f"/runs/{result['run']}"
        case "show-undo" | "undo":
            return f"/runs/{request.asked.get('run')}/undo?shown={request.id}"
        case "links" | "link" | "unlink" | "reject-link":
            view = request.asked.get("view") or urlencode({"target": request.asked.get("target", "")})
            return f"/schools/{school}/links?{view}&asked={request.id}"
        case "plan" if request.asked.get("as_of"):
            return f"/schools/{school}/plan?look={request.id}"
        case "passwords":
            return f"/schools/{school}/passwords/{request.id}"
        case "rename-preview":
            return f"/schools/{school}/rename/{request.id}"
        case "check" | "alert-test":
            return f"/schools/{school}/settings"
    return f"/schools/{school}/plan"
