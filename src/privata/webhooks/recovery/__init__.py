"""Sending again: resuming, retrying, replaying, recovering."""
