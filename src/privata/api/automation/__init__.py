"""The automation API, `/dashboard/v1`: the routes of several rooms for personal access tokens."""
