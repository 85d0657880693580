"""The installation's secret keys: known to the database by their fingerprints, rotated in two
phases, and counted before one is taken away (docs/self-hosting.md, Secret keys)."""
