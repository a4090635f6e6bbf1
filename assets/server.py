"""Dagster's web pages over the same assets, for this machine only.

Here: how the server is started and ended. Not here: what it shows (``assets.definitions``).
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from assets import config
from schemas.faults import InputError

CONFIG = "TIEOUT_CONFIG"
HOST = "127.0.0.1"
TROUBLE = 2

#: Nothing is reported to anybody, and no page asks to.
SETTINGS = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"


def served(config_file: Path | None, port: int) -> int:
    """Serves the pages until it is interrupted.

    Runs and schedules are kept in ``$DAGSTER_HOME`` where that is set, else only as long as the server runs.
    """
    require_free(port)
    quiet = {"DAGSTER_DISABLE_TELEMETRY": "yes", "GX_ANALYTICS_ENABLED": "false"}
    environment = dict(os.environ) | quiet | started_with(config_file)
    with tempfile.TemporaryDirectory(prefix="tieout-dagster-") as home:
        (Path(home) / "dagster.yaml").write_text(SETTINGS, encoding="utf-8")
        environment.setdefault("DAGSTER_HOME", home)
        server = subprocess.Popen(command(port), env=environment, start_new_session=True)
        return TROUBLE if waited_for(server) else 0


def started_with(config_file: Path | None) -> dict[str, str]:
    """Tells the server which configuration its runs start from, once it is known to be sound."""
    if config_file is None:
        return {}
    config.assignment(config.read(config_file))
    return {CONFIG: str(config_file.absolute())}


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise InputError(f"port {port} is in use. Choose another: tieout dev --port 3001.") from None


def command(port: int) -> list[str]:
    dagster = [sys.executable, "-W", "ignore", "-m", "dagster", "dev"]
    return [*dagster, "-h", HOST, "-p", str(port), "-m", "assets.definitions"]


def waited_for(server: "subprocess.Popen[bytes]") -> int:
    """Waits for the server; an interrupt or a request to end ends all its processes."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        ended(server)


def ended(server: "subprocess.Popen[bytes]") -> None:
    """Ends the server and the processes that it started, which are a group of their own."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, request)
            server.wait(timeout=10)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue
