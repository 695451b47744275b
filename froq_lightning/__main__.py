"""`python -m froq_lightning` is the command `froq`."""

import sys

from froq_lightning.cli import main

if __name__ == "__main__":
    sys.exit(main())
