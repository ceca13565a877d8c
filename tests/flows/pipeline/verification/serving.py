"""The review page served for real, in a thread, on a free port."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from flows.pipeline.verification.settings import ReviewSettings

TOKENS = {"ada": "token-of-ada-000000", "ben": "token-of-ben-000000", "lea": "token-of-lea-000000"}


def settings(**more: Any) -> ReviewSettings:
    """Settings with two reviewers and a lead."""
    roles = {"ada": "reviewer", "ben": "reviewer", "lea": "lead"}
    listed = ",".join(f"{name}:{roles[name]}:{token}" for name, token in TOKENS.items())
    return ReviewSettings(review_tokens=SecretStr(listed), **more)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application and yield its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", proxy_headers=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def signed_in(base: str, name: str) -> Iterator[httpx.Client]:
    """A browser's client after sign-in."""
    with httpx.Client(base_url=base, follow_redirects=True, timeout=30) as client:
        answer = client.post("/sign-in", data={"token": TOKENS[name]}, headers={"Origin": base})
        assert answer.status_code == 200, answer.text
        yield client


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the answer form, and the first candidate."""
    form = page[page.index('id="answer"') :]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    chosen = re.search(r'name="sku" id="c1" value="([^"]*)"', form)
    return found | ({"sku": chosen.group(1)} if chosen else {})
