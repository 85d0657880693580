"""The routes of the partner API."""
