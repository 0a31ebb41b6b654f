"""The composition root of the web processes: the core with its HTTP and live edges."""

from __future__ import annotations

import blueprints
import realtime
from quickshop.factory import create_app

app = create_app(edges=[blueprints.register, realtime.register])
