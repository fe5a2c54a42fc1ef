"""The vocabulary: every fact that a service may record, and the wire format."""
