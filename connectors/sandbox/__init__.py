"""The destinations as local servers, for the demo, the tests and the benchmarks."""
