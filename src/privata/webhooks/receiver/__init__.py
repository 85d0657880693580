"""The receiver for development: `privata receiver`."""
