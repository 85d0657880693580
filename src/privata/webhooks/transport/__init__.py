"""Requests to addresses that we do not trust: the guard, names, connections, answers."""
