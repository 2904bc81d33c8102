#!/usr/bin/env python3
"""Runs a test program against the cluster: it finds it in its environment. Usage: run.py PROGRAM"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "cluster"))
import cluster

cluster.need_cluster()
os.environ["KUBECONFIG"] = cluster.KUBECONFIG
os.environ["HARMONY_TEST_IMAGE"] = cluster.images()["busybox"]
os.execv(sys.argv[1], sys.argv[1:])
