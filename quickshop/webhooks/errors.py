"""What outbound webhooks refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class TooManyEndpoints(Conflict):
    """The shop tells so many other systems and no more."""

    code, title = "too_many_webhooks", "Too many webhooks"


class EndpointInactive(Conflict):
    """Nothing is sent to an endpoint that is disabled; enable it first."""

    code, title = "webhook_inactive", "This webhook is not active"

    def __init__(self) -> None:
        super().__init__("Nothing is sent to this webhook; enable it first.")


class ChangedMeanwhile(Conflict):
    """Somebody else changed the endpoint since the caller looked at it; `version` is the present one."""

    code, title = "changed_meanwhile", "Changed meanwhile"

    def __init__(self, version: int) -> None:
        super().__init__("Somebody else has changed this since you looked; look at it again.", version=version)
