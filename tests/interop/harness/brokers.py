"""Starts, kills and watches one broker for tests: ours or Apache Kafka, behind one face.

A broker lives in a directory: data/, log, pid, port, kind. Everything that follows (stop, kill, restart) needs only
that directory, so suites in other languages drive it with the command `tests/interop/broker`.
"""
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
APACHE = ROOT / "tests/support/apache-kafka"
DEFAULT = ROOT / "build/release/broker/app/weir-broker"


def default_kind() -> str:
    """`apache`, or the path of our executable: $WEIR_BROKER, by default the release build."""
    return os.environ.get("WEIR_BROKER") or str(DEFAULT)


def free_port() -> int:
    """A port of $PORTS that is free now, and so is the next one (Apache's controller listens there). By default below the
    range from which the kernel picks ports for outgoing connections, so that it is still free when a killed broker comes back."""
    first_port, last_port = map(int, os.environ.get("PORTS", "20000-31999").split("-"))
    while True:
        port = random.randrange(first_port, last_port)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether a broker on this port answers ApiVersions."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as conn:
            conn.sendall(struct.pack(">i", len(request)) + request)
            return len(conn.recv(8)) == 8
    except OSError:
        return False


class Broker:
    def __init__(self, directory, kind=None):
        self.dir = pathlib.Path(directory).resolve()
        if kind is None and (self.dir / "kind").exists():
            kind = (self.dir / "kind").read_text()
        self.kind = kind or default_kind()

    @property
    def port(self) -> int:
        return int((self.dir / "port").read_text())

    @property
    def pid(self) -> int:
        return int((self.dir / "pid").read_text())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def is_apache(self) -> bool:
        return self.kind == "apache"

    def start(self, overrides=(), ready_seconds=180):
        """Starts it, on the port and with the settings of the first start when it was started before."""
        self.dir.mkdir(parents=True, exist_ok=True)
        (self.dir / "kind").write_text(self.kind)
        if not (self.dir / "port").exists():
            (self.dir / "port").write_text(str(free_port()))
        settings = self.dir / "overrides"
        if overrides or not settings.exists():
            settings.write_text("".join(f"{line}\n" for line in overrides))
        overrides = settings.read_text().splitlines()
        if self.is_apache:
            subprocess.run([str(APACHE), "start", str(self.dir), str(self.port), *overrides], check=True)
        else:
            arguments = [f"listeners=PLAINTEXT://127.0.0.1:{self.port}", f"log.dirs={self.dir}/data",
                         "group.initial.rebalance.delay.ms=0", *overrides]
            command = [self.kind]
            for argument in arguments:
                command += ["--override", argument]
            with open(self.dir / "log", "ab") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                           start_new_session=True)
            (self.dir / "pid").write_text(str(process.pid))
        deadline = time.monotonic() + ready_seconds
        while not answers(self.port):
            if not self.alive():
                raise RuntimeError(f"the broker ended while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no answer on {self.address} within {ready_seconds} s:\n{self.log_tail()}")
            time.sleep(0.01)
        return self

    def alive(self) -> bool:
        """Whether anything of the process is left: a killed one keeps its files, and the lock of its directory, until
        its last thread came back from the disk, while its first is a zombie already."""
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                zombie = stat.read().rsplit(")", 1)[1].split()[0] == "Z"
            return not zombie or len(os.listdir(f"/proc/{self.pid}/task")) > 1
        except OSError:
            return False

    def _signal(self, number, seconds):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                raise RuntimeError(f"broker {self.pid} did not end within {seconds} s of signal {number}")
            time.sleep(0.01)
        try:  # collect it when it is our child
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass

    def stop(self):
        """A clean stop."""
        self._signal(signal.SIGTERM, 60)

    def kill(self):
        """kill -9."""
        self._signal(signal.SIGKILL, 20)

    def log_tail(self, lines=15) -> str:
        try:
            return "\n".join((self.dir / "log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def rss_bytes(self) -> int:
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Cluster:
    """Several nodes of Apache Kafka, each broker and voter at once. Node 0 listens on the first port."""

    def __init__(self, directory, nodes: int):
        self.nodes = [Broker(pathlib.Path(directory) / str(index), "apache") for index in range(nodes)]

    @property
    def address(self) -> str:
        return ",".join(node.address for node in self.nodes)

    def start(self, overrides=()):
        ports: list[int] = []
        while len(ports) < len(self.nodes):
            port = free_port()
            if all(abs(port - other) > 1 for other in ports):
                ports.append(port)
        voters = ",".join(f"{index + 1}@127.0.0.1:{port + 1}" for index, port in enumerate(ports))
        replicated = min(3, len(self.nodes))
        for index, (node, port) in enumerate(zip(self.nodes, ports)):
            node.dir.mkdir(parents=True, exist_ok=True)
            (node.dir / "port").write_text(str(port))
            (node.dir / "kind").write_text("apache")
            (node.dir / "overrides").write_text("".join(f"{line}\n" for line in [
                f"node.id={index + 1}", f"controller.quorum.voters={voters}", f"broker.rack=rack-{index}",
                f"offsets.topic.replication.factor={replicated}", f"transaction.state.log.replication.factor={replicated}",
                f"share.coordinator.state.topic.replication.factor={replicated}", *overrides]))
        # None is ready before a majority is: they start together.
        starting = [subprocess.Popen([ROOT / "tests/interop/broker", "start", node.dir], stdout=subprocess.DEVNULL) for node in self.nodes]
        if any([process.wait() for process in starting]):
            raise RuntimeError(f"a node did not start; see the logs below {self.nodes[0].dir.parent}")
        return self

    def kill(self):
        for node in self.nodes:
            try:
                node.kill()
            except (OSError, RuntimeError):
                pass
