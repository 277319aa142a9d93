"""The program against a naive peer, on one machine and one store: `python -m benchmarks ingress` and `drain`."""
