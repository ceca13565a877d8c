"""Runs a program and ends it when whoever started it is gone.

Started as a file, with the program as arguments and a pipe as standard input that nobody writes
to: when the parent dies, even by SIGKILL, the pipe closes, and the whole process group is killed.
A spider whose worker was killed would otherwise go on asking the site beside its successor.
"""

import os
import signal
import subprocess
import sys
import threading


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> int:
    """Run the program of the arguments; return its exit code as a shell would say it."""
    threading.Thread(target=_watch, daemon=True).start()
    try:
        child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - a list
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]}: {error.strerror}\n")
        return 127
    code = child.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    # Not sys.exit: the watching thread sits in a read that only the parent ends.
    sys.stdout.flush()
    os._exit(main())
