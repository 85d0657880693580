"""The rules of each network: a function from the text of an address to `Decoded`, or an error."""
