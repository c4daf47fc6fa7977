"""A token endpoint for the client credentials grant: HTTPS, unsecured JWTs that live a few seconds.

    token_server.py PORT CERTIFICATE KEY SECONDS
"""
import base64
import http.server
import json
import ssl
import sys
import time

port, certificate, key, seconds = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])


def part(claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        expected = "Basic " + base64.b64encode(b"web:s3cret").decode()
        if self.headers["Authorization"] != expected:
            return self.answer(401, {"error": "invalid_client", "error_description": "who is that"})
        if form != "grant_type=client_credentials&scope=kafka":
            return self.answer(400, {"error": "invalid_scope"})
        now = int(time.time())
        token = part({"alg": "none"}) + "." + part({"sub": "web", "iat": now, "exp": now + seconds, "scope": "kafka"}) + "."
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": seconds})

    def answer(self, status, fields):
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *arguments):
        print(text % arguments, flush=True)


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
