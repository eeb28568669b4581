"""Load and comparison: this project beside what people would use instead, in one run on one machine (`make bench`)."""
