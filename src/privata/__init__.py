"""Privata: a self-hosted platform with which a crypto exchange business serves partners."""

__version__ = "0.1.0"
