#!/usr/bin/env python3
"""forward.py ADDRESS: the samples say localhost:9092; whoever connects there reaches the broker at ADDRESS, which then tells
where it really is. Prints a line once it listens."""
import socket
import sys
import threading

host, port = sys.argv[1].rsplit(":", 1)


def copy(source: socket.socket, target: socket.socket):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(come: socket.socket):
    try:
        there = socket.create_connection((host, int(port)))
    except OSError:
        come.close()
        return
    threading.Thread(target=copy, args=(there, come), daemon=True).start()
    copy(come, there)


listener = socket.create_server(("localhost", 9092))
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
