"""A real SMTP server on loopback that can die and come back on the same port, and keeps what it accepted."""

import email
import email.policy
import socketserver
import threading


class MailServer:
    """`accepted` are the mails taken, as parsed messages, in order. `refused` recipients get `code`; `limit` mails are
    taken in a connection before it is cut in the middle of the next.
    """

    def __init__(self):
        self.accepted = []
        self.connections = 0
        self.refused = set()
        self.code = 550
        self.limit = None
        self._server = None
        self._thread = None
        self.port = 0
        self.start()

    @property
    def url(self):
        """For SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self):
        """Begin to listen; after `stop` on the same port."""
        mails = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                mails.connections += 1
                mails._talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self):
        """Be dead: nobody listens."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _talk(self, incoming, outgoing):
        def say(line):
            outgoing.write(line.encode() + b"\r\n")

        say("220 mail.test")
        taken = 0
        for raw in incoming:
            line = raw.decode().strip()
            verb = line[:4].upper()
            if verb == "DATA":
                if self.limit is not None and taken >= self.limit:
                    return
                say("354 go on")
                self._take(incoming)
                taken += 1
                say("250 taken")
            elif verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                say(f"{self.code} no" if address in self.refused else "250 fine")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")

    def _take(self, incoming):
        lines = []
        for line in incoming:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        self.accepted.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
