"""Made by scripts/generate.py from proto/derailed/tunnel/v1/tunnel.proto."""
