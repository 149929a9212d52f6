"""The checks of a diagnosis, one a file, each `(evidence) -> Verdict`."""

__all__: list[str] = []
