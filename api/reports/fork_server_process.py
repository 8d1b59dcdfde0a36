"""The process whose copies make reports: it imports what they need once, and forks a child for each job.

    python -m api.reports.fork_server_process CONTROL MODULE…

CONTROL is the number of a Unix socket that keeps messages apart. A message is the name of a module, with two sockets:
the child reads its job from the first and writes its answer to it, and says on the second what went wrong. After its
end the second gets a last line with its exit status.

It has one thread and no connection to anything, so a fork is safe. It ends when CONTROL is closed, as when the process
that started it has died. Its children end with it, also when it is killed. A child whose first socket is closed at the
other end is killed: nobody waits for it any more.
"""

import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

__all__ = ["main"]

_LONGEST = 1024
"""Bytes of a message."""
_SET_PARENT_DEATH_SIGNAL = 1
"""What `prctl(2)` calls PR_SET_PDEATHSIG."""


@dataclass(frozen=True, slots=True)
class _Child:
    """A child at work. `ended` becomes readable when it is over."""

    pid: int
    ended: int
    job: int
    complaint: int


class _Server:
    """The children, by each of the descriptors that say something of them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children: dict[int, _Child] = {}

    def run(self) -> None:
        """Fork children until nobody is left who would ask for one."""
        try:
            while True:
                for descriptor, _ in self._poll.poll():
                    if descriptor == self._control.fileno():
                        if not self._take():
                            return
                    elif descriptor in self._children:  # its child may be over by another one of this round
                        self._look_after(descriptor, self._children[descriptor])
        finally:
            self._end()

    def _take(self) -> bool:
        """Begin one job; returns whether there may be more."""
        message, descriptors, _, _ = socket.recv_fds(self._control, _LONGEST, 2)
        if not message:
            return False
        job, complaint = descriptors
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _die_with(parent)
            _work(message.decode(), job, complaint)
        child = _Child(pid, os.pidfd_open(pid), job, complaint)
        self._children |= {child.ended: child, child.job: child}
        self._poll.register(child.ended, select.POLLIN)
        self._poll.register(child.job, 0)  # reported only when the other end is closed
        return True

    def _look_after(self, descriptor: int, child: _Child) -> None:
        if descriptor == child.job:
            os.kill(child.pid, signal.SIGKILL)
            self._poll.unregister(child.job)
            return
        _, state = os.waitpid(child.pid, 0)
        with socket.socket(fileno=child.complaint) as complaint, suppress(OSError):  # nobody may read it any more
            complaint.send(f"\n{os.waitstatus_to_exitcode(state)}".encode(), socket.MSG_DONTWAIT)
        for one in (child.ended, child.job):
            with suppress(KeyError):
                self._poll.unregister(one)
            del self._children[one]
            os.close(one)

    def _end(self) -> None:
        for child in {one.pid: one for one in self._children.values()}.values():
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


def _die_with(parent: int) -> None:
    """Let the kernel kill this child when its parent dies, however that is."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)


def _work(module: str, job: int, complaint: int) -> NoReturn:
    """Do a job in a child, and end it."""
    status = 1
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        os.dup2(job, 0)
        os.dup2(job, 1)
        os.dup2(complaint, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # of other children, too: their ends would not be seen
        status = importlib.import_module(module).main()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - it must not come back into the loop that forked it
        with suppress(OSError):
            traceback.print_exc()
            sys.stderr.flush()
    finally:
        os._exit(status)


def main() -> int:
    """Serve until the other end of the socket is closed; returns the exit status."""
    number, *modules = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever started it says when it ends
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # children share these pages for as long as nobody counts what is on them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # its children end with it; until here there are none
    with socket.socket(fileno=int(number)) as control:
        _Server(control).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
