"""The live edge: Socket.IO over WebSocket, topics with gap-free resume, and the bus between processes."""

from realtime.server import register

__all__ = ["register"]
