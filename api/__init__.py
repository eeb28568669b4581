"""HTTP in, HTTP out. Views show their contract and call one service; what is decided is decided elsewhere."""
