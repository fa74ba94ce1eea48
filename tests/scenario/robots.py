"""Far ends of alerts for the scenario tests: group robots over HTTPS that check signature and rate as the real ones do, and a
mail server with STARTTLS. Each can misbehave. Written from the makers' pages, not from our code."""
import base64
import email
import email.header
import hashlib
import hmac
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

PER_MINUTE = 15  # what is promised to a robot that takes 20

# What the makers take: (messages, in so many s) …; beyond it wecom and dingtalk are deaf for ten minutes.
LIMITS = {"wecom": [(20, 60)], "dingtalk": [(20, 60)], "feishu": [(100, 60), (5, 1)], "webhook": []}
DEAF_S = 600


class Robot:
    """kind: wecom dingtalk feishu webhook. mode: ok, error (200 with a code), hang, redirect, flood, often, busy (503)."""

    def __init__(self, kind, folder, secret="", key="key", clock=time.time):
        self.kind, self.secret, self.key, self.mode, self.clock = kind, secret, key, "ok", clock
        self.deaf_until, self.too_often, self.lock = 0, 0, threading.Lock()
        self.messages, self.times, self.wrong, self.tries, self.held = [], [], [], 0, threading.Event()
        robot = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                robot.serve(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # of a client that cuts us off, or does not trust us
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/broker.crt", f"{folder}/broker.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self):
        return f"https://127.0.0.1:{self.port}/robot/send?access_token={self.key}"

    def serve(self, request):
        with self.lock:
            self.tries += 1
            taken = self.takes(self.clock())
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query, strict_parsing=True))
        answer = {"ok": {"errcode": 0, "code": 0, "errmsg": "ok"}, "error": {"errcode": 310000, "code": 19024, "errmsg": "keywords"},
                  "often": {"errcode": 130101, "code": 11232, "errmsg": "too fast"}}.get(self.mode, {})
        if self.mode == "hang":
            self.held.wait(60)
            return
        if self.mode == "flood":
            self.flood(request)
            return
        if not self.signed(query, body) or query.get("access_token") != self.key:
            answer = {"errcode": 310000, "code": 19021, "errmsg": "sign not match"}
            self.wrong.append(body)
        elif not taken:
            answer = {"errcode": 45009 if self.kind == "wecom" else 130101, "code": 11232, "errmsg": "too fast"}
        request.send_response({"redirect": 302, "busy": 503}.get(self.mode, 200))
        if self.mode == "redirect":
            request.send_header("Location", self.url())
        text = json.dumps(answer).encode()
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)
        if answer.get("errcode") == 0:
            self.messages.append(body)

    def takes(self, now_s):
        """Whether the real one would still listen."""
        over = any(sum(1 for t in self.times if t > now_s - span_s) >= most for most, span_s in LIMITS[self.kind])
        if over and self.kind != "feishu":
            self.deaf_until = now_s + DEAF_S
        self.times.append(now_s)
        if over or now_s < self.deaf_until:
            self.too_often += 1
            return False
        return True

    def flood(self, request):
        try:
            request.send_response(200)
            request.end_headers()
            for _ in range(160):
                request.wfile.write(b"[" * 65536)
        except OSError:
            self.held.set()  # cut off, as it should be

    def signed(self, query, body):
        if not self.secret:
            return True
        if self.kind == "dingtalk":
            stamp, given = query.get("timestamp", "0"), query.get("sign")
            wanted = hmac.new(self.secret.encode(), f"{stamp}\n{self.secret}".encode(), hashlib.sha256).digest()
            age_s = abs(self.clock() - int(stamp) / 1000)
        else:
            stamp, given = body.get("timestamp", "0"), body.get("sign")
            wanted = hmac.new(f"{stamp}\n{self.secret}".encode(), b"", hashlib.sha256).digest()
            age_s = abs(self.clock() - int(stamp))
        return given == base64.b64encode(wanted).decode() and age_s < 3600

    def texts(self):
        """What people would read."""
        members = {"wecom": lambda m: m["text"]["content"], "dingtalk": lambda m: m["text"]["content"],
                   "feishu": lambda m: m["content"]["text"], "webhook": lambda m: m["text"]}
        return [members[self.kind](m) for m in self.messages]

    def busiest_minute(self):
        """The most messages in any 60 s."""
        return max((sum(1 for other in self.times if at <= other < at + 60) for at in self.times), default=0)

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


class Mail:
    """An SMTP server that wants STARTTLS and AUTH PLAIN. mode: ok, refuse (550), later (451), hang."""

    def __init__(self, folder, user, password):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{folder}/broker.crt", f"{folder}/broker.key")
        self.login = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.mode, self.mails, self.tries = "ok", [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        self.tries += 1
        client.settimeout(60)
        try:
            self.converse(client)
        except (OSError, ValueError):
            pass
        client.close()

    def converse(self, client):
        secure, known, to, lines = False, False, [], client.makefile("rwb")

        def say(text):
            lines.write(text.encode() + b"\r\n")
            lines.flush()

        if self.mode == "hang":
            time.sleep(60)
        say("220 example ESMTP")
        while raw := lines.readline():
            line = raw.decode().rstrip("\r\n")
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                say("250-example\r\n250 AUTH PLAIN" if secure else "250-example\r\n250 STARTTLS")
            elif verb == "STARTTLS":
                say("220 go ahead")
                lines.close()
                client = self.context.wrap_socket(client, server_side=True)
                lines, secure = client.makefile("rwb"), True
            elif verb == "AUTH":
                given = line.split(" ")[2] if line.count(" ") > 1 else None
                if given is None:
                    say("334 ")
                    given = lines.readline().decode().strip()
                known = secure and given == self.login
                say("235 ok" if known else "535 no")
            elif verb == "MAIL":
                say("250 ok" if known else "530 log in first")
            elif verb == "RCPT":
                to.append(line)
                say({"refuse": "550 no such user", "later": "451 try again"}.get(self.mode, "250 ok"))
            elif verb == "DATA":
                say("354 go on")
                text = b""
                for part in iter(lines.readline, b".\r\n"):
                    text += part
                self.mails.append((to, email.message_from_bytes(text)))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def texts(self):
        """(recipients, subject, text) of each mail."""
        return [(to, str(email.header.make_header(email.header.decode_header(m["Subject"]))),
                 m.get_payload(decode=True).decode()) for to, m in self.mails]

    def close(self):
        self.socket.close()
