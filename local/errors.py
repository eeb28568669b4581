"""What can keep a local system from running, each told in one line:

LocalError
+-- ServerNotFound    no usable mongod or Redis on this machine
+-- ServerFailed      a server ended while it was being started, or did not get ready in time
+-- PortBusy          somebody else listens on API_PORT or FLOWER_PORT
+-- DataDirUnusable   DATA_DIR can't be made
+-- AlreadyRunning    another `make run` holds this DATA_DIR
+-- PartFailed        a part keeps dying, or does not get ready; has the tail of its log
+-- NoSystem          `make token`, `demo`, `seed`, `verify` and `orders` find nothing to talk to
+-- SeedFailed        `make seed` has no file to send, or the system did not take it
+-- PicturesFailed    `make pictures` has no browser, or it took none
+-- BackupFailed      a backup could not be written or restored
    +-- BackupUnusable    its file is not whole, or not one of ours
"""


class LocalError(Exception):
    """The text is for the person at the terminal."""


class ServerNotFound(LocalError):
    """The text names the three ways out."""


class ServerFailed(LocalError):
    """The text has the end of the server's log, where it has one."""


class PortBusy(LocalError):
    def __init__(self, variable: str, port: int) -> None:
        super().__init__(f"port {port} is in use: set {variable} to a free one")
        self.port = port


class DataDirUnusable(LocalError):
    def __init__(self, data_dir: object, error: OSError) -> None:
        super().__init__(f"DATA_DIR {data_dir} can't be used: {error.strerror}")


class AlreadyRunning(LocalError):
    def __init__(self, data_dir: object, pid: str) -> None:
        super().__init__(
            f"a system already runs in {data_dir} (pid {pid or 'unknown'}): "
            "stop it, or choose another DATA_DIR, API_PORT and FLOWER_PORT"
        )
        self.pid = pid


class PartFailed(LocalError):
    def __init__(self, what: str, log_tail: str = "") -> None:
        super().__init__(f"{what}\n{log_tail}".rstrip())
        self.log_tail = log_tail


class NoSystem(LocalError):
    """The text says how to start one."""


class SeedFailed(LocalError):
    """The text names the file, or says how to."""


class PicturesFailed(LocalError):
    """The text says what is missing."""


class BackupFailed(LocalError):
    """The text says what is left behind."""


class BackupUnusable(BackupFailed):
    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{path} is not a whole backup: {why}")
