"""``python -m flows.pipeline.reporting``: print the glossary of figures (docs/figures.md)."""

import sys

from flows.pipeline.reporting.glossary import page

if __name__ == "__main__":
    sys.stdout.write(page())
