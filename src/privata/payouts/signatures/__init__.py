"""Proofs that somebody holds the key of an address, by the conventions of each chain's wallets."""
