"""A process that has TensorFlow loaded, and makes of itself each process that a test asks for.

python -m tests.warm_server DESCRIPTOR OWNER

DESCRIPTOR is that of a socket that listens, alone in its folder; OWNER is the process with which
the server ends.

Loading TensorFlow takes some 5 s, more than all that most tests have a process do. Here it is
loaded once, before anything runs that would start threads, and each process is forked from that:
it has a pid, streams, limits, an environment and a work directory of its own, as any other.

Each connection asks for one, by a line of JSON with its three streams, see `tests.warm`. It is told
the pid when the process is about to run its module, and at its end how it has ended.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import shutil
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import sbrcli
from sbrcli.models.training.backend import start_tensorflow

LIMIT = 1 << 20
"""Bytes that a request has at most."""


def serve(listening: int, owner: int) -> None:
    """Fork for each connection, until the owner is gone."""
    start_tensorflow()
    import tensorflow as tf

    from sbrcli.models.training import backend

    load_all_that_commands_load()
    # Together these take most of a small network's time, see `tests.traced_steps`.
    backend.compiles_with_xla = lambda: False
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    gc.collect()
    gc.freeze()  # no forked process looks through all of TensorFlow for garbage
    with socket.socket(fileno=listening) as server:
        server.settimeout(2)
        while is_running(owner):
            with suppress(TimeoutError):
                connection, _ = server.accept()
                with connection:
                    connection.setblocking(True)
                    text, streams, _, _ = socket.recv_fds(connection, LIMIT, 3)
                    if os.fork() == 0:
                        server.close()
                        run_and_tell(connection, json.loads(text), streams)
                    for stream in streams:
                        os.close(stream)
        shutil.rmtree(Path(server.getsockname()).parent, ignore_errors=True)


def load_all_that_commands_load() -> None:
    """Import the package, but for what stays out of a process that does not show or serve."""
    for module in pkgutil.walk_packages(sbrcli.__path__, "sbrcli."):
        if module.name.split(".")[1] not in ("__main__", "report", "serve"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as missing:
                if missing.name != "pyspark":  # the one extra that tests do without
                    raise


def is_running(pid: int) -> bool:
    """Return whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def run_and_tell(connection: socket.socket, request: dict[str, Any], streams: list[int]) -> None:
    """Fork the process itself, and wait for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = run_module(connection, request, streams)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                if sys.stdout is not None:
                    sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def run_module(connection: socket.socket, request: dict[str, Any], streams: list[int]) -> int:
    """Be the process that is asked for; return its exit code."""
    take_streams(dict(zip(request["streams"], streams, strict=True)), request["env"])
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    for name, limits in request["limits"].items():
        resource.setrlimit(getattr(resource, name), tuple(limits))
    if request["is_plain_user"] and os.geteuid() == 0:
        give_up_rights()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.dont_write_bytecode = True  # a limit of a file's size may cut it
    sys.argv = [request["module"], *request["words"]]
    connection.sendall(f"{os.getpid()}\n".encode())
    connection.close()
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def take_streams(streams: dict[int, int], env: dict[str, str]) -> None:
    """Make these descriptors the standard streams; those that are missing are closed."""
    for number in range(3):
        if number in streams:
            os.dup2(streams[number], number)
            os.close(streams[number])
        else:
            os.close(number)
    encoding = env.get("PYTHONIOENCODING")
    sys.stdin = open(0, closefd=False) if 0 in streams else None  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False) if 1 in streams else None  # noqa: SIM115
    sys.stderr = (
        open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        if 2 in streams
        else None
    )


def give_up_rights() -> None:
    """Be bound by the permissions of files, as every user but root is."""
    version_3, this_process = 0x20080522, 0
    header = (ctypes.c_uint32 * 2)(version_3, this_process)
    no_capabilities = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(header, no_capabilities) != 0:
        raise PermissionError("capset was refused")


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
