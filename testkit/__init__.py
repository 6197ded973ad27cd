"""What tests and benchmarks share: real servers, stand-ins, and ways to drive them."""
