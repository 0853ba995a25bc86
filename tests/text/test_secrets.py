"""Made-up secrets in every form that is known, put together here so that no scanner takes them for real."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_compaction import redact_secrets

DIGITS = "a1B2c3D4e5F6g7H8i9J0" * 3
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{DIGITS}\n{DIGITS}==\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "AKIA" + "Q3EGRIXYZ4UVW5AB": "aws-key",
    "ghp" + "_" + DIGITS[:36]: "github-token",
    "github" + "_pat_" + DIGITS[:50]: "github-token",
    "glpat" + "-" + DIGITS[:20]: "gitlab-token",
    "xoxb" + "-123456789012-" + DIGITS[:24]: "slack-token",
    "sk" + "-" + DIGITS[:48]: "api-key",
    "sk" + "-ant-api03-" + DIGITS[:40] + "_-AA": "api-key",
    "sk" + "-proj-" + DIGITS[:40]: "api-key",
    "hf" + "_" + DIGITS[:34]: "api-key",
    "AIza" + DIGITS[:35]: "google-key",
    "sk" + "_live_" + DIGITS[:24]: "stripe-key",
    "whsec" + "_" + DIGITS[:32]: "stripe-key",
    "eyJ" + DIGITS[:20] + ".eyJ" + DIGITS[:30] + "." + DIGITS[:43]: "jwt",
    PEM: "private-key",
    PEM.replace("\n", "\\n"): "private-key",
}
AROUND = [
    "{}",
    "key {} and more",
    '{{"key": "{}"}}',
    "({})",
    "export KEY={}",
    "is it {}?",
    "a\n{}\nb",
    "line\\n{}\\nline",
    "钥匙{}。",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("secret", "kind"), SECRETS.items(), ids=lambda value: value[:12])
def test_each_form_is_known_wherever_it_stands(secret, kind, around):
    assert redact_secrets(around.format(secret)) == around.format(f"[redacted:{kind}]")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("password=hunter2!", "password=[redacted:password]"),
        ("PGPASSWORD: s3cr3t-pw", "PGPASSWORD: [redacted:password]"),
        ('{"password": "swordfish"}', '{"password": "[redacted:password]"}'),
        ('{\\"passwd\\": \\"swordfish\\"}', '{\\"passwd\\": \\"[redacted:password]\\"}'),
        ("db_pwd := 'pw1234'", "db_pwd := '[redacted:password]'"),
        ("API_KEY=9f8e7d6c5b4a3210", "API_KEY=[redacted:secret]"),
        ("api_key: '9f8e7d6c5b4a3210',", "api_key: '[redacted:secret]',"),
        ("aws_secret_access_key = wJalrXUt/bPxRfiCY+KEY1", "aws_secret_access_key = [redacted:secret]"),
        ("?access_token=ab12cd34ef56&page=2", "?access_token=[redacted:secret]&page=2"),
        ('client-secret => "q1w2e3r4t5"', 'client-secret => "[redacted:secret]"'),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted:authorization]"),
        ("-H 'authorization: basic dXNlcjpwYXNz'", "-H 'authorization: basic [redacted:authorization]'"),
        ('"Authorization": "Bearer abcdefgh"', '"Authorization": "Bearer [redacted:authorization]"'),
        ("bearer 0123456789abcdef0123", "bearer [redacted:authorization]"),
        ("postgres://me:pa55@db:5432/x", "postgres://me:[redacted:password]@db:5432/x"),
        ("redis://:pa55@cache/0", "redis://:[redacted:password]@cache/0"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvg\nABCD", "[redacted:private-key]"),
    ],
)
def test_what_is_assigned_or_sent_along(text, redacted):
    assert redact_secrets(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "password: string",
        "password=password",
        "connect(password=user_password)",
        'api_key = os.environ["API_KEY"]',
        "token = get_token(user)",
        "token: str | None = None",
        "max_tokens: 4096",
        "tokens=123456789",
        "secret: ${{ secrets.TOKEN_1 }}",
        "API_KEY=<your key 1>",
        "ANTHROPIC_API_KEY=sk-ant-...",
        "password: your-password-1",
        "token: self.config.token1",
        '"nextPageToken": "CiAKGjBpNDd2Nmp2Zml1"',
        "the password must have 8 characters",
        "Password: it was changed yesterday",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC",
        "class=sk-fading-circle-container",
        "https://example.org:8080/a@b",
        "user@example.org:22",
        "commit 9f8e7d6c5b4a32109f8e7d6c5b4a32109f8e7d6c",
        "a bearer of bad news travels internationally",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "secret=/run/secrets/db1",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact_secrets(text) == text


pieces = st.sampled_from(
    [
        *SECRETS,
        "password",
        "secret",
        "token",
        "api_key",
        "=",
        ": ",
        '"',
        "'",
        "\\",
        "://",
        "@",
        "Bearer ",
        "authorization",
        " ",
    ]
) | st.text(max_size=8)


@given(st.lists(pieces, max_size=14).map("".join))
def test_twice_is_the_same_as_once(text):
    once = redact_secrets(text)
    assert redact_secrets(once) == once


@given(st.lists(st.sampled_from(list(SECRETS)), min_size=1, max_size=5), st.text("ab \n", max_size=20))
def test_of_several_none_is_left(secrets, between):
    text = redact_secrets(json.dumps({"text": f" {between} ".join(secrets)}))
    assert not any(secret in text for secret in secrets)
    assert json.loads(text)


@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        "a://b:",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n!",
        "eyJ",
        "sk-",
        "Bearer ",
        "token:'",
        "secret ",
    ],
)
def test_it_is_linear(piece):
    """A long text of beginnings alone: were it quadratic, this would take minutes."""
    assert redact_secrets(piece * 50_000)


def test_recorded_conversations_hold_none(data_file):
    """No false hit in any of them. Each hit would be shown."""
    whole = data_file.read_text(encoding="utf-8")
    assert redact_secrets(whole) == whole
