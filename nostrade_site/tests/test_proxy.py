"""The committed proxy configuration, in a real nginx before a real gunicorn."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nostrade_site.tests.site import ROOT, eventually, free_port
from nostrade_site.tests.slow_clients import SlowClients, probe
from nostrade_site.tests.test_web_worker import MB, Server

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PROXY = ROOT / "nostrade_site" / "proxy"
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx here (apt-get install nginx-light)")
MAIN = """
daemon off; master_process off; pid FOLDER/nginx.pid; error_log FOLDER/error.log warn;
worker_rlimit_nofile 4096;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy;
fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s; include FOLDER/server.conf; }
"""


class Proxy:
    """nginx with one of the two committed servers; ports, paths and the site's name are this machine's."""

    def __init__(self, name: str, site_port: int) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="nostrade-nginx-"))
        server = (PROXY / name).read_text()
        assert "server web:8000 resolve;" in server  # of nginx 1.28, as in compose.yaml; Debian's is older
        for committed, here in {
            "server web:8000 resolve;": f"server 127.0.0.1:{site_port};",
            "listen 8080;": f"listen 127.0.0.1:{self.port};",
            "listen [::]:8080;": f"listen [::1]:{self.port};",
            "listen 8443 ssl;": f"listen 127.0.0.1:{self.tls_port} ssl;",
            "listen [::]:8443 ssl;": f"listen [::1]:{self.tls_port} ssl;",
            "/etc/nginx/site/common.conf": str(PROXY / "common.conf"),
            "/etc/nginx/tls": str(self.folder),
        }.items():
            server = server.replace(committed, here)
        (self.folder / "server.conf").write_text(server)
        (self.folder / "nginx.conf").write_text(MAIN.replace("FOLDER", str(self.folder)))
        if "ssl" in server:
            make_certificate(self.folder)
        command = [str(NGINX), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "start.log")]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert eventually(self.is_up, 30), self.process.stderr

    def is_up(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as client:
            client.request(method, path, body, names)
            answer = client.getresponse()
            return answer.status, answer.read()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder)


def make_certificate(folder: Path) -> None:
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "1",
    ]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Proxy]]:
    server = Server(tmp_path_factory.mktemp("server"))
    proxies: list[Proxy] = []

    def begin(name: str) -> Proxy:
        proxies.append(Proxy(name, server.port))
        return proxies[-1]

    yield begin
    for proxy in proxies:
        proxy.stop()
    server.stop()


@pytest.fixture(scope="module")
def proxy(start: Callable[[str], Proxy]) -> Proxy:
    return start("http.conf")


def test_it_works(proxy: Proxy) -> None:
    status, body = proxy.ask("GET", "/here")
    assert (status, json.loads(body)["path"]) == (200, "/here")


def test_no_client_chooses_its_address_or_scheme(proxy: Proxy) -> None:
    forged = {
        "X_Forwarded_For": "203.0.113.9",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "evil.example",
    }
    _, body = proxy.ask("GET", "/", **forged, Forwarded="for=203.0.113.9", X_Real_IP="203.0.113.9")
    said = json.loads(body)
    assert said["forwarded"] == ["127.0.0.1", "http"]
    assert not {"HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED", "HTTP_X_REAL_IP"} & set(said["headers"])


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/./metrics", "/a/../metrics"])
def test_counts_are_not_for_the_world(proxy: Proxy, path: str) -> None:
    status, body = proxy.ask("GET", path, Authorization="Bearer 0123456789abcdef")
    assert status == 404
    assert b"nginx" in body  # the site was not asked


@pytest.mark.parametrize(("size", "status"), [(16 * MB, 200), (48 * MB, 200), (110 * MB, 413)])
def test_the_largest_uploads_pass(proxy: Proxy, size: int, status: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)) as client:
        client.putrequest("POST", "/")
        client.putheader("Content-Length", str(size))
        client.endheaders()
        with contextlib.suppress(OSError):  # it need not hear all of what is too much
            client.send(b"x" * size)
        answer = client.getresponse()
        assert answer.status == status
        if status == 200:
            assert json.loads(answer.read())["size"] == size


def test_the_longest_address_passes(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/" + "a" * 8100)[0] == 200


def test_two_hundred_slow_clients_hold_up_nobody(proxy: Proxy) -> None:
    with SlowClients(proxy.port, "/?size=30000000") as slow:
        assert eventually(lambda: slow.connected > 150)
        answers = [probe(proxy.port) for _ in range(11)]
    assert {status for status, _ in answers} == {200}
    assert statistics.median(seconds for _, seconds in answers) < 1


def test_with_tls_the_site_hears_of_it(start: Callable[[str], Proxy]) -> None:
    proxy = start("https.conf")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)) as client:
        client.request("GET", "/a?b", headers={"Host": "anime.example"})
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Location")) == (301, "https://anime.example/a?b")
    context = ssl.create_default_context(cafile=proxy.folder / "fullchain.pem")
    context.check_hostname = False
    client = http.client.HTTPSConnection("127.0.0.1", proxy.tls_port, timeout=30, context=context)
    with contextlib.closing(client):
        client.request("GET", "/", headers={"X-Forwarded-Proto": "http"})
        assert json.loads(client.getresponse().read())["forwarded"] == ["127.0.0.1", "https"]


def test_containers_publish_the_proxy_alone() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    assert re.findall(r"^ {2}(\w+):(?:\n {4}.*)*?\n {4}ports:", compose, re.M) == ["proxy"]
