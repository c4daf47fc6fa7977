"""Runs a program of doctest cases (tests/support/checks_reporter.cpp) on the suite's broker and, where that is Apache Kafka,
on three of them as well: the same program. It gets BOOTSTRAP, NODES (how many), APIS (the keys they advertise) and
NODE_CONTROL (kills and starts one: tests/interop/harness/node)."""
import os
import pathlib
import subprocess

from brokers import Broker, Cluster
from wire import Client

HARNESS = pathlib.Path(os.environ["HARNESS"])


def run(program, label: str, bootstrap: str, directories) -> int:
    client = Client(bootstrap.split(",")[0])
    apis = ",".join(map(str, sorted(client.api_keys())))
    client.close()
    environment = dict(os.environ, BOOTSTRAP=bootstrap, APIS=apis, NODES=str(len(directories)),
                       NODE_CONTROL=f"{HARNESS / 'node'} {' '.join(map(str, directories))} --")
    command = [program, "--reporters=checks", "--no-version"]
    if os.environ.get("ONLY"):
        command.append(f"--test-case=*{os.environ['ONLY']}*")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        print(line.replace("ok - ", f"ok - {label}: ", 1), end="", flush=True)
    return process.wait()


def run_on_one_and_three(program, overrides=()) -> int:
    """`overrides`: settings of the three; the one has its own."""
    status = run(program, "one node", os.environ["BOOTSTRAP"], [os.environ["BROKER_DIR"]])
    if Broker(os.environ["BROKER_DIR"]).is_apache:
        os.environ.setdefault("KAFKA_HEAP", "512m")
        cluster = Cluster(pathlib.Path(os.environ["WORK"]) / "cluster", 3)
        try:
            cluster.start(overrides)
            status |= run(program, "three nodes", cluster.address, [node.dir for node in cluster.nodes])
        finally:
            cluster.kill()
    return status
