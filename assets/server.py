"""Dagster's web pages over the same assets, for this machine only.

Here: how the server is started and ended. Not here: what it shows (``assets.definitions``).
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from assets import config
from assets.definitions import CONFIG

#: Nothing is reported to anybody, and no page asks to.
SETTINGS = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"


def served(config_file: Path | None, port: int) -> int:
    """Serves the pages until it is interrupted; schedules and runs are kept in a folder that goes with it."""
    environment = dict(os.environ)
    if config_file is not None:
        config.assignment(config.read(config_file))
        environment[CONFIG] = str(config_file.absolute())
    with tempfile.TemporaryDirectory(prefix="tieout-dagster-") as home:
        (Path(home) / "dagster.yaml").write_text(SETTINGS, encoding="utf-8")
        environment |= {
            "DAGSTER_HOME": home,
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "GX_ANALYTICS_ENABLED": "false",
        }
        server = subprocess.Popen(command(port), env=environment, start_new_session=True)
        return waited_for(server)


def command(port: int) -> list[str]:
    dagster = [sys.executable, "-W", "ignore", "-m", "dagster", "dev"]
    return [*dagster, "-h", "127.0.0.1", "-p", str(port), "-m", "assets.definitions"]


def waited_for(server: "subprocess.Popen[bytes]") -> int:
    """Waits for the server; an interrupt or a request to end ends all its processes."""
    previous = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
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
