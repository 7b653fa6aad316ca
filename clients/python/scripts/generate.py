"""Generates src/derailed_tunnel/_generated from proto/derailed/tunnel/v1/tunnel.proto.

    python scripts/generate.py           writes the files
    python scripts/generate.py --check   exits 1 when the files are not what would be written

Runs the one compiler version that the committed files were made with, in an environment of its own: generated code
runs on the protobuf of its own major version and the next, so an old one serves most programs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

COMPILER = "grpcio-tools==1.74.0"
PROTO = "derailed/tunnel/v1/tunnel.proto"

package = Path(__file__).resolve().parent.parent
protos = package.parent.parent / "proto"
target = package / "src" / "derailed_tunnel" / "_generated"


def compile_into(folder: Path) -> dict[str, str]:
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", COMPILER], check=True)
    subprocess.run(
        [python, "-m", "grpc_tools.protoc", f"-I{protos}", f"--python_out={folder}", f"--pyi_out={folder}", PROTO],
        check=True,
    )
    made = folder / Path(PROTO).parent
    return {name: (made / name).read_text() for name in ("tunnel_pb2.py", "tunnel_pb2.pyi")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when the files are stale")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        files = compile_into(Path(folder))
    stale = [name for name, text in files.items() if not (target / name).exists() or (target / name).read_text() != text]
    if check:
        for name in stale:
            print(f"{target / name} is stale: run python scripts/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for name, text in files.items():
        (target / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
