"""Groups of the command line, one module each; `privata.cli` puts them together."""
