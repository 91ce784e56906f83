"""Stops one thread of another process, as a debugger does, so that a test need not guess how long a batch takes."""

import ctypes
import os
import pathlib

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # requests of ptrace(2)
ALL_CHILDREN = 0x40000000  # __WALL: also threads
COMPUTING_THREAD = "lacos-compute"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")


class Held:
    """The thread with this name stands still until the end of the `with` block, or until Release."""

    def __init__(self, process, name=COMPUTING_THREAD):
        tasks = pathlib.Path(f"/proc/{process}/task").iterdir()
        (task,) = [task for task in tasks if (task / "comm").read_text(encoding="ascii").strip() == name]
        self.thread = int(task.name)
        _ptrace(SEIZE, self.thread)
        _ptrace(INTERRUPT, self.thread)
        os.waitpid(self.thread, ALL_CHILDREN)
        self.held = True

    def release(self):
        if self.held:
            _ptrace(DETACH, self.thread)
        self.held = False

    def process_has_ended(self):
        """Whether the process has ended while its thread was held. Its parent learns of the end only after this call."""
        ended, status = os.waitpid(self.thread, ALL_CHILDREN | os.WNOHANG)
        if ended == 0 or os.WIFSTOPPED(status):
            return False
        self.held = False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


def can_hold():
    """Whether this system lets a process trace its children."""
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
        os._exit(0)
    try:
        _ptrace(SEIZE, child)
        return True
    except OSError:
        return False
    finally:
        os.kill(child, 9)
        os.waitpid(child, ALL_CHILDREN)
