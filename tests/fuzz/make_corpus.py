#!/usr/bin/env python3
"""Writes seed corpora for the fuzz targets from the golden vectors: make_corpus.py <golden data folder> <out folder>."""
import gzip
import hashlib
import json
import pathlib
import sys

LARGEST = 4096  # larger seeds slow the fuzzer down more than they find


def lines(path):
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write(folder, data):
    if len(data) > LARGEST:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def batches(golden, out):
    codecs = {"gzip": 0, "snappy": 1, "lz4": 2, "zstd": 3}
    for line in lines(golden / "batches.jsonl.gz"):
        data = bytes.fromhex(line["hex"])
        if line["case"] == "legacy-message-set":
            write(out / "legacy", bytes([1]) + data)
            if line["codec"] == "none":
                for way in range(8):
                    write(out / "legacy", bytes([way]) + data)
            continue
        write(out / "batch", data)
        codec = line.get("codec") or line["name"].split("-")[0]
        if codec in codecs and len(data) > 61:
            write(out / "decompress", bytes([codecs[codec]]) + data[61:])


def frames(golden, out):
    for line in lines(golden / "frames.jsonl.gz"):
        key = line["api_key"] | (0x8000 if line["kind"] == "response" else 0)
        head = key.to_bytes(2, "big") + line["api_version"].to_bytes(2, "big")
        write(out / "message", head + bytes.fromhex(line["body_hex"]))


def properties(out):
    for text in ("# comment\nlisteners=PLAINTEXT://:9092\nlog.dirs = /tmp/a,\\\n  /tmp/b\n",
                 "a:b\nc d\n! e\n\\u00e9=\\t\\n\\\\\nempty=\n=x\n", "listener.name.a.x=1\r\nb=2\rc=3"):
        write(out / "properties", text.encode())


def client_settings(out):
    for text in ("bootstrap.servers=a:9092,[::1]:9093\nclient.id=me\nretry.backoff.ms=100\nsocket.timeout.ms = 5000\n",
                 "bootstrap.servers=a:9\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.enabled.protocols=TLSv1.3\n"
                 "sasl.jaas.config=ScramLoginModule required username=\"a\" password=\"b\" tokenauth=true;\n",
                 "security.protocol=SASL_PLAINTEXT\nsasl.mechanisms=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://a:8/t?x\n"
                 "sasl.oauthbearer.extensions=a=b,c=d\nsasl.login.refresh.window.factor=0.9\n",
                 "boostrap.servers=a:9\ncompression.type=zstd\nacks=2\nssl.endpoint.identification.algorithm=\n"):
        write(out / "client_settings", b"\0" + text.encode())
    for text in ("org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\\\"b\" password='c d';",
                 "OAuthBearerLoginModule required clientId=a clientSecret=b scope=\"x y\" extension_z=\"1\" ;", "A optional;"):
        write(out / "client_settings", b"\1" + text.encode())


def text16(text):
    return len(text).to_bytes(2, "big") + text.encode()


def consumer_protocol(out):
    def partitions(*topics):
        made = len(topics).to_bytes(4, "big")
        for name, numbers in topics:
            made += text16(name) + len(numbers).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in numbers)
        return made

    nothing = b"\xff\xff\xff\xff"
    topics = (2).to_bytes(4, "big") + text16("a") + text16("b")
    previous = partitions(("a", (0, 1)), ("b", (0,))) + (3).to_bytes(4, "big")
    members = [b"\0\0" + topics + nothing, b"\0\1" + topics + nothing + partitions(("a", (0,))),
               b"\0\0" + topics + len(previous).to_bytes(4, "big") + previous,
               b"\0\3" + topics + nothing + partitions(("a", (0, 2)), ("b", (1,))) + (7).to_bytes(4, "big") + text16("r1")]
    for way in range(4):
        write(out / "consumer_protocol", bytes([way]) + b"".join(len(m).to_bytes(2, "big") + m for m in members))
    # Somebody who wants nothing among those who share, and claims to partitions that cannot be.
    idle, claims = b"\0\0" + bytes(8), b"\0\1" + topics + nothing + partitions(("b", (2**31 - 1, 2)), ("gone", (0,)))
    for first, second in ((idle, members[0]), (members[0], idle), (claims, members[0])):
        write(out / "consumer_protocol", b"\3" + b"".join(len(m).to_bytes(2, "big") + m for m in (first, second)))
    write(out / "consumer_protocol", b"\4\0\0" + partitions(("a", (0, 1)), ("b", (2,))) + nothing)


def json_values(out):
    for text in ("{}", '{"on":false,"whole":-9223372036854775808,"real":1e-3,"text":"\\u00e9\\n","raw":"AP8=","when":1,'
                 '"id":"01234567-89ab-cdef-0123-456789abcdef","paint":"green","one":{"tiny":-128,"large":18446744073709551615},'
                 '"list":[{"single":1.5,"paint":null},{"paint":"blue"}],"named":{"a":[{}],"":[]},"branches":[{"branches":[{}]}]}',
                 '{"real":"NaN","more":[[1,{"x":"y"}],null]}', '{"whole":5.0,"on":1}'):
        write(out / "json", text.encode())


def sasl(out):
    first = b"r=nonce%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    for way in range(2):
        write(out / "sasl", bytes([way]) + first + b"\xffv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        write(out / "sasl", bytes([way]) + first + b"\xffe=other-error")
        # The broker happens to say the fuzzer's password, where it comes back: in its nonce, and in its reason.
        write(out / "sasl", bytes([way]) + first.replace(b"%hvYD", b"pencil-and-paper") + b"\xffe=pencil-and-paper")
    write(out / "sasl", b'\2{"status":"invalid_token","scope":"kafka"}\xff')
    write(out / "sasl", b"\2")
    write(out / "sasl", b"\3e30.eyJleHAiOjE3MDAwMDAwMDAuNX0.")


def main():
    golden, out = map(pathlib.Path, sys.argv[1:3])
    batches(golden, out)
    frames(golden, out)
    properties(out)
    client_settings(out)
    consumer_protocol(out)
    json_values(out)
    sasl(out)
    (out / "made").touch()


main()
