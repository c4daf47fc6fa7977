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


def main():
    golden, out = map(pathlib.Path, sys.argv[1:3])
    batches(golden, out)
    frames(golden, out)
    properties(out)
    (out / "made").touch()


main()
