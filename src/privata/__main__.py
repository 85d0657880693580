"""`python -m privata`."""

from privata.cli import main

if __name__ == "__main__":
    main()
