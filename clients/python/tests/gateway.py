"""The real gateway as a process, and a bare client of its WebSocket."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional

from websockets.sync.client import connect

REPOSITORY = Path(__file__).resolve().parents[3]
MAIN = Path(os.environ.get("DERAILED_GATEWAY_MAIN", REPOSITORY / "dist" / "apps" / "gateway" / "main.js"))
STARTS_WITHIN = 60


class Gateway:
    """`gateway` with its embedded defaults, on free ports, with data of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        names = ("GATEWAY", "TUNNEL", "ADMIN", "AUTH")
        environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")},
            **{f"{name}_LISTEN": "127.0.0.1:0" for name in names},
        }
        self._process = subprocess.Popen(
            ["node", str(MAIN)],
            cwd=self._folder.name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: List[str] = []
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        self._ready.wait(STARTS_WITHIN)
        if "Demo tokens:" not in self.output:
            self.stop()
            raise RuntimeError(f"the gateway did not start:\n{self.output}")

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def tunnel(self) -> str:
        return self._find(r"^ +tunnel +grpc://(\S+)")

    @property
    def websocket(self) -> str:
        return self._find(r"^ +WebSocket +(\S+)")

    @property
    def token(self) -> str:
        """Of one of the demo users."""
        return self._find(r"^Demo tokens:\n +\S+ +(\S+)")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _find(self, pattern: str) -> str:
        match = re.search(pattern, self.output, re.MULTILINE)
        assert match, f"{pattern} is not in:\n{self.output}"
        return match.group(1)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            # The last of the demo users.
            if line.startswith("  demo-bot"):
                self._ready.set()
        # It has ended; whoever waits for it need not.
        self._ready.set()


class Client:
    """A client that identifies and then listens."""

    def __init__(self, gateway: Gateway) -> None:
        self._socket = connect(f"{gateway.websocket}/?v=10&encoding=json", max_size=None)
        assert self._receive()["op"] == 10
        identify = {"token": gateway.token, "properties": {}}
        self._socket.send(json.dumps({"op": 2, "d": identify}))
        self.ready = self.next("READY")
        self.guilds: Dict[str, Dict[str, Any]] = {}
        for _ in self.ready["guilds"]:
            guild = self.next("GUILD_CREATE")
            self.guilds[guild["id"]] = guild

    def next(self, name: str) -> Dict[str, Any]:
        """The data of the next event of this name; others are passed over."""
        while True:
            payload = self._receive()
            if payload["op"] == 0 and payload["t"] == name:
                data: Dict[str, Any] = payload["d"]
                return data

    def close(self) -> None:
        self._socket.close()

    def _receive(self, timeout: Optional[float] = 20) -> Dict[str, Any]:
        payload: Dict[str, Any] = json.loads(self._socket.recv(timeout))
        return payload
