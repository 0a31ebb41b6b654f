"""What settings of the shop refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class SettingChanged(Conflict):
    """Somebody else changed the setting since it was read."""

    code, title = "changed_meanwhile", "This setting has been changed meanwhile"

    def __init__(self, version: int) -> None:
        super().__init__("Look at it again, then change it.", version=version)
