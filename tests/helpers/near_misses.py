"""What looks like credentials and is none: examples, templates, patterns, code that handles them."""

from __future__ import annotations

import random
import string

from tests.helpers.credentials import pem, text

__all__ = ["NEAR_MISSES"]

DASHES = "-" * 5
AWS_EXAMPLE = ("AKIAIOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY")
SOURCE = random.Random(2)  # noqa: S311 - the same in each run
COMMIT = text(SOURCE, "0123456789abcdef", 40)
RANDOM = text(SOURCE, string.ascii_letters + string.digits, 30) + "4x"
EMULATOR = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr" + "/KBHBeksoGMGw=="

NEAR_MISSES = {
    **{
        f"url {number}": ("app.py", written)
        for number, written in enumerate(
            (
                "https://${USER}:${PASSWORD}@shop.internal/simple/",
                "https://$USER:$PASSWORD@shop.internal/simple/",
                "https://%s:%s@shop.internal/",
                "https://%(user)s:%(password)s@shop.internal/",
                "https://{user}:{password}@shop.internal/",
                "https://{{ user }}:{{ password }}@shop.internal/",
                "https://<user>:<password>@shop.internal/",
                "https://<token>@shop.internal/",
                'f"https://{user}:" + password + "@shop.internal/"',
                "https://user:pass@example.com/",
                "https://user:password@shop.internal/",
                "https://aws:your-token@shop.internal/",
                "https://aws:xxxxxxxx@shop.internal/",
                "https://me:********@shop.internal/",
                "https://me:...@shop.internal/",
                "https://my-user:my-secret-token@shop.internal/",
                "https://me:hunter7@example.com/",
                "https://me:hunter7@docs.example.org:8080/",
                "postgresql://shop:hunter7@localhost/shop",
                "postgresql://shop:hunter7@127.0.0.1:5432/shop",
                "postgresql://postgres:postgres@db/shop",
                "amqp://guest:guest@queue.shop.internal//",
                "mysql+pymysql://scott:tiger@192.168.0.134/test",
                "ssh://git@github.com/shop/shop.git",
                "git+ssh://git@github.com/shop/shop.git",
                "https://shop@bitbucket.org/shop/shop.git",
                "https://me:@shop.internal/",
                f"https://{COMMIT[:32]}@o42.ingest.sentry.io/4242",
                r"re.compile(r'https?://[^:]+:([^@]+)@[a-z.]+')",
                r"re.compile(r'https?://\w+:\w+@\w+')",
                "https://shop.internal/@scope/package",
                "https://shop.internal:8080/a@b",
                "mailto:me@shop.internal",
                f"message://{COMMIT}@mail.shop.internal",
            )
        )
    },
    "aws example": ("app.py", f"aws_access_key_id = {AWS_EXAMPLE[0]}\naws_secret_access_key = {AWS_EXAMPLE[1]}\n"),
    "aws identifier alone": ("app.py", f"ID = 'AKIA{text(SOURCE, string.ascii_uppercase, 16)}'\n"),
    "aws identifier, and a commit": ("app.py", f"AKIA{text(SOURCE, string.ascii_uppercase, 16)} {COMMIT}\n"),
    "aws variable": ("app.py", 'os.environ["AWS_SECRET_ACCESS_KEY"] = settings.secret\n'),
    "aws placeholder": ("app.py", f"aws_secret_access_key = {'A' * 40}\n"),
    "aws far away": ("app.py", f"AKIA{text(SOURCE, string.ascii_uppercase, 16)}{' ' * 500}a/{RANDOM}{RANDOM[:6]}\n"),
    "github placeholder": ("app.py", "TOKEN = 'ghp_" + "x" * 36 + "'\n"),
    "github alphabet": ("app.py", f"TOKEN = 'ghp_{(string.ascii_lowercase + string.digits)[:36]}'\n"),
    "github pattern": ("app.py", r"re.compile(r'ghp_[A-Za-z0-9]{36}')"),
    "github too long": ("app.py", f"ghp_{RANDOM * 9}\n"),
    "github inside of a word": ("app.py", f"laughp_{RANDOM}{RANDOM[:4]}\n"),
    "a name": ("app.py", "def hf_transformer_model_for_token_classification(): ...\n"),
    "stripe test key": ("app.py", f"sk_test_{RANDOM[:24]}\n"),
    "slack example": ("app.py", "xoxb-123456789012-1234567890123-" + string.ascii_lowercase[:24] + "\n"),
    "azure emulator": ("app.py", f"AccountName=devstoreaccount1;AccountKey={EMULATOR};"),
    "azure name": ("app.py", "SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key}"),
    "key header in code": ("app.py", f'if line.startswith("{DASHES}BEGIN RSA PRIVATE KEY{DASHES}\\n"):\n'),
    "key headers in code": (
        "app.py",
        f'BEGIN = "{DASHES}BEGIN PRIVATE KEY{DASHES}"\nEND = "{DASHES}END PRIVATE KEY{DASHES}"\n',
    ),
    "key in a text": ("README", f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n...\n{DASHES}END PRIVATE KEY{DASHES}\n"),
    "key of zeros": ("key.pem", pem("PRIVATE KEY", bytes(200))),
    "key cut off": ("key.pem", pem("PRIVATE KEY", SOURCE.randbytes(600))[:500]),
    "public key": ("key.pem", pem("PUBLIC KEY", b"\x30" + SOURCE.randbytes(300))),
    "certificate": ("cert.pem", pem("CERTIFICATE", b"\x30" + SOURCE.randbytes(600))),
    "public pgp key": ("key.asc", pem("PGP PUBLIC KEY BLOCK", b"\x99" + SOURCE.randbytes(600))),
    "putty public": ("key.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\nAAAA\n"),
    "env example": (".env.example", f"TOKEN={RANDOM}\n"),
    "env empty": (".env", "TOKEN=\n# TOKEN=abc\nOTHER=''\n"),
    "netrc placeholder": (".netrc", "machine shop.internal login me password ${PASSWORD}\n"),
    "netrc without": (".netrc", "machine shop.internal login me\n"),
    "pypirc placeholder": (".pypirc", "[shop]\npassword: <your token>\n"),
    "npmrc variable": (".npmrc", "//npm.shop.internal/:_authToken=${NPM_TOKEN}\nalways-auth=true\n"),
    "pip.conf without": ("pip.conf", "[global]\nindex-url = https://shop.internal/simple/\n"),
    "config.json of something else": ("config.json", f'{{"auth": "{RANDOM}"}}'),
    "docker with a helper": (".docker/config.json", '{"auths": {"shop.internal": {}}, "credsStore": "pass"}'),
    "direct url": ("shop-1.0.dist-info/direct_url.json", '{"url": "https://shop.internal/shop.whl"}'),
    "direct url by ssh": ("shop-1.0.dist-info/direct_url.json", '{"url": "ssh://git@shop.internal/shop.git"}'),
    "direct url that is none": ("shop-1.0.dist-info/direct_url.json", "[]"),
    "requirement with a variable": (
        "shop-1.0.dist-info/METADATA",
        "Name: shop\nRequires-Dist: tax @ https://${TOKEN}@shop.internal/tax.whl\n",
    ),
}
"""By the name of the case: path and text."""
