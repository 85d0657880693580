"""Encodings that addresses are written in: one small pure module for each standard.

Every decoder accepts exactly one text for one value and raises `AddressError` for all others.
"""
