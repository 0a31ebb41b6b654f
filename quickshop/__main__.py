"""The entry of `python -m quickshop`."""

from quickshop.cli import main

main(prog_name="python -m quickshop")
