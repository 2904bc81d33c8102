#!/usr/bin/env python3
"""Runs a command with a network of its own, a loopback and nothing else: its ports are nobody else's.

usage: own_network.py COMMAND...     runs it so, or, for whoever may not make one, as it is
       own_network.py --possible     exit code 0 when one can be made

That is why tests that deploy on this machine can run side by side. Python's standard library only.
"""
import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1


def enter():
    """False where this user may not make one."""
    if ctypes.CDLL(None).unshare(CLONE_NEWNET):
        return False
    # A new network has its loopback down.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
    return True


if __name__ == "__main__":
    if sys.argv[1:] == ["--possible"]:
        sys.exit(0 if enter() else 1)
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])
