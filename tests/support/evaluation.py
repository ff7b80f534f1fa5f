"""`zoo evaluate` in the process of a test."""

from zoo import cli


def evaluate(*arguments):
    """Run `zoo evaluate` with these arguments; its errors are raised, not printed."""
    parsed = cli.parser().parse_args(["evaluate", *map(str, arguments)])
    return parsed.run(parsed)
