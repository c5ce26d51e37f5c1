"""With the network cable out: the shipped checkpoints score the sample crawl and the server answers.

A ``sitecustomize`` in the child process lets every connection beyond loopback fail, and notes each attempt.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.conftest import ROOT

CUT = """
import os, socket

def note(what):
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(f"{what}\\n")

_connect, _lookup = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        note(address)
        raise OSError("the network is cut")
    return _connect(self, address)

def lookup(host, *args, **kwargs):
    if host not in (None, "", "127.0.0.1", "::1", "localhost", b"127.0.0.1"):
        note(host)
        raise socket.gaierror("the network is cut")
    return _lookup(host, *args, **kwargs)

socket.socket.connect, socket.getaddrinfo = connect, lookup
"""


@pytest.fixture
def cut(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(CUT)
    attempts = tmp_path / "attempts"
    attempts.touch()
    # A home of its own, so that no cache of an earlier run helps.
    return {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "ATTEMPTS": str(attempts),
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
    }, attempts


def test_the_cable_is_really_out(cut):
    env, attempts = cut
    code = "import urllib.request as u\ntry: u.urlopen('http://example.org', timeout=2)\nexcept OSError: print('cut')"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "cut"
    assert attempts.read_text()


@pytest.mark.slow
def test_the_demo_runs_without_network(cut, tmp_path):
    env, attempts = cut
    command = [sys.executable, "-m", "serving", "score", "data/sample", "--output", str(tmp_path / "demo.jsonl"), "--table"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "demo.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) >= 20
    assert all(row["activity"] and row["summary"]["text"] for row in rows)
    assert all(row["id"] in done.stdout for row in rows)
    assert attempts.read_text() == ""


@pytest.mark.slow
def test_the_server_answers_without_network(cut):
    env, attempts = cut
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "serving", "run", "--port", str(port)], env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{base}/readyz", timeout=5)
                break
            except OSError:
                assert server.poll() is None, server.stderr.read()
                assert time.monotonic() < deadline, "not ready in two minutes"
                time.sleep(0.3)
        text = "6月3日，临江市与东海食品公司签约，总投资5亿元建设食品产业园项目。"
        body = json.dumps({"documents": [{"id": "a", "text": text}]}).encode()
        request = urllib.request.Request(f"{base}/v1/analyze", body, {"Content-Type": "application/json"})
        row = json.load(urllib.request.urlopen(request, timeout=60))["results"][0]
        assert row["id"] == "a"
        assert any(m["text"] == "5亿元" and text[m["start"] : m["end"]] == "5亿元" for m in row["outcomes"]["mentions"])
        docs = urllib.request.urlopen(f"{base}/docs", timeout=30).read().decode()
        assert "https://" not in docs.replace("https://www.w3.org", "")
    finally:
        server.terminate()
        assert server.wait(60) is not None
        server.stderr.close()
    assert attempts.read_text() == ""
