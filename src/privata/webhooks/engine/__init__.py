"""The delivery engine: claim, send, settle."""
