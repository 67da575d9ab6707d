"""A small OpenID provider on this machine: discovery, a page to choose an account on, tokens signed with RS256, keys.

It is strict where an app could go wrong: it takes only the one client with its secret, the very redirect address, a
code once, and a proof of possession (PKCE, S256).
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "archscope", "not-a-secret-anywhere-else"


class Provider:
    """The provider: its issuer, its accounts (address to further claims), and what it was asked for."""

    def __init__(self, address: str, redirect: str, accounts: dict[str, dict[str, Any]]) -> None:
        self.issuer, self.redirect, self.accounts = address, redirect, accounts
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    @property
    def discovery(self) -> dict[str, Any]:
        at = {name: f"{self.issuer}/{name}" for name in ("authorize", "token", "jwks", "logout")}
        return {
            "issuer": self.issuer, "authorization_endpoint": at["authorize"], "token_endpoint": at["token"],
            "jwks_uri": at["jwks"], "end_session_endpoint": at["logout"], "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }  # fmt: skip

    def page(self, asked: dict[str, str]) -> str:
        """The accounts, a link each."""
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.redirect
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        links = [
            f'<p><a href="as?{html.escape(urlencode({**asked, "who": who}))}">{who}</a></p>' for who in self.accounts
        ]
        return f"<!doctype html><title>Choose an account</title><link rel=icon href='data:,'>{''.join(links)}"

    def grant(self, asked: dict[str, str]) -> str:
        """Back to the app with a code for the account that was chosen."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{self.redirect}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], client: tuple[str, str]) -> dict[str, Any]:
        """A token for a code, once."""
        assert client == (CLIENT, SECRET)
        assert asked["grant_type"] == "authorization_code"
        assert asked["redirect_uri"] == self.redirect
        granted = self.codes.pop(asked["code"])
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == granted["code_challenge"]
        who, now = granted["who"], int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": f"id-{who}", "iat": now, "exp": now + 300, "email": who}
        claims |= {"nonce": granted["nonce"], "email_verified": True, "name": who.partition("@")[0].title()}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.accounts[who], self.key)
        return {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "expires_in": 300, "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        place, asked = urlsplit(self.path).path, _flat(urlsplit(self.path).query)
        self.provider.asked.append(place)
        if place == "/.well-known/openid-configuration":
            self._json(self.provider.discovery)
        elif place == "/jwks":
            self._json({"keys": [self.provider.key.as_dict(private=False)]})
        elif place == "/authorize":
            self._send(200, self.provider.page(asked).encode(), "text/html")
        elif place == "/as":
            self._redirect(self.provider.grant(asked))
        elif place == "/logout":
            self._redirect(asked["post_logout_redirect_uri"])
        else:
            self._send(404, b"", "text/plain")

    def do_POST(self) -> None:
        asked = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.provider.asked.append(urlsplit(self.path).path)
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        known = base64.b64decode(value).decode().partition(":") if kind == "Basic" else ("", "", "")
        client = (unquote(known[0]), unquote(known[2])) if kind else (asked["client_id"], asked["client_secret"])
        self._json(self.provider.token(asked, client))

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), "application/json")

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the test's own output is enough."""


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextmanager
def provide(redirect: str, accounts: dict[str, dict[str, Any]]) -> Iterator[Provider]:
    """A provider on 127.0.0.1 that lasts as long as the block."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_port}", redirect, accounts)
        handler.provider = provider  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


def secrets_file(provider: Provider) -> str:
    """secrets.toml of an app that signs in with this provider."""
    return (
        f'[auth]\nredirect_uri = "{provider.redirect}"\ncookie_secret = "{secrets.token_hex(32)}"\n'
        f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        f'server_metadata_url = "{provider.issuer}/.well-known/openid-configuration"\n'
    )
