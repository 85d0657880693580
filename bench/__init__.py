"""`make bench`: figures and ratios, measured on this machine in this run."""
