"""`python -m xpnet.report`."""

import sys

from xpnet.report.command import main

if __name__ == "__main__":
    sys.exit(main())
