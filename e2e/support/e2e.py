"""What every Python suite needs: what `e2e/run` tells it, and a list of what no log may show."""

import os


def environment(name):
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set: start this suite with e2e/run")
    return value


def remember(*values):
    """Writes down values that the server's log must not show."""
    with open(environment("ORRERY_E2E_SECRETS"), "a") as file:
        file.writelines(f"{value}\n" for value in values)
