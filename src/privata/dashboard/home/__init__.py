"""Home: what happened, what needs attention, and what is missing to go live."""
