"""Networks that act: read from ONNX files, and played inside compiled code where they are made of what that can do."""
