"""The rules of ordering: pure functions and values on the standard library alone, no input or output."""
