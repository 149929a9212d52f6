"""`python -m xpnet.sweep`."""

import sys

from xpnet.sweep.command import main

if __name__ == "__main__":
    sys.exit(main())
