"""Credentials of every kind that the check knows, made here and now: no text of the repository looks like one."""

from __future__ import annotations

import base64
import json
import random
import string
from dataclasses import dataclass

__all__ = ["PLANTS", "Plant", "pem", "plants", "text"]

_BASE62 = string.ascii_letters + string.digits
_DASHES = "-" * 5
_HEX = "0123456789abcdef"
_CROCKFORD = "023456789ACDEFGHJKLMNPQRSTUVWXYZ"
_DER = b"\x30\x82\x04\xbd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plant:
    """A file with one credential in it."""

    kind: str
    """What the finding has to call it."""
    path: str
    data: bytes
    value: str
    """What must be shown nowhere."""


def text(source: random.Random, alphabet: str, length: int) -> str:
    """Letters drawn at random."""
    return "".join(source.choices(alphabet, k=length))


def _bytes(source: random.Random, length: int) -> bytes:
    return bytes(source.choices(range(256), k=length))


def pem(label: str, body: bytes, *, headers: str = "", width: int = 64, end: str = "\n") -> str:
    """A block of RFC 7468."""
    encoded = base64.b64encode(body).decode()
    lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]
    begin, close = f"{_DASHES}BEGIN {label}{_DASHES}", f"{_DASHES}END {label}{_DASHES}"
    return end.join([begin, *(headers.splitlines()), *lines, close, ""])


def _tokens(source: random.Random) -> dict[str, tuple[str, str]]:
    """Name of the case: kind and value."""

    def of(alphabet: str, length: int) -> str:
        return text(source, alphabet, length)

    digits, upper = string.digits, string.ascii_uppercase + string.digits
    return {
        **{
            f"github {start}": ("a GitHub token", f"{start}_{of(_BASE62, 36)}")
            for start in ("ghp", "gho", "ghu", "ghs")
        },
        "github fine": ("a GitHub token", f"github_pat_{of(_BASE62, 22)}_{of(_BASE62, 59)}"),
        "gitlab": ("a GitLab token", f"glpat-{of(_BASE62 + '_-', 19)}x"),
        "slack bot": ("a Slack token", f"xoxb-{of(digits, 12)}-{of(digits, 13)}-{of(_BASE62, 24)}"),
        "slack user": ("a Slack token", f"xoxp-{of(digits, 11)}-{of(digits, 11)}-{of(digits, 12)}-{of(_HEX, 32)}"),
        "slack app": ("a Slack token", f"xapp-1-A{of(upper, 10)}-{of(digits, 13)}-{of(_HEX, 64)}"),
        "slack webhook": (
            "a Slack webhook",
            f"https://hooks.slack.com/services/T{of(upper, 9)}/B{of(upper, 9)}/{of(_BASE62, 24)}",
        ),
        "stripe": ("a Stripe key", f"sk_live_{of(_BASE62, 24)}"),
        "stripe restricted": ("a Stripe key", f"rk_live_{of(_BASE62, 99)}"),
        "pypi": ("a package index's token", f"pypi-AgEI{of(_BASE62 + '_-', 150)}x"),
        "npm": ("an npm token", f"npm_{of(_BASE62, 36)}"),
        "hugging face": ("a Hugging Face token", f"hf_{of(string.ascii_letters, 34)}"),
        "docker hub": ("a Docker Hub token", f"dckr_pat_{of(_BASE62, 27)}"),
        "digitalocean": ("a DigitalOcean token", f"dop_v1_{of(_HEX, 64)}"),
        "shopify": ("a Shopify token", f"shpat_{of(_HEX, 32)}"),
        "grafana": ("a Grafana token", f"glsa_{of(_BASE62, 32)}_{of(_HEX, 8)}"),
        "rubygems": ("a RubyGems key", f"rubygems_{of(_HEX, 48)}"),
        "anthropic": ("an Anthropic key", f"sk-ant-api03-{of(_BASE62 + '_-', 93)}AA"),
        "openai": ("an OpenAI key", f"sk-proj-{of(_BASE62, 58)}T3Blbk" + f"FJ{of(_BASE62, 58)}"),
        "new relic": ("a New Relic key", f"NRAK-{of(upper, 27)}"),
        "postman": ("a Postman key", f"PMAK-{of(_HEX, 24)}-{of(_HEX, 34)}"),
        "google key": ("a Google API key", f"AIza{of(_BASE62 + '_-', 34)}x"),
        "google oauth": ("a Google OAuth secret", f"GOCSPX-{of(_BASE62, 28)}"),
        "age": ("an age key", f"AGE-SECRET-KEY-1{of(_CROCKFORD, 58)}"),
    }


def _keys(source: random.Random) -> dict[str, str]:
    """Name of the case: a private key."""
    der = _DER + _bytes(source, 700)
    ssh = b"openssh-key-v1\0" + _bytes(source, 360)
    rfc1421 = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,5E3F0A\n\n"
    lines = text(source, _BASE62, 64)
    return {
        **{label: pem(f"{label} PRIVATE KEY", der) for label in ("RSA", "EC", "DSA", "ENCRYPTED")},
        "pkcs8": pem("PRIVATE KEY", der),
        "ed25519": pem("PRIVATE KEY", b"\x30\x2e\x02\x01\x00" + _bytes(source, 43)),
        "openssh": pem("OPENSSH PRIVATE KEY", ssh, width=70),
        "rfc1421": pem("RSA PRIVATE KEY", _bytes(source, 704), headers=rfc1421),
        "windows": pem("PRIVATE KEY", der, end="\r\n"),
        "python": f'KEY = """{pem("PRIVATE KEY", der)}"""\n',
        "python, escaped": f'KEY = "{pem("PRIVATE KEY", der, end=chr(92) + "n")}"\n',
        "python, joined": 'KEY = (\n    "' + pem("PRIVATE KEY", der, end='\\n"\n    "') + '"\n)\n',
        "yaml": "key: |\n  " + pem("EC PRIVATE KEY", der, end="\n  "),
        "pgp": pem("PGP PRIVATE KEY BLOCK", b"\x95" + _bytes(source, 500), headers="Version: GnuPG v2\n\n").replace(
            f"{_DASHES}END", f"=aB3d\n{_DASHES}END"
        ),
        "putty": f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\n{lines}\n"
        f"Private-Lines: 1\n{lines}\nPrivate-MAC: {text(source, _HEX, 64)}\n",
    }


def _aws(source: random.Random) -> dict[str, tuple[str, str]]:
    """Name of the case: text and secret."""
    identifier = text(source, string.ascii_uppercase + "234567", 16)
    secret = f"a/{text(source, _BASE62, 36)}+4"
    written = {
        "profile": f"[default]\naws_access_key_id = AKIA{identifier}\naws_secret_access_key = {secret}\n",
        "session": f"ID, SECRET = 'ASIA{identifier}', '{secret}'\n",
        "secret first": f"key: {secret}\nid: AKIA{identifier}\n",
        "shell": f"export AWS_SECRET_ACCESS_KEY={secret}\n",
        "python": f'os.environ["AWS_SECRET_ACCESS_KEY"] = "{secret}"\n',
        "argument": f"client('s3', aws_secret_access_key='{secret}')\n",
        "json": json.dumps({"SecretAccessKey": secret}),
        "camel": f"secretAccessKey: {secret}\n",
    }
    return {name: (document, secret) for name, document in written.items()}


def _urls(source: random.Random) -> dict[str, tuple[str, str, str]]:
    """Name of the case: path, text and secret."""
    long, short = text(source, _BASE62, 30) + "4x", text(source, string.ascii_lowercase, 5) + "77"
    index = f"https://aws:{long}@example.com/simple/"
    return {
        "python": ("app.py", f'URL = "postgresql://shop:{short}@db.shop.internal/shop"\n', short),
        "pip.conf": ("conf/pip.conf", f"[global]\nextra-index-url =\n    {index}\n", long),
        "uv.toml": ("uv.toml", f'[[index]]\nurl = "{index}"\n', long),
        "requirements": ("requirements.txt", f"--index-url {index}\nsix\n", long),
        "path file": ("a.pth", f"# {index}\n", long),
        "record": ("shop-1.0.dist-info/RECORD", f"{index},,\n", long),
        "git credentials": (".git-credentials", f"https://me:{long}@git.shop.internal\n", long),
        "redis": ("settings.yaml", f"broker: rediss://:{short}@cache.shop.internal:6379/0\n", short),
        "quoted": ("settings.toml", f'url = "https://me:{short}%2F%40@shop.internal/"\n', short),
        "binary": ("blob.bin", "\0\1" * 5000 + f"mysql://root:{short}@db.shop.internal/\0", short),
    }


def _files(source: random.Random) -> dict[str, tuple[str, str, str]]:
    """Path: kind, text and secret."""
    secret = text(source, _BASE62, 18) + "4x"
    login = base64.b64encode(f"me:{secret}".encode()).decode()
    registry = "a login to a container registry"
    return {
        ".env": ("variables with values", f"# of the shop\nexport MODE='{secret}'\n", secret),
        "conf/.env.production": ("variables with values", f"DATABASE = {secret}\n", secret),
        ".netrc": ("a login", f"machine shop.internal\n  login me\n  password {secret}\n", secret),
        "_netrc": ("a login", f"default login me password {secret}", secret),
        ".pypirc": ("a password", f"[shop]\nusername: me\npassword: {secret}\n", secret),
        ".npmrc": ("a password", f"//npm.shop.internal/:_authToken={secret}\n", secret),
        "pypoetry/auth.toml": ("a password", f'[http-basic.shop]\nusername = "me"\npassword = "{secret}"\n', secret),
        ".pgpass": ("a password", f"db.shop.internal:5432:*:me:{secret}\n", secret),
        ".docker/config.json": (registry, json.dumps({"auths": {"shop.internal": {"auth": login}}}), login),
    }


def plants(seed: int) -> dict[str, Plant]:
    """All kinds in all forms, by the name of the case; other values for another seed."""
    source = random.Random(seed)  # noqa: S311 - the same for the same seed
    tokens = _tokens(source)
    made = [
        *((name, kind, "app.py", f'TOKEN = "{value}"\n', value) for name, (kind, value) in tokens.items()),
        *((f"key {name}", "a private key", "key", key, _middle(key)) for name, key in _keys(source).items()),
        *((f"aws {name}", "an AWS access key", "app.cfg", *case) for name, case in _aws(source).items()),
        *((f"url {name}", "a URL with a password", *case) for name, case in _urls(source).items()),
        *((path, kind, path, *case) for path, (kind, *case) in _files(source).items()),
    ]
    account, shared = text(source, _BASE62, 86) + "==", text(source, _BASE62, 43) + "="
    endpoint = "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey="
    azure = "an Azure account key"
    user = f"https://{text(source, _BASE62, 36)}4x@git.shop.internal/shop.git"
    origin = json.dumps({"url": f"https://me:{account[:20]}@shop.internal/shop.whl", "archive_info": {}})
    required = (
        f"Metadata-Version: 2.4\nName: shop\nRequires-Dist: tax @ git+https://me:{account[:20]}@shop.internal/tax\n"
    )
    account_of_google = json.dumps({"type": "service_account", "private_key": _keys(source)["pkcs8"]})
    package = "a package's URL with credentials"
    made += [
        ("azure storage", azure, "app.py", f"AccountName=shop;AccountKey={account};EndpointSuffix=x", account),
        ("azure bus", azure, "app.py", endpoint + shared, shared),
        ("url token", "a URL with a token", "app.py", f"git clone {user}\n", user[8:40]),
        ("direct url", package, "shop-1.0.dist-info/direct_url.json", origin, account[:20]),
        ("requirement", package, "shop-1.0.dist-info/METADATA", required, account[:20]),
        ("google account", "a private key", "key.json", account_of_google, _middle(account_of_google)),
    ]
    return {
        name: Plant(kind=kind, path=path, data=data.encode("latin-1"), value=value)
        for name, kind, path, data, value in made
    }


def _middle(key: str) -> str:
    return key[len(key) // 2 : len(key) // 2 + 20]


PLANTS = plants(seed=4)
