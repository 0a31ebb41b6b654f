"""The shop itself: the core that knows the rules; the edges only translate."""
