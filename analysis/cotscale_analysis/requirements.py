"""What the package needs of its libraries, tested when it is imported."""

import re

OLDEST_XARRAY = (2023, 1)


def require_xarray(version):
    """Raises ImportError if that version of xarray is too old.

    One that is no year and month (Debian 12 has 2023.1 and calls it 999) is taken for new enough.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and tuple(map(int, found.groups())) < OLDEST_XARRAY:
        needed = ".".join(map(str, OLDEST_XARRAY))
        raise ImportError(f"cotscale_analysis needs xarray {needed} or newer, and this is {version}")
