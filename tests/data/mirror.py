"""A server on this machine that misbehaves as a test likes it."""
import contextlib
import http.server
import threading


class Mirror(http.server.ThreadingHTTPServer):
    """Serves `body` at any address. What it does wrong is said by its attributes."""

    status = 200            # what it answers
    kind = "application/octet-stream"
    resumes = True          # does it know the Range header?
    cut_after = None        # bytes of each answer until it drops the connection
    says_length = True

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), Answer)
        self.body = body
        self.ranges = []    # the Range header of each request
        self.folder = f"http://127.0.0.1:{self.server_port}/"
        self.address = self.folder + "file.bin"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mirror, asked = self.server, self.headers["Range"]
        mirror.ranges.append(asked)
        if mirror.status != 200:
            return self.send_error(mirror.status)
        first = int(asked.split("=")[1].rstrip("-")) if asked and mirror.resumes else 0
        if first and first >= len(mirror.body):
            return self.send_error(416)
        self.send_response(206 if first else 200)
        self.send_header("Content-Type", mirror.kind)
        if mirror.says_length:
            self.send_header("Content-Length", str(len(mirror.body) - first))
        self.end_headers()
        self.wfile.write(mirror.body[first:][:mirror.cut_after])

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
