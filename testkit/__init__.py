"""What tests, benchmarks and scripts share: real servers, stand-ins, and ways to drive them."""
