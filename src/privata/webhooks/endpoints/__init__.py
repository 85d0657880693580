"""Endpoints: who is told, at which URL, with which secret."""
