"""Starts jobs as copies of a process that has imported everything already: `fork_server_process`.

To begin a process of its own for each job took half a second to a second of the processor. A fork takes a few
milliseconds, and the child gives back all memory at its end as before.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

__all__ = ["ForkServer", "JobFailed"]

_DIED = "its process died"

IDLE = 600.0
"""Seconds without a job after which the process ends and gives its memory back."""
END_WITHIN = 3.0
"""Seconds that it has to end; then it is killed."""


class JobFailed(Exception):
    """A job ended without an answer. The text is the last line that it said."""


class _Died(JobFailed):
    """The process that forks died, and with it the word of how the job ended."""


class ForkServer:
    """One such process. It is started by the first job, and again by the next one if it ended or died.

    All methods belong to one event loop. `close` ends the process, and all jobs with it.
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], *, idle: float = IDLE) -> None:
        self._modules, self._environment, self._idle = tuple(modules), environment, idle
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._running = self._closed = 0
        self._resting: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process that runs; `None`: none does."""
        return None if self._process is None else self._process.pid

    async def run(self, module: str, job: bytes) -> bytes:
        """Returns what the module answers to a job. If the caller is cancelled, the child is killed.

        If the process that forks dies meanwhile, the job is done once more, by a new one.

        Raises:
            JobFailed: it failed, or died.
        """
        if self._resting is not None:
            self._resting.cancel()
        self._running += 1
        closed = self._closed
        try:
            try:
                return await self._answered(module, job)
            except _Died:
                if self._closed != closed:
                    raise
                return await self._answered(module, job)
        finally:
            self._running -= 1
            if not self._running:
                self._resting = asyncio.get_running_loop().call_later(self._idle, self._rest)

    async def close(self) -> None:
        """End the process, and wait until it has ended."""
        if self._resting is not None:
            self._resting.cancel()
        self._closed += 1
        self._rest()
        await asyncio.gather(*self._endings)

    async def _answered(self, module: str, job: bytes) -> bytes:
        ours, said = self._begun(module)
        process = self._process
        with ours, said:  # also if it is cancelled before they have a stream
            answers, asks = await asyncio.open_connection(sock=ours)
            complaints, listens = await asyncio.open_connection(sock=said)
            try:
                answer, _, complaint = await asyncio.gather(_all(answers), _give(asks, job), _all(complaints))
            finally:
                asks.transport.abort()
                listens.transport.abort()
        *lines, status = complaint.decode(errors="replace").split("\n")
        lines = [line for line in lines if line.strip()]
        if status == "0":
            return answer
        if status.isdecimal():
            raise JobFailed(lines[-1] if lines else "no reason given")
        if status.startswith("-"):  # minus the signal that ended it
            raise JobFailed(_DIED)
        if self._process is process:
            self._rest()
        raise _Died(_DIED)

    def _begun(self, module: str) -> tuple[socket.socket, socket.socket]:
        """Begin a job; returns our ends of its two sockets."""
        ours, theirs = socket.socketpair()
        said, complaint = socket.socketpair()
        with theirs, complaint:
            try:
                try:
                    self._send(module, theirs, complaint)
                except OSError:  # it died meanwhile: once more, to a new one
                    self._rest()
                    self._send(module, theirs, complaint)
            except OSError as problem:
                ours.close()
                said.close()
                raise JobFailed(f"no process could be started: {problem}") from None
        ours.setblocking(False)
        said.setblocking(False)
        return ours, said

    def _send(self, module: str, *sockets: socket.socket) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._rest()
        control = self._started() if self._control is None else self._control
        socket.send_fds(control, [module.encode()], [one.fileno() for one in sockets])

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-m", "api.reports.fork_server_process", str(number), *self._modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=dict(self._environment),
                pass_fds=[number],
            )
        ours.setblocking(False)  # a process that takes nothing must not hold the loop
        self._control = ours
        return ours

    def _rest(self) -> None:
        """Tell the process to end."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.terminate()  # while it still imports, it does not look at its socket
            ending = asyncio.get_running_loop().create_task(asyncio.to_thread(_end, self._process))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        self._control = self._process = self._resting = None


async def _all(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # it ended before it had read its job; what it says tells why
        return b""


async def _give(writer: asyncio.StreamWriter, job: bytes) -> None:
    writer.write(job)
    try:
        await writer.drain()
        writer.write_eof()
    except OSError:  # as above
        return


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
