"""The processes of an API that runs: each keeps to a CPU of its own, with all of its threads."""

import os

import psutil
import pytest

from tests.stack import Stack, wait_until

MANY_THREADS = 8
"""A process that serves has more; those that only look after it have fewer."""

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two CPUs"
)


def cpus_of_processes(stack: Stack, **environment: str) -> list[set[int]]:
    """By process that serves: the CPUs that any of its threads may use."""
    api = psutil.Process(stack.start_api(**environment).pid)
    serving = [process for process in api.children() if process.num_threads() > MANY_THREADS]
    return [{cpu for thread in process.threads() for cpu in os.sched_getaffinity(thread.id)} for process in serving]


def test_each_process_keeps_to_a_cpu_of_its_own(stack: Stack) -> None:
    first, second = cpus_of_processes(stack)
    wait_until(lambda: stack.log("api").count("keeps to one CPU") == 2, "both to say so")
    assert len(first) == len(second) == 1
    assert first != second


def test_they_use_all_cpus_where_that_is_wanted(stack: Stack) -> None:
    first, second = cpus_of_processes(stack, API_CPU_AFFINITY="false")
    assert first == second == os.sched_getaffinity(0)
