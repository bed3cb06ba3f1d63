"""A battery of forged tokens and one of good ones, each with a name; unit and HTTP tests run them alike."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.forge import KID, SUBJECT, Forge, as_bytes, b64, jwk, rs256, rsa_key


def _es256(forge: Forge) -> str:
    signed = f"{b64(as_bytes(forge.header(alg='ES256')))}.{b64(as_bytes(forge.claims()))}"
    return f"{signed}.{b64(ec.generate_private_key(ec.SECP256R1()).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}"


def _raw_claims(forge: Forge, *changes: tuple[str, str]) -> str:
    """Well signed claims whose JSON text was changed by hand."""
    text = json.dumps(forge.claims())
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return forge.sign(forge.header(), text.encode())


def _part(token: str, number: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[number] = change(parts[number])
    return ".".join(parts)


def _other_last(segment: str) -> str:
    """The same bytes in another spelling: a spare bit of the last character is set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) | 1]


def _padded_to(text: str, remainder: int) -> str:
    return text + " " * (-(len(text) - remainder) % 3)


def _spare_bit(forge: Forge, part: int) -> str:
    """Another spelling of the same header or claims; the signature is made over it, so that it holds."""
    texts = [_padded_to(json.dumps(members), 1).encode() for members in (forge.header(), forge.claims())]
    signed = _part(".".join(b64(text) for text in texts), part, _other_last)
    return f"{signed}.{b64(rs256(forge.private, signed))}"


Make = Callable[[Forge], str]

HOSTILE: Final[Mapping[str, Make]] = {
    # what is signed, and by whom
    "alg none without a signature": lambda f: f.unsigned("none"),
    "alg none with a signature": lambda f: f.unsigned("none", "AAAA"),
    "alg None in other letters": lambda f: f.unsigned("NoNe", "AAAA"),
    "alg empty": lambda f: f.headed(alg=""),
    "alg missing": lambda f: f.headed(alg=None),
    "alg a list": lambda f: f.headed(alg=["RS256"]),
    "alg a number": lambda f: f.headed(alg=256),
    "alg in small letters": lambda f: f.headed(alg="rs256"),
    "HS256 under the public key": lambda f: f.sealed_with(f.public_pem(), alg="HS256"),
    "HS256 under the empty key": lambda f: f.sealed_with(b"", alg="HS256"),
    "HMAC that claims to be RS256": lambda f: f.sealed_with(f.public_pem()),
    "ES256 of a stranger": _es256,
    "RS512 over a SHA-256 signature": lambda f: f.headed(alg="RS512"),
    "PS256 over a PKCS1 signature": lambda f: f.headed(alg="PS256"),
    "another key under our kid": lambda f: f.sign(f.header(), f.claims(), rsa_key("stranger")),
    "signature of another token": lambda f: _part(f.token(), 2, lambda _: f.token(jti="b").split(".")[2]),
    "signature cut short": lambda f: _part(f.token(), 2, lambda s: s[:-4]),
    "signature of zeros": lambda f: _part(f.token(), 2, lambda s: "A" * len(s)),
    "signature empty": lambda f: _part(f.token(), 2, lambda _: ""),
    "claims changed after signing": lambda f: _part(
        f.token(), 1, lambda _: b64(json.dumps(f.claims(realm_access={"roles": ["admin"]})).encode())
    ),
    "header changed after signing": lambda f: _part(
        f.token(), 0, lambda _: b64(json.dumps(f.header(typ="application/at+jwt")).encode())
    ),
    # header members
    "kid missing": lambda f: f.headed(kid=None),
    "kid unknown": lambda f: f.headed(kid="nobody"),
    "kid empty": lambda f: f.headed(kid=""),
    "kid a path": lambda f: f.headed(kid="../../../../dev/null"),
    "kid SQL": lambda f: f.headed(kid="x' UNION SELECT 'key"),
    "kid an address": lambda f: f.headed(kid="https://evil.example/key"),
    "kid a number": lambda f: f.headed(kid=1),
    "kid a list": lambda f: f.headed(kid=[KID]),
    "kid too long": lambda f: f.headed(kid="k" * 129),
    "kid with a newline at its end": lambda f: f.headed(kid=KID + "\n"),
    "kid in other letters": lambda f: f.headed(kid="ſigning-key_1"),
    "jku": lambda f: f.headed(jku="https://evil.example/jwks"),
    "x5u": lambda f: f.headed(x5u="https://evil.example/cert"),
    "jwk of the forger": lambda f: f.sign(f.header(jwk=jwk(KID, rsa_key("stranger"))), f.claims(), rsa_key("stranger")),
    "x5c": lambda f: f.headed(x5c=["AAAA"]),
    "x5t": lambda f: f.headed(x5t="AAAA"),
    "crit": lambda f: f.headed(crit=["exp"]),
    "b64 false": lambda f: f.headed(b64=False, crit=["b64"]),
    "zip": lambda f: f.headed(zip="DEF"),
    "cty": lambda f: f.headed(cty="JWT"),
    "an unknown member": lambda f: f.headed(note="hello"),
    "typ missing": lambda f: f.headed(typ=None),
    "typ JWT": lambda f: f.headed(typ="JWT"),
    "typ of a logout token": lambda f: f.headed(typ="logout+jwt"),
    "typ of an ID token": lambda f: f.sign(f.header(typ="JWT"), f.claims(typ="ID", nonce="n")),
    "typ a list": lambda f: f.headed(typ=["at+jwt"]),
    "typ with a space": lambda f: f.headed(typ="at+jwt "),
    # time
    "expired 40 s ago": lambda f: f.token(iat=f.now - 340, exp=f.now - 40),
    "expired exactly the leeway ago": lambda f: f.token(iat=f.now - 330, exp=f.now - 30),
    "exp missing": lambda f: f.token(exp=None),
    "exp text": lambda f: f.token(exp=str(f.now + 300)),
    "exp a float": lambda f: f.token(exp=f.now + 300.5),
    "exp a whole float": lambda f: f.token(exp=float(f.now + 300)),
    "exp in exponents": lambda f: _raw_claims(f, (str(f.now + 300), "1.8000003e9")),
    "exp true": lambda f: f.token(exp=True),
    "exp null": lambda f: _raw_claims(f, (str(f.now + 300), "null")),
    "exp NaN": lambda f: f.token(exp=float("nan")),
    "exp Infinity": lambda f: f.token(exp=float("inf")),
    "exp a list": lambda f: f.token(exp=[f.now + 300]),
    "exp of 5,000 digits": lambda f: _raw_claims(f, (str(f.now + 300), "9" * 5_000)),
    "exp negative": lambda f: f.token(exp=-f.now),
    "iat missing": lambda f: f.token(iat=None),
    "iat in the future": lambda f: f.token(iat=f.now + 60, exp=f.now + 300),
    "iat text": lambda f: f.token(iat=str(f.now)),
    "iat true": lambda f: f.token(iat=True),
    "iat after exp": lambda f: f.token(iat=f.now + 20, exp=f.now + 10),
    "iat equal to exp": lambda f: f.token(iat=f.now, exp=f.now),
    "a life of more than an hour": lambda f: f.token(exp=f.now + 3_601),
    "a life of a hundred years": lambda f: f.token(exp=f.now + 3_153_600_000),
    "nbf in the future": lambda f: f.token(nbf=f.now + 60),
    "nbf text": lambda f: f.token(nbf="0"),
    "nbf null": lambda f: _raw_claims(f, ('"jti": "a1"', '"jti": "a1", "nbf": null')),
    # issuer, audience, client, kind
    "iss missing": lambda f: f.token(iss=None),
    "iss of another realm": lambda f: f.token(iss=f.issuer.replace("miraveja", "master")),
    "iss with a slash more": lambda f: f.token(iss=f.issuer + "/"),
    "iss a prefix of ours": lambda f: f.token(iss=f.issuer[:-1]),
    "iss beginning with ours": lambda f: f.token(iss=f.issuer + ".evil.example"),
    "iss over plain http": lambda f: f.token(iss=f.issuer.replace("https", "http")),
    "iss in capitals": lambda f: f.token(iss=f.issuer.upper()),
    "iss a list": lambda f: f.token(iss=[f.issuer]),
    "aud missing": lambda f: f.token(aud=None),
    "aud of another service": lambda f: f.token(aud="account"),
    "aud an empty list": lambda f: f.token(aud=[]),
    "aud beginning with ours": lambda f: f.token(aud="miraveja-api-2"),
    "aud an object": lambda f: f.token(aud={"miraveja-api": 1}),
    "aud a list with a number": lambda f: f.token(aud=["miraveja-api", 7]),
    "azp missing": lambda f: f.token(azp=None),
    "azp of another client": lambda f: f.token(azp="account-console"),
    "azp a list": lambda f: f.token(azp=["miraveja-web"]),
    "azp in capitals": lambda f: f.token(azp="MIRAVEJA-WEB"),
    "claim typ Refresh": lambda f: f.token(typ="Refresh"),
    "claim typ ID": lambda f: f.token(typ="ID"),
    "claim typ in small letters": lambda f: f.token(typ="bearer"),
    "claim typ a list": lambda f: f.token(typ=["Bearer"]),
    # subject and roles
    "sub missing": lambda f: f.token(sub=None),
    "sub empty": lambda f: f.token(sub=""),
    "sub an e-mail": lambda f: f.token(sub="ada@example.org"),
    "sub a number": lambda f: f.token(sub=1),
    "sub a list": lambda f: f.token(sub=[SUBJECT]),
    "sub with a newline at its end": lambda f: f.token(sub=SUBJECT + "\n"),
    "sub in capitals": lambda f: f.token(sub=SUBJECT.upper()),
    "sub in Arabic digits": lambda f: f.token(sub=SUBJECT.replace("0", "\u0660")),
    "roles text": lambda f: f.token(realm_access={"roles": "admin"}),
    "roles with a number": lambda f: f.token(realm_access={"roles": ["user", 1]}),
    "roles nested": lambda f: f.token(realm_access={"roles": [["admin"]]}),
    "101 roles": lambda f: f.token(realm_access={"roles": [f"role{i}" for i in range(101)]}),
    "realm_access a list": lambda f: f.token(realm_access=["admin"]),
    # JSON and encodings
    "a header member twice": lambda f: f.sign(
        b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"%s"}' % f.kid.encode(), f.claims()
    ),
    "a claim twice": lambda f: _raw_claims(f, ('"jti": "a1"', f'"sub": "{SUBJECT}"')),
    "a role list twice": lambda f: _raw_claims(f, ('["user"]', '["user"], "roles": ["admin"]')),
    "the same name in another spelling": lambda f: _raw_claims(f, ('"jti": "a1"', '"\\u0073ub": "x"')),
    "header a list": lambda f: f.sign([f.header()], f.claims()),
    "claims a list": lambda f: f.sign(f.header(), [f.claims()]),
    "claims null": lambda f: f.sign(f.header(), b"null"),
    "claims empty": lambda f: f.sign(f.header(), b"{}"),
    "claims no JSON": lambda f: f.sign(f.header(), b"exp=1"),
    "claims in single quotes": lambda f: f.sign(f.header(), json.dumps(f.claims()).replace('"', "'").encode()),
    "claims and more": lambda f: f.sign(f.header(), json.dumps(f.claims()).encode() + b"{}"),
    "claims in UTF-16": lambda f: f.sign(f.header(), json.dumps(f.claims()).encode("utf-16-le")),
    "claims after a byte order mark": lambda f: f.sign(f.header(), b"\xef\xbb\xbf" + as_bytes(f.claims())),
    "claims in broken UTF-8": lambda f: f.sign(f.header(), as_bytes(f.claims(name="x")).replace(b'"x"', b'"\xff"')),
    "header in UTF-16": lambda f: f.sign(json.dumps(f.header()).encode("utf-16-le"), f.claims()),
    "claims nested 2,500 deep": lambda f: f.sign(f.header(), b'{"a":' + b"[" * 2_500 + b"]" * 2_500 + b"}"),
    "header nested 2,500 deep": lambda f: f.sign(b'{"a":' + b"[" * 2_500 + b"]" * 2_500 + b"}", f.claims()),
    "a spare bit in the header": lambda f: _spare_bit(f, 0),
    "a spare bit in the claims": lambda f: _spare_bit(f, 1),
    "a spare bit in the signature": lambda f: _part(f.token(), 2, _other_last),
    "padding": lambda f: f.token() + "==",
    "standard base64 letters": lambda f: _part(f.token(), 2, lambda s: "+/" + s[2:]),
    "two parts": lambda f: f.token().rsplit(".", 1)[0],
    "four parts": lambda f: f.token() + ".AAAA",
    "five parts": lambda f: f.token() + ".AAAA.AAAA",
    "an empty header": lambda f: _part(f.token(), 0, lambda _: ""),
    "empty claims": lambda f: _part(f.token(), 1, lambda _: ""),
    "only dots": lambda _: "..",
    "nothing": lambda _: "",
    "a newline at the end": lambda f: f.token() + "\n",
    "a space inside": lambda f: f.token().replace(".", ". ", 1),
    "a second token after a comma": lambda f: f"{f.token()},{f.token()}",
    "a NUL": lambda f: f.token() + "\x00",
    "letters beyond ASCII": lambda f: f.token().replace("e", "\u0435", 1),
    "a lone surrogate": lambda f: f.token() + "\udc80",
    "JSON serialisation": lambda f: json.dumps(dict(zip("psx", f.token().split("."), strict=True))),
    "an encrypted token": lambda f: f.sign({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": f.kid}, f.claims()),
    "an API key": lambda _: "mv_0123456789abcdefghij",
    "longer than 8,192 characters": lambda f: f.token(note="n" * 8_192),
    "a megabyte": lambda _: "A" * (1 << 20),
    "a megabyte of dots": lambda _: "." * (1 << 20),
}


GOOD: Final[Mapping[str, Make]] = {
    "as Keycloak mints it": lambda f: f.token(),
    "audience a list": lambda f: f.token(aud=["account", "miraveja-api"]),
    "typ application/at+jwt": lambda f: f.headed(typ="application/at+jwt"),
    "typ AT+JWT": lambda f: f.headed(typ="AT+JWT"),
    "the command line's client": lambda f: f.token(azp="miraveja-cli"),
    "10 s past its end": lambda f: f.token(iat=f.now - 310, exp=f.now - 10),
    "a clock 20 s ahead of ours": lambda f: f.token(iat=f.now + 20, nbf=f.now + 20, exp=f.now + 320),
    "a life of an hour": lambda f: f.token(exp=f.now + 3_600),
    "no claim typ": lambda f: f.token(typ=None),
    "no roles": lambda f: f.token(realm_access=None),
    "realm_access without roles": lambda f: f.token(realm_access={}),
    "a hundred roles": lambda f: f.token(realm_access={"roles": ["user", *(f"role{i}" for i in range(99))]}),
    "no name": lambda f: f.token(name=None, preferred_username=None),
    "a name that is no text": lambda f: f.token(name=["Ada"]),
}
