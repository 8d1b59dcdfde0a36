"""The process whose copies make reports: it begins with the first job, outlives what goes wrong, and ends with us."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.reports.fork_server import ForkServer, JobFailed
from tests.in_thread import run

WITHIN = 30.0
JOB = """
import os, signal, sys
def main():
    job = sys.stdin.buffer.read().decode()
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "fail":
        sys.stderr.write("first\\nno such luck\\n")
        return 1
    if job == "raise":
        raise ValueError("out of range")
    if job.startswith("stay"):
        with open(job[5:], "w") as told:
            told.write(str(os.getpid()))
        signal.pause()
    sys.stdout.write(job.upper())
    return 0
"""


@pytest.fixture
def forks(tmp_path: Path) -> ForkServer:
    (tmp_path / "forked_job.py").write_text(JOB)
    return ForkServer(["forked_job"], os.environ | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"})


def during(forks: ForkServer, story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        try:
            async with asyncio.timeout(WITHIN):
                await story()
        finally:
            await forks.close()

    run(told())


async def until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Returns whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


async def at_work(path: Path) -> int:
    """Returns the process that told its number there."""
    await until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())  # noqa: ASYNC240 - a few bytes


def test_each_job_has_a_process_of_its_own_and_its_whole_answer(forks: ForkServer) -> None:
    large = "a" * 5_000_000

    async def story() -> None:
        answers = await asyncio.gather(*(forks.run("forked_job", job.encode()) for job in ("x", large, "y")))
        assert answers == [b"X", large.upper().encode(), b"Y"]
        first = forks.pid
        assert await forks.run("forked_job", b"z") == b"Z"
        assert forks.pid == first

    during(forks, story)
    assert forks.pid is None


@pytest.mark.parametrize(
    ("job", "said"), [("fail", "no such luck"), ("raise", "ValueError: out of range"), ("die", "its process died")]
)
def test_a_job_that_fails_says_why_and_the_next_one_is_made(forks: ForkServer, job: str, said: str) -> None:
    async def story() -> None:
        with pytest.raises(JobFailed, match=said):
            await forks.run("forked_job", job.encode())
        assert await forks.run("forked_job", b"z") == b"Z"

    during(forks, story)


def test_a_child_that_nobody_waits_for_is_killed_and_its_neighbour_is_not(forks: ForkServer, tmp_path: Path) -> None:
    async def story() -> None:
        given_up = asyncio.create_task(forks.run("forked_job", f"stay {tmp_path / 'one'}".encode()))
        other = asyncio.create_task(forks.run("forked_job", f"stay {tmp_path / 'other'}".encode()))
        one, neighbour = await at_work(tmp_path / "one"), await at_work(tmp_path / "other")
        given_up.cancel()
        await until(lambda: is_gone(one))
        assert not is_gone(neighbour)
        other.cancel()

    during(forks, story)


def test_after_its_death_the_next_job_starts_it_again(forks: ForkServer) -> None:
    async def story() -> None:
        await forks.run("forked_job", b"x")
        first = forks.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert await forks.run("forked_job", b"y") == b"Y"
        assert forks.pid not in (None, first)

    during(forks, story)


def test_when_it_is_killed_its_children_die_and_their_jobs_are_done_again(forks: ForkServer, tmp_path: Path) -> None:
    async def story() -> None:
        work = asyncio.create_task(forks.run("forked_job", f"stay {tmp_path / 'one'}".encode()))
        child, server = await at_work(tmp_path / "one"), forks.pid
        assert server is not None
        (tmp_path / "one").unlink()
        os.kill(server, signal.SIGKILL)
        again = await at_work(tmp_path / "one")
        assert again != child
        await until(lambda: is_gone(child))
        work.cancel()

    during(forks, story)


def test_it_ends_with_its_children_when_it_is_closed(forks: ForkServer, tmp_path: Path) -> None:
    """So it does when we die: the kernel closes what we held."""

    async def story() -> None:
        work = asyncio.create_task(forks.run("forked_job", f"stay {tmp_path / 'one'}".encode()))
        child, server = await at_work(tmp_path / "one"), forks.pid
        assert server is not None
        await forks.close()
        with pytest.raises(JobFailed, match="its process died"):
            await work
        assert is_gone(child)
        assert is_gone(server)

    during(forks, story)


def test_without_jobs_it_gives_its_memory_back(forks: ForkServer) -> None:
    forks._idle = 0

    async def story() -> None:
        assert await forks.run("forked_job", b"x") == b"X"
        await until(lambda: forks.pid is None)
        assert await forks.run("forked_job", b"y") == b"Y"

    during(forks, story)
