"""The container file builds, and what it builds runs as nobody special, keeps its data in a volume, says whether it is well, and ends in good order. Part of `make soak`, as root, where podman is."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificates_made import made
from debian_root import ROOT, base, can_boot
from onroll_connectors.sandbox.serving import Request, Response, serve

CONFIG = """
[store]
url = "sqlite:////var/lib/onroll/onroll.db"
[console]
listen = "0.0.0.0:8750"
open_to_network = true
tls_certificate = "certificate.pem"
tls_key = "key.pem"
[targets.ad]
kind = "active_directory"
server = "embedded:/var/lib/onroll/directory.json"
base = "OU=Milton Park,DC=school,DC=test"
[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
window = "00:00-24:00"
spread = 0
targets = ["ad"]
[school.source]
path = "export"
quiet_seconds = 0
"""
EXPORT = (
    "Adno,Forename,Surname,Year,DOA,Date of leaving\n1,Harry,Potter,7,01/09/2026,\n2,Hermione,Potter,7,01/09/2026,\n"
)
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


class Engine:
    """podman with a store of its own, in a folder that goes away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = ("--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--storage-driver", "vfs")
        # runc also works on machines that still have the first version of control groups.
        runtime = ("--runtime", "runc") if shutil.which("runc") else ()
        self._command = ("podman", *own, *runtime, "--cgroup-manager", "cgroupfs")

    def __call__(self, *arguments: str, code: int | None = 0, seconds: float = 900) -> str:
        """What podman says on standard output."""
        done = self.run(*arguments, seconds=seconds)
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        # The timer of a health check is systemd's, where it is at work; the test asks by itself.
        env = os.environ | {"DISABLE_HC_SYSTEMD": "true"}
        return subprocess.run([*self._command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env,
                              timeout=seconds, check=False)  # fmt: skip

    def start(self, name: str, etc: Path) -> None:
        """The service, as the documentation says, on a file system that it may not write to."""
        limits = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
        mounts = ("-v", "onroll-data:/var/lib/onroll", "-v", f"{etc}:/etc/onroll:ro")
        self("run", "-d", "--name", name, "--network", "none", "--read-only", *limits, *mounts, "onroll")

    def well(self, name: str) -> bool:
        """What its own health check says, after a minute at most."""
        return self._within_a_minute(lambda: self.run("healthcheck", "run", name).returncode == 0)

    def logged(self, name: str, text: str) -> bool:
        """Whether its log says so, within a minute."""
        return self._within_a_minute(lambda: text in self.run("logs", name).stderr)

    @staticmethod
    def _within_a_minute(happens: Callable[[], bool]) -> bool:
        for _ in range(60):
            if happens():
                return True
            time.sleep(1)
        return False

    def users(self, name: str) -> list[str]:
        """Everybody whom the service there knows."""
        told = json.loads(self("exec", name, "onroll", "users", "list", "--json"))["users"]
        return sorted(f"{each['identity']} {each['username']}" for each in told)


def base_image(engine: Engine) -> None:
    """A Debian with nothing but python3, which trusts whom this machine trusts."""
    archive = engine.folder / "base.tar"
    here = "./etc/ssl/certs/ca-certificates.crt"
    left_out = (f"--exclude={each}" for each in (here, "./proc/*", "./sys/*", "./dev/*", "./var/cache/apt/*"))
    subprocess.run(["tar", "-C", str(base()), *left_out, "-cf", str(archive), "."], check=True)
    subprocess.run(["tar", "-C", "/", "--dereference", "-rf", str(archive), f".{TRUSTED}"], check=True)
    engine("import", "--change", f"ENV SSL_CERT_FILE={TRUSTED}", str(archive), "onroll-base")
    archive.unlink()


@pytest.mark.parametrize(("status", "ending"), [(200, None), (503, '{"status": "failing"}')])
def test_its_health_is_asked_where_its_configuration_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, ending: str | None
) -> None:
    asked: list[str] = []

    def healthz(request: Request) -> Response:
        asked.append(request.path)
        return Response(status, {"status": "ok" if status == 200 else "failing"})

    monkeypatch.setenv("ONROLL_CONFIG", str(tmp_path / "onroll.toml"))
    with serve(healthz) as url:
        text = CONFIG.replace("0.0.0.0:8750", url.removeprefix("http://"))
        plain = [line for line in text.splitlines() if not line.startswith("tls_")]
        (tmp_path / "onroll.toml").write_text("\n".join(plain), encoding="utf-8")
        try:
            runpy.run_path(str(ROOT / "packaging/container/healthy.py"), run_name="__main__")
            ended = None
        except SystemExit as end:
            ended = end.code
    assert (ended, asked) == (ending, ["/healthz"])


if os.environ.get("ONROLL_SOAK") and can_boot() and shutil.which("podman"):

    @pytest.fixture
    def engine() -> Iterator[Engine]:
        folder = Path(tempfile.mkdtemp(prefix="onroll-container-"))
        podman = Engine(folder)
        try:
            yield podman
        finally:
            podman("rm", "--all", "--force", "--time", "10", code=None)
            shutil.rmtree(folder)

    def test_the_container_file_gives_a_service(engine: Engine, tmp_path: Path) -> None:
        base_image(engine)
        engine("build", "--format", "docker", "--layers=false", "--isolation", "chroot", "--network", "host",
               "--build-arg", "BASE=localhost/onroll-base", "-t", "onroll", "-f", str(ROOT / "packaging/container/Containerfile"), str(ROOT))  # fmt: skip
        told = engine("image", "inspect", "--format", "{{.User}} {{.Config.Volumes}} {{.HealthCheck.Test}}", "onroll")
        assert "8750:8750 map[/var/lib/onroll:" in told and "/opt/onroll/healthy.py" in told

        etc = tmp_path / "etc"
        (etc / "export").mkdir(parents=True)
        (etc / "onroll.toml").write_text(CONFIG, encoding="utf-8")
        (etc / "export/students.csv").write_text(EXPORT, encoding="utf-8")
        _, key = made(etc, datetime.now(UTC) + timedelta(days=30))
        key.chmod(0o644)

        engine.start("first", etc)
        assert engine.well("first") and engine.logged("first", "2 created"), engine.run("logs", "first")
        assert "uid=8750(onroll) gid=8750(onroll)" in engine("exec", "first", "id")
        known = engine.users("first")
        assert engine("exec", "first", "stat", "-c", "%U", "/var/lib/onroll/onroll.db").strip() == "onroll"
        engine("stop", "--time", "60", "first")
        (ended,) = json.loads(engine("inspect", "first"))
        assert ended["State"]["ExitCode"] == 0
        engine("rm", "first")

        # another container, the same volume: who is who is still known, and the health check tells that nothing answers
        engine.start("second", etc)
        assert engine.well("second"), engine.run("logs", "second")
        assert len(known) == 2 and engine.users("second") == known
        alone = ("run", "--rm", "--network", "none", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096", "-v", f"{etc}:/etc/onroll:ro")  # fmt: skip
        asked = engine.run(
            *alone, "--entrypoint", "/opt/onroll/bin/python", "onroll", "-I", "/opt/onroll/healthy.py", seconds=300
        )
        assert asked.returncode == 1 and "The service does not answer" in asked.stderr
