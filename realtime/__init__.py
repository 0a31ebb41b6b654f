"""The live edge: Socket.IO server, topics, resume, and the only emitter."""
