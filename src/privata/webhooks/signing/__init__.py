"""Signatures and secrets: making, checking and explaining them."""
