"""The program gunicorn loads: `quickshop.runtime.doubles.app:app`. Importing it opens the journal."""

from __future__ import annotations

import os

from quickshop.runtime.doubles.options import load_options
from quickshop.runtime.doubles.routes import create_app

app = create_app(load_options(os.environ))
