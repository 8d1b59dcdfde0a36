"""Podman and Buildah with a configuration, a storage and a network namespace of their own.

Images are built on the machine's network, because packages come from there. Containers run in a network namespace, in
which no port is taken.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["BASE", "Engine"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BASE = "docker.io/library/debian:12.12-slim"
"""The name that the Dockerfile uses; a base that debootstrap makes is imported under it."""
NAMESPACE = "siaga-containers"
CERTIFICATES = Path("/usr/local/share/ca-certificates")

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Engine:
    """Runs podman and buildah. `home`: where images stay from one run to the next."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (home / "containers.conf").write_text(CONTAINERS_CONF)
        (home / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{home}/run"\ngraphroot = "{home}/store"\n'
        )
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(home / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}:/usr/sbin",
        }

    def run(
        self, *command: str, within: float = 300, check: bool = True, cwd: Path | None = None, inside: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; `inside`: in the network namespace of the containers."""
        prefix: Sequence[str] = ("nsenter", f"--net=/run/netns/{NAMESPACE}") if inside else ()
        done = subprocess.run(
            [*prefix, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
            cwd=cwd,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def open_namespace(self) -> None:
        """Make the network namespace of the containers."""
        if not Path(f"/run/netns/{NAMESPACE}").exists():
            self.run("ip", "netns", "add", NAMESPACE, inside=False)
        self.run("ip", "link", "set", "lo", "up")

    def close_namespace(self) -> None:
        """Remove it, with the networks in it."""
        self.run("ip", "netns", "del", NAMESPACE, inside=False, check=False)

    def clear(self) -> None:
        """Remove all containers, volumes and networks. Again and again: one that is just restarting escapes."""
        for _ in range(5):
            for words in (
                ("rm", "--depend", "-f", "-a", "-t", "0"),
                ("volume", "prune", "-f"),
                ("network", "prune", "-f"),
            ):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.run("podman", *words, within=60, check=False)
            if not self.run("podman", "ps", "-aq", within=60, check=False).stdout.strip():
                return

    def has(self, image: str) -> bool:
        """Whether an image is in the storage."""
        return self.run("podman", "image", "exists", image, inside=False, check=False).returncode == 0

    def image_id(self, image: str) -> str:
        """The id of an image, which stays when its name goes to another one."""
        return self.run("podman", "image", "inspect", "--format", "{{.Id}}", image, inside=False).stdout.strip()

    def make_base(self) -> None:
        """Make a Debian and import it under the name that the Dockerfile uses, unless it is there."""
        if self.has(BASE):
            return
        root = self.home / "base"
        shutil.rmtree(root, ignore_errors=True)
        self.run("debootstrap", "--variant=minbase", "bookworm", str(root), within=900, inside=False)
        if CERTIFICATES.exists():  # authorities that this machine trusts, such as that of a proxy on the way out
            shutil.copytree(CERTIFICATES, root / "usr/local/share/ca-certificates", dirs_exist_ok=True)
        archive = self.home / "base.tar"
        self.run("tar", "-C", str(root), "-cf", str(archive), ".", inside=False)
        self.run("podman", "import", str(archive), BASE, inside=False)
        archive.unlink()
        shutil.rmtree(root, ignore_errors=True)

    def build(self, tag: str, file: Path, context: Path) -> None:
        """Build an image without an outside registry."""
        self.run(
            *("buildah", "bud", "--isolation", "chroot", "--network", "host", "--pull-never", "--layers"),
            *("-t", tag, "-f", str(file), str(context)),
            within=1_800,
            inside=False,
        )
