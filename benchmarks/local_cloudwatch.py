"""Answers PutMetricData at once and keeps nothing: CloudWatch without the network, the service or the wait.

`python benchmarks/local_cloudwatch.py` prints its port and serves until it is ended. It speaks the protocols that
boto3 may choose for CloudWatch (CBOR, JSON, XML). The comparison with it favours the callers of CloudWatch: the true
one is milliseconds away.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

XML = (
    b'<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata>'
    b"<RequestId>0</RequestId></ResponseMetadata></PutMetricDataResponse>"
)


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers.get("Content-Type", "")
        head = {"Content-Type": kind}
        if "cbor" in kind:
            body, head["smithy-protocol"] = b"\xbf\xff", "rpc-v2-cbor"
        elif "json" in kind:
            body = b"{}"
        else:
            body, head["Content-Type"] = XML, "text/xml"
        head["Content-Length"] = str(len(body))
        lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def log_message(self, *_words: object) -> None:
        """Stay silent."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
