from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from derailed_tunnel._generated import tunnel_pb2 as pb

PROTO = Path(__file__).resolve().parents[3] / "proto"


def test_the_generated_code_says_what_the_proto_says(tmp_path: Path) -> None:
    """The texts of generated code differ from compiler to compiler; what they describe must not."""
    protoc = pytest.importorskip("grpc_tools.protoc")
    out = tmp_path / "set.binpb"
    arguments = ["", f"-I{PROTO}", f"--descriptor_set_out={out}", "derailed/tunnel/v1/tunnel.proto"]
    assert protoc.main(arguments) == 0
    (fresh,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    committed = descriptor_pb2.FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    for described in (fresh, committed):
        for message in described.message_type:
            for field in message.field:
                field.ClearField("json_name")
    assert committed == fresh, "stale: run python scripts/generate.py"
