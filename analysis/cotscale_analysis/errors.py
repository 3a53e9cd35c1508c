"""Why a file or a request cannot be served."""

USAGE, OTHER_SCHEMA, IO_ERROR = 2, 65, 74  # exit codes


class ResultsError(Exception):
    """A file or a request that cannot be served; `exit_code` is what the command line ends with."""

    def __init__(self, message, exit_code):
        super().__init__(message)
        self.exit_code = exit_code
